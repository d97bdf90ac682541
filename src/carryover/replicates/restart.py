"""A compiled model that is trained again and again: most of the time of a small training goes into compiling."""

import keras

from carryover.training.cases import Case
from carryover.training.recurrent import state_variables
from carryover.training.states import reset_states


def compiled_as(case: Case) -> Case:
    """Return the case as which to compile a model for a case: those that reset alike between batches share one."""
    return case._replace(batches="contiguous", reset="never" if case.reset == "every_epoch" else case.reset)


class Restartable:
    """A compiled model that is used for one training after another.

    Args:
        model: a model that fitting.compile_model has compiled, not trained yet.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.variables = model.optimizer.variables
        self.values = [variable.numpy() for variable in self.variables]

    def restarted(self) -> keras.Model:
        """Return the model with the optimizer and the states as before any training; its weights are to be set."""
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        if state_variables(self.model):
            reset_states(self.model)
        return self.model
