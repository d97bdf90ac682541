"""The trainings: when the states are reset, and in which order the batches take the windows; the words for both."""

from itertools import product
from typing import NamedTuple

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
    """

    behaviour: str
    batches: str

    @property
    def name(self) -> str:
        """The training's name in tables, such as `contiguous_never`."""
        return f"{self.batches}_{self.behaviour}"

    @property
    def words(self) -> str:
        """The training's name in a sentence.

        >>> Training("never", "contiguous").words
        'never reset, contiguous batches'
        """
        return f"{BEHAVIOURS[self.behaviour]}, {self.batches} batches"


TRAININGS = {
    training.name: training
    for training in (Training(behaviour, batches) for batches, behaviour in product(BATCH_ORDERS, BEHAVIOURS))
    if training != Training("every_sequence", "contiguous")
}
"""Every training, by its name. In contiguous batches, no row runs along a sequence."""
