"""`snakemake --logger carryover`, which profiles/default chooses: Snakemake finds plugins by the names of packages."""

from carryover.progress import LogHandler

__all__ = ["LogHandler"]
