"""A run of Snakemake: its parameters, the lock that keeps a second one out, and what is done at its end."""

import atexit
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

from filelock import FileLock, Timeout

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.yaml_file import Params, read_yaml
from carryover.params.check import check
from carryover.params.options import merge, typed

LOCK = Path(".snakemake/running.lock")
"""The operating system releases this lock when its holder dies, however it dies. Snakemake's own lock would have to be
removed by hand, so profiles/default turns it off."""

NOT_IN_DVC = Path(".snakemake/not_in_dvc")
"""This file is there while results may not be in DVC's cache yet. A run that is killed just then leaves nothing to do
for its rerun, and Snakemake runs no hooks if there is nothing to do."""


def read_params(file: Path, schema: Path, changes: dict[str, Any]) -> tuple[Params, Params]:
    """Read the parameters and check them; a mistake ends the program with one line.

    Args:
        file: params.yaml.
        schema: its JSON schema.
        changes: what --config and --configfile have set.

    Returns:
        the parameters in the file, and those of the run.
    """
    with errors_in_one_line(f"{file}, --configfile or --config: "):
        rules = read_yaml(schema)
        in_file = read_yaml(file)
        return in_file, check(merge(in_file, typed(changes, rules)), rules, root=Path())


class Run:
    """A run of Snakemake in the current folder.

    Args:
        results: the folder of the results.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self.lock = FileLock(LOCK)
        self.created = time.time()
        if NOT_IN_DVC.exists():
            _into_dvc()

    def start(self) -> None:
        """Refuse to start beside another run, in one line."""
        with errors_in_one_line():
            try:
                self.lock.acquire(blocking=False)
            except Timeout:
                raise UserError("another run of Snakemake works in this folder; wait until it has ended") from None
        NOT_IN_DVC.touch()
        # While the jobs run, this process waits; at the end nothing else would run.
        Thread(target=_load_dvc, daemon=True).start()

    def end(self) -> None:
        """Put the results into DVC's cache, and print the verdict after Snakemake's last words if it is this run's."""
        from carryover.engines.terminal import show_verdict

        _into_dvc()
        verdict = self.results / "verdict.md"
        if verdict.exists() and verdict.stat().st_mtime > self.created:
            atexit.register(show_verdict, self.results)


def _load_dvc() -> None:
    from carryover.engines.dvc_cache import load

    load(Path())


def _into_dvc() -> None:
    """Put what matches dvc.lock into DVC's cache, so that `dvc status` is clean."""
    from dvc.exceptions import DvcException

    from carryover.engines.dvc_cache import take_over

    try:
        if take_over(Path()):
            NOT_IN_DVC.unlink(missing_ok=True)
    except DvcException as error:
        print(f"note: the results are made, but not in DVC's cache: {error}; run `dvc commit`", file=sys.stderr)
