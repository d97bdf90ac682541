"""A run of Snakemake: the locks that keep a second run out, what is checked before it, and what happens at its end."""

import atexit
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError

LOCKS = Path(".snakemake/running")
"""The folder of the locks, one for each folder that a run writes into. The operating system releases a lock when its
holder dies, however it dies. You would have to remove Snakemake's own locks by hand, so profiles/default turns them
off."""

NOT_IN_DVC = Path(".snakemake/not_in_dvc")
"""The folder of markers, one for each folder of results: it exists while some of them may not be in DVC's cache. If a
run is killed after its last job, the next run has nothing to do and Snakemake calls no hooks; the marker then shows
that the cache is still incomplete."""


class Run:
    """A run of Snakemake in the current folder.

    Args:
        params: the parameters of the run.
        is_main_process: whether this process starts the jobs. A job that parses the Snakefile does nothing here.
    """

    def __init__(self, params: Mapping[str, Any], is_main_process: bool) -> None:
        self.params = params
        self.is_main_process = is_main_process
        self.results = Path(params["folders"]["results"])
        self.created = time.time()
        self.checked = False
        self.locks = Locks(LOCKS / quote(folder, safe="") for folder in params["folders"].values())
        self.not_in_dvc = NOT_IN_DVC / quote(str(self.results), safe="")
        if is_main_process and self.not_in_dvc.exists():
            self._into_dvc()

    def check(self, outputs: Iterable[str]) -> None:
        """Before anything is planned, check the folders, and let Snakemake trust no result that something has replaced.

        Args:
            outputs: the files that the run is to make.
        """
        from filelock import Timeout

        outputs = list(outputs)
        if not self.is_main_process:
            return
        from carryover.engines.replaced import distrust_replaced

        with errors_in_one_line():
            check_folders(outputs)
            with suppress(Timeout):  # another run is writing the results; this one is refused when it starts
                self.locks.acquire()
                self.locks.release()  # at once, so that a dry run never keeps a run out
                distrust_replaced(outputs, self.params)
                self.checked = True

    def start(self) -> None:
        """Take the locks; report in one line if another run holds one, and end."""
        from filelock import Timeout

        with errors_in_one_line():
            try:
                self.locks.acquire()
                if not self.checked:
                    raise Timeout(str(LOCKS))
            except Timeout:
                data, results = self.params["folders"].values()
                raise UserError(
                    f"another run of Snakemake writes into {data} or {results}; wait until it has ended, or give this "
                    "run folders of its own: --config 'folders={data: mine/data, results: mine/results}'"
                ) from None
        NOT_IN_DVC.mkdir(exist_ok=True)
        self.not_in_dvc.touch()
        # Load DVC now, while this process only waits for the jobs; at the end everything would wait for it.
        Thread(target=_load_dvc, daemon=True).start()

    def end(self) -> None:
        """Put the results into DVC's cache; if this run made a verdict, print it after Snakemake's last message."""
        from carryover.engines.terminal import show_verdict

        self._into_dvc()
        verdict = self.results / "verdict.md"
        if verdict.exists() and verdict.stat().st_mtime > self.created:
            atexit.register(show_verdict, self.results)

    def _into_dvc(self) -> None:
        from carryover.engines.dvc_project import take_over

        try:
            if take_over(Path()):
                self.not_in_dvc.unlink(missing_ok=True)
        except UserError as error:
            print(f"note: the results are complete, but not in DVC's cache: {error}", file=sys.stderr)


class Locks:
    """Locks that are held all or none; each is a file.

    Raises:
        filelock.Timeout: when they are taken, if another process holds one.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        from filelock import FileLock

        self.locks = [FileLock(path) for path in sorted(set(paths))]

    def acquire(self) -> None:
        from filelock import Timeout

        LOCKS.mkdir(parents=True, exist_ok=True)
        try:
            for lock in self.locks:
                lock.acquire(blocking=False)
        except Timeout:
            self.release()
            raise

    def release(self) -> None:
        for lock in self.locks:
            lock.release()


def check_folders(outputs: Iterable[str]) -> None:
    """Check that the folders of all outputs can be written.

    Raises:
        UserError: if one cannot; Snakemake would end with a traceback.
    """
    for folder in dict.fromkeys(Path(output).parent for output in outputs):
        existing = next(path for path in [folder, *folder.parents] if path.exists())
        if not existing.is_dir():
            raise UserError(f"{existing}: a file, where the results need a folder; move it, or change `folders`")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(f"{existing}: this folder cannot be written; change its permissions, or change `folders`")


def _load_dvc() -> None:
    from carryover.engines.dvc_project import load

    load(Path())
