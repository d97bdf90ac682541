"""DVC's cache, for the engine that is not DVC."""

import logging
from contextlib import suppress
from pathlib import Path


def load(project: Path) -> None:
    """Import what take_over needs of DVC, which does so only at the first use: half a second."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    with suppress(DvcException), Repo(str(project)) as repo:  # take_over will report it
        list(repo.index.stages)


def take_over(project: Path) -> bool:
    """Put the artifacts into DVC's cache whose stage is as dvc.lock has it, so that `dvc status` is clean.

    Unlike `dvc commit` it leaves dvc.lock alone, which DVC rewrites in place: killed meanwhile, it would leave half of
    it. What differs from dvc.lock is for `dvc commit --force` or `dvc repro` to take over.

    Returns:
        whether nothing differs.

    Raises:
        DvcException: where another DVC process works in the project, or the cache cannot be written.
    """
    from dvc.repo import Repo, lock_repo

    for name in ("dvc", "dvc_data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # hundreds of progress bars are no progress
    complete = True
    with Repo(str(project)) as repo, lock_repo(repo):
        for stage in repo.index.stages:
            if any(stage.changed_entries()):
                complete = False
            else:
                stage.commit(relink=False)
    return complete
