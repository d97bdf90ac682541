"""The trainings: what becomes of the states, by the order of the batches. Here are the words for both."""

from typing import NamedTuple

BEHAVIOURS = {"never": "never reset", "every_epoch": "reset every epoch", "every_batch": "reset every batch"}
"""What may become of the states, as `reset` of a case; a stateless network is as if reset before every batch."""

BATCH_ORDERS = {
    "contiguous": "contiguous: a row carries its state to the window {batch_size} further on",
    "interleaved": "interleaved: a row carries its state to the next window",
}
"""In which order the batches may take the windows, as `batches` of a case; series.batches.batch_order does it."""


class Training(NamedTuple):
    """What a network learns from: cases of one training are spellings of it.

    Attributes:
        behaviour: a key of BEHAVIOURS.
        batches: a key of BATCH_ORDERS.
    """

    behaviour: str
    batches: str
