"""Putting results into DVC's cache after a run of Snakemake."""

import logging
from contextlib import suppress
from pathlib import Path


def load(project: Path) -> None:
    """Make DVC import what take_over needs; it imports lazily, and this takes half a second."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    with suppress(DvcException), Repo(str(project)) as repo:  # take_over will report it
        list(repo.index.stages)


def take_over(project: Path) -> bool:
    """Put the artifacts of each stage that matches dvc.lock into DVC's cache, so that `dvc status` is clean.

    Unlike `dvc commit`, this does not touch dvc.lock. DVC rewrites that file in place, and would leave half of it if it
    were killed. To record artifacts that differ from dvc.lock, use `dvc commit --force` or `dvc repro`.

    Returns:
        Whether every stage matches dvc.lock.

    Raises:
        DvcException: if another DVC process works in the project, or if the cache cannot be written.
    """
    from dvc.repo import Repo, lock_repo

    for name in ("dvc", "dvc_data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # DVC would show hundreds of progress bars
    complete = True
    with Repo(str(project)) as repo, lock_repo(repo):
        for stage in repo.index.stages:
            if any(stage.changed_entries()):
                complete = False
            else:
                stage.commit(relink=False)
    return complete
