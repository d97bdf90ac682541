"""A run of Snakemake: its parameters, the lock that keeps a second run out, and what happens at the end."""

import atexit
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.yaml_file import Params, read_yaml
from carryover.params.check import check
from carryover.params.options import merge, typed

LOCK = Path(".snakemake/running.lock")
"""The operating system releases this lock when its holder dies, however it dies. You would have to remove Snakemake's
own lock by hand, so profiles/default turns it off."""

NOT_IN_DVC = Path(".snakemake/not_in_dvc")
"""This file exists while some results may not be in DVC's cache. If a run is killed after its last job, the next run
has nothing to do and Snakemake calls no hooks; this file then shows that the cache is still incomplete."""


def read_params(file: Path, schema: Path, changes: dict[str, Any]) -> tuple[Params, Params]:
    """Read the parameters and check them; an error is reported in one line and ends the program.

    Args:
        file: params.yaml.
        schema: the JSON schema of params.yaml.
        changes: the parameters that --config and --configfile have set.

    Returns:
        The parameters in the file, and those of the run.
    """
    with errors_in_one_line():
        rules, in_file = read_yaml(schema), read_yaml(file)
    with errors_in_one_line(f"{file}, --configfile or --config: "):
        return in_file, check(merge(in_file, typed(changes, rules)), rules, root=Path())


class Run:
    """A run of Snakemake in the current folder.

    Args:
        results: the folder of the results.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self.created = time.time()
        if NOT_IN_DVC.exists():
            _into_dvc()

    def start(self) -> None:
        """Take the lock; if another run holds it, report that in one line and end the program."""
        from filelock import FileLock, Timeout  # which a dry run does without

        self.lock = FileLock(LOCK)
        with errors_in_one_line():
            try:
                self.lock.acquire(blocking=False)
            except Timeout:
                raise UserError("another run of Snakemake works in this folder; wait until it has ended") from None
        NOT_IN_DVC.touch()
        # Load DVC now, while this process only waits for the jobs; at the end everything would wait for it.
        Thread(target=_load_dvc, daemon=True).start()

    def end(self) -> None:
        """Put the results into DVC's cache; if this run made a verdict, print it after Snakemake's last message."""
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
        print(f"note: the results are complete, but not in DVC's cache: {error}; run `dvc commit`", file=sys.stderr)
