"""A case: one way of spelling a training in Keras."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from carryover.training.behaviours import TRAININGS, Training

CALLS = {"loop": "a loop of fit(epochs=1)", "single": "one fit(epochs=n)"}
"""How a case calls `fit`."""


class Case(NamedTuple):
    """How a case is trained: an entry of `cases` in params.yaml.

    Attributes:
        calls: a key of CALLS.
        reset: when the states are set to zero, a key of behaviours.BEHAVIOURS.
        stateful: whether the layers carry their states from one batch to the next.
        batches: in which order the batches take the windows, a key of behaviours.BATCH_ORDERS.
    """

    calls: Literal["loop", "single"]
    reset: Literal["never", "every_epoch", "every_sequence", "every_batch"]
    stateful: bool
    batches: Literal["contiguous", "interleaved"] = "contiguous"

    @property
    def training(self) -> Training:
        """The training that the case spells.

        >>> Case("single", "never", stateful=False).training
        Training(behaviour='every_batch', batches='contiguous')
        """
        return Training(self.reset if self.stateful else "every_batch", self.batches)


def case_of(training: Training) -> Case:
    """Return the case that spells a training as a single call; without memory, by a network that is not stateful.

    >>> case_of(Training("every_batch", "interleaved"))
    Case(calls='single', reset='never', stateful=False, batches='interleaved')
    """
    stateful = training.behaviour != "every_batch"
    reset = training.behaviour if stateful else "never"
    return Case("single", reset, stateful, training.batches)  # type: ignore[arg-type]


def trainings_of(cases: Mapping[str, Mapping[str, Any]]) -> list[Training]:
    """Return the different trainings that some cases spell, in the order of TRAININGS.

    >>> single = {"calls": "single", "reset": "never", "stateful": True}
    >>> trainings_of({"a": single, "b": single | {"calls": "loop"}})
    [Training(behaviour='never', batches='contiguous')]

    Args:
        cases: the entries of `cases` in params.yaml, by name.
    """
    spelled = {Case(**case).training for case in cases.values()}
    return [training for training in TRAININGS.values() if training in spelled]
