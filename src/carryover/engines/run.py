"""A run of Snakemake: the locks that keep a second run out, what is checked before it, and what happens at its end."""

import atexit
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, chdir, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.own_files import in_clone
from carryover.job.yaml_file import read_yaml

LOCKS = Path(".snakemake/running")
"""The folder of the locks, one for each folder that a run writes into. The operating system releases a lock when its
holder dies, however it dies. You would have to remove Snakemake's own locks by hand, so profiles/default turns them
off."""

RUN = "CARRYOVER_RUN"
"""The environment variable by which a job knows its run.

If the main process is killed, a scheduler keeps its jobs. Those that it starts after a later run has begun must not
write over the results of that run.
"""

UNFINISHED = Path(".snakemake/unfinished")
"""The folder of markers, one for each folder of results: it exists while some of them may not be in DVC's cache, or if
they are in a storage, not here. If a run is killed after its last job, the next run has nothing to do and Snakemake
calls no hooks; the marker then shows that this is still to be done."""


class Run:
    """A run of Snakemake in the current folder.

    Only in a clone of the project with results on its disk, DVC knows of them.

    It takes its locks before Snakemake plans or starts anything. If another run writes into the same folders, that is
    reported in one line and ends the program. A dry run keeps none of them, and a job that parses the Snakefile again
    takes none.

    Args:
        params: the parameters of the run.
        workflow: Snakemake's workflow.
    """

    def __init__(self, params: Mapping[str, Any], workflow: Any) -> None:
        self.params = params
        self.workflow = workflow
        self.in_storage = workflow.storage_settings.default_storage_provider is not None
        # In another folder, or in a storage, the results are not those of which DVC knows.
        self.for_dvc = in_clone() and not self.in_storage
        self.files = [path.resolve() for path in workflow.config_settings.configfiles]
        self.outputs: list[Any] = []
        self.results = Path(params["folders"]["results"])
        self.verdict = self.results / "verdict.md"
        # The last steps write here; git has what they write, and the second of these.
        names = ["params.yaml", "forecasts.csv"] if self.in_storage else []
        self.brought = [str(self.results / name) for name in names]
        self.earlier_verdict = _time(self.verdict)
        self.unfinished = UNFINISHED / quote(str(self.results), safe="")
        self.locks: ExitStack | None = None
        self.of_another = False  # whether another folder than this one has written to the storage last
        # The steps run by the commands of this environment, whether or not you have activated it, and on every node.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        if not workflow.is_main_process:
            self._check_job()
            return
        os.environ[RUN] = _name()
        with errors_in_one_line():
            if self.in_storage:
                from carryover.engines.storage import check_sent, check_storage

                check_sent(params)
                self.of_another = check_storage(workflow)
            self.locks = hold_locks(workflow.modifier.namespace or "", params)
        if workflow.output_settings.dryrun:
            if self.locks:
                self.locks.close()
        elif not self.locks:
            self._refuse()
        else:
            for path in self._records("run"):
                path.write_text(os.environ[RUN], encoding="utf-8")
            if self.unfinished.exists() and not self.of_another:
                self._finish()

    def _records(self, kind: str) -> list[Path]:
        """Return files, one for each folder of the run, that say something of the run that works there."""
        return [place.with_name(f"{place.name}.{kind}") for place in lock_files(self.params)]

    def _check_job(self) -> None:
        """Refuse a job that would not compute what its run records."""
        if self.in_storage:
            from carryover.engines.storage import check_same_code

            with errors_in_one_line():
                check_same_code()
            return
        known = [path.read_text(encoding="utf-8") if path.exists() else "" for path in self._records("run")]
        with errors_in_one_line():
            if set(known) != {os.environ.get(RUN)}:
                raise UserError("this job is of an earlier run, and a later run works in its folders; cancel it")

    def _refuse(self) -> None:
        data, results = self.params["folders"]["data"], self.params["folders"]["results"]
        with errors_in_one_line():
            raise UserError(
                f"another run of Snakemake writes into {data} or {results}; wait until it has ended, or give this run "
                "folders of its own: --config 'folders={data: mine/data, results: mine/results}'"
            )

    def check(self, outputs: Iterable[Any]) -> None:
        """Before anything is planned, check the folders, and let Snakemake trust no result that something has replaced.

        Args:
            outputs: the files that the run is to make, as Snakemake has them.
        """
        if self.locks is None:
            return
        from carryover.engines.replaced import distrust_replaced, distrust_stored, refuse_unknown

        stored = [path for path in outputs if path.is_storage]
        self.outputs = [path for path in outputs if not path.is_storage]
        folders = self.params["folders"].values()
        with errors_in_one_line():
            for path in [*self.outputs, *self.brought]:
                if not any(Path(path).is_relative_to(folder) for folder in folders):
                    raise UserError(
                        f"{path}: outside of {' and '.join(folders)}; leave `prefix`, `replace_prefix` and `pathvars` "
                        "out of the module, and set `folders` in its config"
                    )
                if self.files and Path(path).resolve() in self.files:
                    raise UserError(f"{path}: the run would write over this --configfile; rename it, or move it")
            check_writable([*self.outputs, *self.brought])
            refuse_unknown(self.brought, self.params)
            distrust_replaced(self.outputs, self.params)
            if self.in_storage:
                from carryover.engines.storage import claim_storage

                distrust_stored(stored, self.of_another)
                if not self.workflow.output_settings.dryrun:
                    claim_storage(self.workflow)

    def start(self) -> None:
        """Prepare the scheduler, note that results may be missing in DVC's cache, and load DVC while the jobs run."""
        with errors_in_one_line():
            self._prepare_slurm()
        if not in_clone():
            return
        UNFINISHED.mkdir(exist_ok=True)
        self.unfinished.touch()
        if self.in_storage:
            return
        # At the end everything would wait for it.
        Thread(target=_load_dvc, daemon=True).start()

    def _prepare_slurm(self) -> None:
        """See to it that Slurm has no jobs of an earlier run in these folders, and would take those of this one."""
        left = [path for path in self._records("slurm") if path.exists()]
        on_slurm = self.workflow.executor_plugin.name == "slurm"
        if not (left or on_slurm):
            return
        from carryover.engines.slurm import cancel_left, check_slurm

        if on_slurm:
            jobs = [job for job in self.workflow.dag.needrun_jobs() if not self.workflow.is_local(job.rule)]
            check_slurm(jobs, self.workflow.executor_settings)
        if left:
            cancel_left({path.read_text(encoding="utf-8") for path in left})
        for path in self._records("slurm"):
            path.unlink(missing_ok=True)
            if on_slurm:  # the name that Slurm has for all jobs of this run
                path.write_text(self.workflow.scheduler._executor.run_uuid, encoding="utf-8")

    def end(self) -> None:
        """Put the results into DVC's cache; if this run made a verdict, print it after Snakemake's last message."""
        from carryover.engines.replaced import check_not_replaced

        self.remember()
        with errors_in_one_line():
            check_not_replaced(self.outputs)
        self._finish()
        if _time(self.verdict) != self.earlier_verdict:
            atexit.register(_show_verdict, Path.cwd(), self.results)
        if not self.for_dvc:
            return
        in_file = read_yaml(Path("params.yaml"))
        if in_file != self.params and in_file["folders"] == self.params["folders"]:
            print(
                "note: these results are not of the parameters in params.yaml, so DVC does not record them; to keep "
                "them, put the parameters into params.yaml and run `dvc repro`",
                file=sys.stderr,
            )

    def fail(self) -> None:
        """Note what Snakemake has made before a job failed; show why it failed, if that is not on this machine."""
        self.remember()
        if self.in_storage:
            from carryover.engines.storage import show_logs

            show_logs(self.workflow.scheduler.failed)

    def remember(self) -> None:
        """Note what Snakemake has made."""
        from carryover.engines.replaced import remember_made

        remember_made(self.outputs)

    def _finish(self) -> None:
        """Put the results into DVC's cache, or bring those that are missing here."""
        if self.in_storage:
            from carryover.engines.replaced import remember_made
            from carryover.engines.storage import bring

            bring(self.workflow, self.brought)
            remember_made([], self.brought)
            self.unfinished.unlink(missing_ok=True)
        elif self.for_dvc:
            self._into_dvc()

    def _into_dvc(self) -> None:
        from carryover.engines.dvc_project import take_over

        try:
            if take_over(Path()):
                self.unfinished.unlink(missing_ok=True)
        except UserError as error:
            print(f"note: the results are complete, but not in DVC's cache: {error}", file=sys.stderr)


