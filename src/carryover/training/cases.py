"""A case: one way of spelling a training in Keras."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from carryover.training.behaviours import TRAININGS, Training
from carryover.training.variants import variant_of

CALLS = {"loop": "a loop of fit(epochs=1)", "single": "one fit(epochs=n)"}
"""How a case calls `fit`."""


class Case(NamedTuple):
    """How a case is trained: an entry of `cases` in params.yaml, without the keys of its variant.

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
        """The training that the case spells, whatever its variant.

        >>> Case("single", "never", stateful=False).training.name
        'contiguous_every_batch'
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


def training_of(name: str, params: Mapping[str, Any]) -> Training:
    """Return the training that the definition of a case spells, whatever the run found.

    Args:
        name: of the case.
        params: the parameters of the run.
    """
    definition = params["cases"][name]
    case = Case(**{key: definition[key] for key in Case._fields if key in definition})
    return case.training._replace(variant=variant_of(name, params))


def trainings_of(params: Mapping[str, Any]) -> list[Training]:
    """Return the different trainings that the cases of a run spell.

    Returns:
        They are in the order of TRAININGS, those of one variant after those of another.
    """
    spelled = list(dict.fromkeys(training_of(name, params) for name in params["cases"]))
    variants = dict.fromkeys(training.variant for training in spelled)
    every = [training._replace(variant=variant) for variant in variants for training in TRAININGS.values()]
    return [training for training in every if training in spelled]


def replicated(params: Mapping[str, Any]) -> list[Training]:
    """Return those of the trainings_of a run that replicates repeat: all but those on another backend."""
    return [training for training in trainings_of(params) if not training.variant.backend]
