"""The plugin `snakemake --logger carryover`. Snakemake finds it by its package name; profiles/default chooses it."""

from carryover.engines.progress.handler import LogHandler

__all__ = ["LogHandler"]