def lock_files(params: Mapping[str, Any]) -> list[Path]:
    """Return the path of the lock of each folder that a run with these parameters writes into."""
    return [LOCKS / quote(folder, safe="") for folder in sorted(set(params["folders"].values()))]


_HELD: dict[str, tuple[list[Path], ExitStack]] = {}
"""The locks of this process, with their files, by the name of the module to which they belong."""


def hold_locks(name: str, params: Mapping[str, Any]) -> ExitStack | None:
    """Take the locks of a run, unless it has them: Snakemake parses a module again for each `use rule`.

    Args:
        name: of the module; empty in a run of its own.
        params: the parameters of the run.

    Returns:
        As take_locks.

    Raises:
        UserError: as take_locks; or if another module of this process writes into one of the folders.
    """
    if name in _HELD:
        return _HELD[name][1]
    files = lock_files(params)
    if shared := [file for held, _ in _HELD.values() for file in held if file in files]:
        raise UserError(f"two modules write into {unquote(shared[0].name)}; give each of them `folders` of its own")
    if locks := take_locks(params):
        _HELD[name] = files, locks
    return locks


def take_locks(params: Mapping[str, Any]) -> ExitStack | None:
    """Take a lock for each folder that a run writes into; return None if another run holds one.

    Raises:
        UserError: if the disk cannot lock files.
    """
    from filelock import FileLock, Timeout

    LOCKS.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks, suppress(Timeout):
        for file in lock_files(params):
            try:
                locks.enter_context(FileLock(file, blocking=False, fallback_to_soft=False))
            except Timeout:
                raise
            except (OSError, NotImplementedError) as error:
                raise UserError(f"{LOCKS}: this disk cannot lock files: {error}; use another one") from error
        return locks.pop_all()
    return None


def check_writable(outputs: Iterable[str]) -> None:
    """Check that the folders of all outputs can be written.

    Raises:
        UserError: if one cannot; Snakemake would end with a traceback.
    """
    for path in map(Path, outputs):
        if path.is_symlink() and not path.exists():
            raise UserError(f"{path}: a link to nothing, in the place of a result; remove it")
    for folder in dict.fromkeys(Path(output).parent for output in outputs):
        existing = next(path for path in [folder, *folder.parents] if os.path.lexists(path))
        if not existing.is_dir():
            raise UserError(f"{existing}: not a folder, in the place of one; remove it, or change `folders`")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(f"{existing}: this folder cannot be written; change its permissions, or change `folders`")


@cache
def _name() -> str:
    """Return the name of the runs of this process, which has several if the pipeline is in it as several modules."""
    return uuid4().hex


def _time(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _show_verdict(folder: Path, results: Path) -> None:
    from carryover.engines.terminal import show_verdict

    with chdir(folder):  # Snakemake has gone back to where it was started
        show_verdict(results)


def _load_dvc() -> None:
    from carryover.engines.dvc_project import load

    load(Path())
