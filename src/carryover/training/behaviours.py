"""The trainings: when the states are reset, in which order the batches take the windows, and of which variant."""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

from carryover.training.variants import ONLY, Variant

BEHAVIOURS = {
    "never": "never reset",
    "every_epoch": "reset every epoch",
    "every_sequence": "reset every sequence",
    "every_batch": "reset every batch",
}
"""When the states may be reset, as in `reset` of a case. A stateless network behaves as if reset every batch."""

BATCH_ORDERS = {
    "contiguous": "a row of a batch carries its state to the window {batch_size} further on",
    "interleaved": "a row of a batch carries its state to the next window",
}
"""How the batches may take the windows, as in `batches` of a case; series.batches.batch_order computes the order."""


class Training(NamedTuple):
    """What happens to a network while it is trained. The cases of one training are different spellings of it.

    Attributes:
        behaviour: a key of BEHAVIOURS.
        batches: a key of BATCH_ORDERS.
        variant: the network and the optimizer, where not all cases of the run have the same.
    """

    behaviour: str
    batches: str
    variant: Variant = ONLY

    @property
    def name(self) -> str:
        """The training's name in tables, such as `contiguous_never` or `contiguous_never_gru`."""
        return "_".join(filter(None, [self.batches, self.behaviour, self.variant.name]))

    @property
    def words(self) -> str:
        """The training's name in a sentence.

        >>> Training("never", "contiguous").words, Training("never", "contiguous", Variant("gru")).words
        ('never reset, contiguous batches', 'never reset, contiguous batches, gru')
        """
        return f"{BEHAVIOURS[self.behaviour]}, {self.order}"

    @property
    def order(self) -> str:
        """What the training has beside its behaviour, in words.

        >>> Training("never", "contiguous", Variant("gru")).order
        'contiguous batches, gru'
        """
        return ", ".join(filter(None, [f"{self.batches} batches", self.variant.words]))

    @property
    def definition(self) -> str | dict[str, Any]:
        """The training as JSON: its name, or with the definition of its variant if the run has several."""
        if self.variant == ONLY:
            return self.name
        return {"training": self._replace(variant=ONLY).name} | self.variant.definition


TRAININGS = {
    training.name: training
    for training in (Training(behaviour, batches) for batches, behaviour in product(BATCH_ORDERS, BEHAVIOURS))
    if training != Training("every_sequence", "contiguous")
}
"""Every training, by its name without a variant. In contiguous batches, no row runs along a sequence."""


def training_from(definition: str | Mapping[str, Any]) -> Training:
    """Return a training from its definition.

    >>> training_from({"training": "contiguous_never", "variant": "gru", "cell": "gru"}).name
    'contiguous_never_gru'

    Raises:
        KeyError, ValueError: if it is no definition of a training.
    """
    if isinstance(definition, str):
        return TRAININGS[definition]
    return TRAININGS[definition["training"]]._replace(variant=Variant.of(definition))


DIFFERENCES = {
    "batches": "the batch order",
    "behaviour": "when the states are reset",
    "cell": "the cell",
    "units": "the units",
    "optimizer": "the optimizer",
    "backend": "the backend",
}
"""In what trainings may differ, with the words for it."""


def differences(a: Training, b: Training) -> list[str]:
    """Return in what two trainings differ, as keys of DIFFERENCES.

    What two trainings show is due to one cause only if this is one.

    >>> lstm, gru = Variant("lstm", "lstm"), Variant("gru", "gru")
    >>> differences(Training("never", "contiguous", lstm), Training("every_epoch", "contiguous", gru))
    ['behaviour', 'cell']
    """
    ours, theirs = ({**t._asdict(), **t.variant._asdict()} for t in (a, b))
    return [key for key in DIFFERENCES if ours[key] != theirs[key]]
