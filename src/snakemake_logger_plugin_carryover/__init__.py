"""`snakemake --logger carryover`, which profiles/default chooses: Snakemake finds plugins by the names of packages."""

from carryover.engines.progress import LogHandler

__all__ = ["LogHandler"]
