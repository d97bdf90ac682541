"""Results in a storage, such as a bucket, from which each job gets its inputs and to which it sends its outputs.

A job then has a folder of its own. Snakemake sends the files along that git tracks in the folder of the run.
The modules that it runs are those of the package that is installed on its machine, in an image for example.
"""

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from uuid import uuid4

from carryover.engines.git import git
from carryover.engines.progress.failures import LINES
from carryover.engines.progress.jobs import end_of
from carryover.job.errors import UserError, some
from carryover.job.files import writing
from carryover.job.own_files import OWN_FILES, PACKAGE, in_clone

SENT = ("src/carryover", "workflow")
"""The folders whose files the jobs need, besides the file that builds the network."""

CLAIM = Path(".snakemake/written_by.txt")
"""A file with a name for this folder, which has a copy in the storage: whose results are there?"""

PATIENCE = 20
"""The seconds that a storage may take to answer; Snakemake would wait for minutes, and say nothing."""


def check_storage(workflow: Any) -> bool:
    """Check, before anything is planned, that the storage can be used and that it answers.

    Args:
        workflow: Snakemake's workflow.

    Returns:
        Whether another folder than this one has written to it last.

    Raises:
        UserError: if the prefix is wrong for the storage, a program is missing, or the storage does not answer.
    """
    settings = workflow.storage_settings
    kind, prefix = settings.default_storage_provider, settings.default_storage_prefix
    if kind == "fs":
        if not Path(prefix).is_absolute():
            raise UserError("--default-storage-prefix: give the whole path of a folder, such as /srv/carryover")
        if not shutil.which("rsync"):
            raise UserError("the storage fs needs the program rsync; install it (Debian's package has that name)")
    claim = _stored(workflow, CLAIM.name)
    if not (valid := claim.is_valid_query()):
        raise UserError(f"--default-storage-prefix: {prefix or 'missing'}: {valid.reason}")

    def read() -> str | None:
        if not claim.exists():
            return None
        with TemporaryDirectory() as folder:
            claim.set_local_path(Path(folder) / CLAIM.name)
            claim.retrieve_object()
            return (Path(folder) / CLAIM.name).read_text(encoding="utf-8")

    return _ask(prefix, read) not in (None, _own_claim())


def claim_storage(workflow: Any) -> None:
    """Note in the storage that from now on this folder writes to it.

    Raises:
        UserError: if that cannot be written.
    """
    _own_claim()
    claim = _stored(workflow, CLAIM.name)
    claim.set_local_path(CLAIM)
    _ask(workflow.storage_settings.default_storage_prefix, claim.store_object)


def _own_claim() -> str:
    if not CLAIM.exists():
        with writing(CLAIM) as file:
            file.write(uuid4().hex)
    return CLAIM.read_text(encoding="utf-8")


def _ask(prefix: str, question: Callable[[], Any]) -> Any:
    """Ask the storage something, and return the answer.

    Raises:
        UserError: if it does not answer in time, or answers with an error.
    """
    answers: SimpleQueue[tuple[Any, Exception | None]] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put((question(), None))
        except Exception as error:
            answers.put((None, error))

    Thread(target=ask, daemon=True).start()
    try:
        answer, problem = answers.get(timeout=PATIENCE)
    except Empty:
        answer, problem = None, TimeoutError(f"no answer for {PATIENCE} seconds")
    if problem:
        reason = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise UserError(f"{prefix}: this storage cannot be used: {reason}; check the address and your keys")
    return answer


def check_sent(params: Mapping[str, Any]) -> None:
    """Check that git tracks all that the jobs need, and that all that it tracks is there: Snakemake sends it to them.

    Args:
        params: the parameters of the run.

    Raises:
        UserError: if the folder is no clone of the project, a file that the jobs need is not tracked, or one that is
            tracked is missing.
    """
    if not in_clone():
        raise UserError("results in a storage need a clone of the project, whose files the jobs get; run this in one")
    tracked = set(git(Path(), "ls-files", "-z").split("\0"))
    needed = [*(str(path) for folder in SENT for path in _files(Path(folder))), params["model"]["build"]]
    if untracked := [path for path in needed if path not in tracked]:
        raise UserError(f"{some(untracked)}: git does not track it, so the jobs would not get it; run git add")
    if deleted := git(Path(), "ls-files", "-z", "--deleted").split("\0")[:-1]:
        raise UserError(f"{some(deleted)}: git tracks it, and it is not there; run git restore, or git rm")


def bring(workflow: Any, paths: Iterable[str]) -> None:
    """Bring those results from the storage to the folder of the run that are there.

    Args:
        workflow: Snakemake's workflow.
        paths: the results, as they are called in the folder.
    """
    for path in paths:
        found = _stored(workflow, path)
        if found.exists():
            found.set_local_path(Path(path))
            found.retrieve_object()


def _stored(workflow: Any, path: str) -> Any:
    """Return a file as Snakemake has it in the storage."""
    prefix = workflow.storage_settings.default_storage_prefix.rstrip("/")
    return workflow.storage_registry.default_storage_provider.object(f"{prefix}/{path}")


def show_logs(jobs: Iterable[Any]) -> None:
    """Bring the logs of jobs that have failed to this machine, and print the end of each to the standard error.

    Args:
        jobs: Snakemake's jobs.
    """
    for log in (log for job in jobs for log in job.log if log.is_storage):
        with suppress(Exception):  # a job that has not begun has no log
            Path(log).parent.mkdir(parents=True, exist_ok=True)
            log.storage_object.retrieve_object()
            print(*end_of(Path(log)).strip().splitlines()[-LINES:], f"(log: {log})", sep="\n", file=sys.stderr)


def check_same_code() -> None:
    """Check, in a job, that the package installed on its machine is the one of the run.

    Raises:
        UserError: if a file of the package, or the lock file of the dependencies, is not the one that came with the
            job.
    """
    home = Path("src/carryover")
    installed = {path: PACKAGE / path.relative_to(home) for path in _files(home)}
    installed[Path("requirements.lock")] = OWN_FILES / "requirements.lock"
    for sent, path in installed.items():
        if not path.is_file() or path.read_bytes() != sent.read_bytes():
            raise UserError(f"{sent}: not as on the machine of this job; build its image again, see docs/cloud.md")


def _files(folder: Path) -> list[Path]:
    """Return all files in a folder but what Python makes of them."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
