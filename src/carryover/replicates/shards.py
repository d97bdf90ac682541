"""Shards: the replicates that one job trains at once."""

from typing import NamedTuple

from carryover.training.behaviours import Training


class Shard(NamedTuple):
    """Replicates of one behaviour with successive seeds.

    Attributes:
        behaviour: when the states are reset: never, every_epoch or every_batch.
        first_seed: the seed of the first replicate.
        last_seed: the seed of the last replicate.
    """

    behaviour: str
    first_seed: int
    last_seed: int

    @property
    def training(self) -> Training:
        """The training of the replicates: their batches are contiguous."""
        return Training(self.behaviour, "contiguous")

    @property
    def seeds(self) -> range:
        """The seeds of the replicates, in order."""
        return range(self.first_seed, self.last_seed + 1)

    @property
    def path(self) -> str:
        """The path of the shard's losses in the folder of the replicates."""
        return f"{self.behaviour}/{self.first_seed}-{self.last_seed}.csv"


def shards(count: int, behaviours: list[str], first_seed: int, shard_size: int) -> list[Shard]:
    """Return the shards of a run; the arguments are the keys of `replicates` in params.yaml.

    >>> [shard.path for shard in shards(count=5, behaviours=["never"], first_seed=1, shard_size=3)]
    ['never/1-3.csv', 'never/4-5.csv']
    """
    return [
        Shard(behaviour, first_seed + done, first_seed + min(done + shard_size, count) - 1)
        for behaviour in behaviours
        for done in range(0, count, shard_size)
    ]
