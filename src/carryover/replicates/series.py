"""The series that each replicate learns and forecasts."""

from typing import NamedTuple

from carryover.replicates.shards import Shard
from carryover.series.dataset import Series
from carryover.series.noisy_sine import noisy_sine


class Parts(NamedTuple):
    """The parts of a series.

    Attributes:
        training: the part that the networks are trained on.
        held_out: the part after it.
    """

    training: Series
    held_out: Series


def noisy_sine_of_each(shard: Shard, own: Parts, step: float, noise: float) -> list[Parts]:
    """Return a noisy sine for each seed of a shard, with noise of its own and parts as long as the run's own.

    Args:
        shard: the seeds.
        own: the parts of the run's own series.
        step, noise: as for noisy_sine.
    """
    training, held_out = (len(part.y) for part in own)
    whole = [noisy_sine(training + held_out, step, noise, seed) for seed in shard.seeds]
    return [Parts(one.part(slice(training)), one.part(slice(training, None))) for one in whole]
