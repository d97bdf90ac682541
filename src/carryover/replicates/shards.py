"""Shards: the seeds whose replicates one job trains at once."""

from typing import NamedTuple


class Shard(NamedTuple):
    """Successive seeds.

    Attributes:
        first_seed: the seed of the first replicate.
        last_seed: the seed of the last replicate.
    """

    first_seed: int
    last_seed: int

    @property
    def seeds(self) -> range:
        """The seeds, in order."""
        return range(self.first_seed, self.last_seed + 1)

    @property
    def name(self) -> str:
        """The name of the shard's folder among the replicates.

        >>> Shard(1, 64).name
        '1-64'
        """
        return f"{self.first_seed}-{self.last_seed}"


def shards(count: int, first_seed: int, shard_size: int) -> list[Shard]:
    """Return the shards of a run; the arguments are the keys of `replicates` in params.yaml.

    >>> [shard.name for shard in shards(count=5, first_seed=1, shard_size=3)]
    ['1-3', '4-5']
    """
    return [
        Shard(first_seed + done, first_seed + min(done + shard_size, count) - 1) for done in range(0, count, shard_size)
    ]
