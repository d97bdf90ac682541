"""The line that a training prints for each epoch, and how to find the last one in a log."""

import re
from typing import NamedTuple

_LINE = re.compile(r"epoch (\d+) of (\d+): (?:median )?loss (\S+)")


class Epoch(NamedTuple):
    """How far a training is.

    Attributes:
        number: the number of the epoch, counted from 1.
        total: how many epochs there are.
        loss: the loss of this epoch; the median if many networks are trained at once.
    """

    number: int
    total: int
    loss: float


def print_epoch(epoch: Epoch, of_replicates: str = "") -> None:
    """Print the line of an epoch, without buffering.

    Args:
        epoch: the epoch that has ended.
        of_replicates: the shard, if the loss is the median of replicates.
    """
    where, which = (f"{of_replicates}: ", "median loss") if of_replicates else ("", "loss")
    print(f"{where}epoch {epoch.number} of {epoch.total}: {which} {epoch.loss:.9g}", flush=True)


def last_epoch(log: str) -> Epoch | None:
    """Return the last epoch in a log; None if there is none.

    >>> last_epoch("epoch 1 of 70: loss 0.5\\nepoch 2 of 70: loss 0.25\\n")
    Epoch(number=2, total=70, loss=0.25)
    """
    found = _LINE.findall(log)
    if not found:
        return None
    number, total, loss = found[-1]
    return Epoch(int(number), int(total), float(loss))
