"""Pulling results instead of making them: from a remote of DVC into the project, where both engines then trust them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carryover.engines.dvc_project import edited, known_outputs, open_repo, silence
from carryover.engines.run import take_locks
from carryover.engines.this_machine import run_snakemake
from carryover.job.errors import NAMED, UserError, hint, some
from carryover.job.yaml_file import read_yaml

if TYPE_CHECKING:
    from dvc.data_cloud import Remote
    from dvc.output import Output
    from dvc.repo import Repo

MAKE_THEM = "make the results instead: `snakemake --cores all`"


def pull(project: Path, remote: str | None = None, say: Callable[[str], object] = print) -> None:
    """Put the results that dvc.lock vouches for into the project, so that neither engine has anything to do.

    What DVC's cache does not have is fetched from the remote, and every fetched file is checked against its hash. The
    project is not touched before everything is there. No file is written over that could not be brought back.

    Args:
        project: the folder of the project, which is also the current one.
        remote: the name of the remote; the default remote if None.
        say: the function to call with each line of output.

    Raises:
        UserError: if dvc.lock is of other parameters or other code; if the project has results that would be lost; if
            there is no such remote, it cannot be reached, or does not have all results; or if another program works
            in the project.
    """
    from dvc.lock import LockError

    if not (project / ".git").exists():
        raise UserError(f"{project.resolve()}: not a git repository, which DVC needs; run this in a clone")
    silence()
    locks = take_locks(read_yaml(project / "params.yaml"))
    if locks is None:
        raise UserError("a run of Snakemake writes into this folder; wait until it has ended")
    with locks, open_repo(project) as repo:
        _check_sources(repo)
        outputs = known_outputs(repo)
        _check_nothing_is_lost(outputs)
        try:
            fetched = _fetch(repo, [out for out in outputs if out.use_cache], remote)
            repo.checkout()
            changed = list(repo.status())
        except LockError:
            raise UserError("another process of DVC works in this folder; wait until it has ended") from None
        if changed:
            raise UserError(f"dvc.lock: {some(changed)} still differ from it; see `dvc status`")
    # Its look at the results lets Snakemake trust them from now on, see engines/replaced.py.
    planned = run_snakemake(project, "--dry-run")
    if planned.returncode or "Nothing to be done" not in planned.stdout + planned.stderr:
        raise UserError("the results are those of dvc.lock, but Snakemake would make some again; see `snakemake -n`")
    say(f"{len(outputs)} results match dvc.lock ({fetched} files fetched); there is nothing left to run.")


def _check_sources(repo: "Repo") -> None:
    """Check that the results of dvc.lock are of these parameters and of this code."""
    if not Path(repo.root_dir, "dvc.lock").is_file():
        raise UserError("dvc.lock: missing; run `git restore dvc.lock`")
    if not (paths := edited(repo)):
        return
    if "params.yaml" in paths:  # a case that is new there has no stage in dvc.lock, so its code seems edited too
        paths = ["params.yaml"]
    raise UserError(
        f"{some(paths)}: not what the results of dvc.lock were made from; go back to that by "
        f"`{_restore(paths)}` if you have edited it, or {MAKE_THEM}"
    )


def _check_nothing_is_lost(outputs: "list[Output]") -> None:
    """Check that the results in the project are those of dvc.lock, or can be brought back from DVC's cache."""
    kept_by_git = [out for out in outputs if not out.use_cache]
    if deleted := [out.def_path for out in kept_by_git if not out.exists]:
        raise UserError(f"{some(deleted)}: missing; run `{_restore(deleted)}`")
    if replaced := [out.def_path for out in kept_by_git if out.changed_checksum()]:
        raise UserError(
            f"{some(replaced)}: not what dvc.lock has; keep a copy if you need one, then run `{_restore(replaced)}`"
        )
    if unsaved := [path for out in outputs if out.use_cache and out.exists for path in _unsaved(out)]:
        raise UserError(
            f"{some(unsaved)}: neither in dvc.lock nor in DVC's cache, so pulling would destroy your version; move "
            "it out of the way, or remove it"
        )


def _unsaved(out: "Output") -> list[str]:
    """Return the files of an output that are not in DVC's cache, unless it matches dvc.lock."""
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.tree import Tree

    if not out.changed_checksum():
        return []
    _, _, found = build(out.cache, out.fs_path, out.fs, out.hash_name, dry_run=True)
    # A folder has the hash of each of its files, a file only its own.
    files = [(key, info) for key, _, info in found] if isinstance(found, Tree) else [((), found.hash_info)]
    return ["/".join((out.def_path, *key)) for key, info in files if not out.cache.exists(info.value)]


def _fetch(repo: "Repo", outputs: "list[Output]", name: str | None) -> int:
    """Fetch into DVC's cache what it does not have, and return how many files that were."""
    from dvc.exceptions import DownloadError

    if not _missing(outputs):
        return 0
    remote = _reachable(repo, name)
    where = f"remote {remote.name} ({remote.fs.unstrip_protocol(remote.path)})"
    try:
        # For remotes other than folders, DVC checks what it has fetched only if it is told to.
        fetched: int = repo.fetch(remote=remote.name, config={"remote": {remote.name: {"verify": True}}})
    except DownloadError as error:
        raise UserError(f"{where}: {error.amount} files could not be fetched; try again, or {MAKE_THEM}") from error
    if missing := _missing(outputs):
        what = "all results" if len(missing) == len(outputs) else some(missing)
        raise UserError(
            f"{where}: {what} of this commit missing or damaged there; ask whoever made the commit to run `dvc push`, "
            f"or {MAKE_THEM}"
        )
    return fetched


def _missing(outputs: "Iterable[Output]") -> list[str]:
    """Return the outputs that DVC's cache does not have."""
    return [out.def_path for out in outputs if out.changed_cache()]


def _reachable(repo: "Repo", name: str | None) -> "Remote":
    """Return a remote by its name, or the default one.

    Raises:
        UserError: if there is none, or it cannot be reached.
    """
    from dvc.config import NoRemoteError

    remotes: dict[str, Any] = repo.config["remote"]
    if name and name not in remotes:
        raise UserError(f"there is no remote {name}{hint(name, remotes)}")
    try:
        remote = repo.cloud.get_remote(name)
        there = remote.fs.exists(remote.path)
    except NoRemoteError:
        what = (
            f"no remote is the default one; name one: --remote {next(iter(remotes))}"
            if remotes
            else "there is no remote"
        )
        raise UserError(f"{what}; docs/team.md shows how to set one up, or {MAKE_THEM}") from None
    except Exception as error:  # each kind of remote has its own, such as one for a missing package
        url = remotes[name or repo.config["core"]["remote"]]["url"]
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{url}: this remote cannot be reached: {reason}") from error
    if not there:
        raise UserError(
            f"remote {remote.name}: there is nothing at {remote.fs.unstrip_protocol(remote.path)}; see whether the "
            f"address is right (`dvc remote list`) and something was pushed, or {MAKE_THEM}"
        )
    return remote


def _restore(paths: list[str]) -> str:
    """Return the command that brings back files which git has; if there are many, all in their folders at the top."""
    return " ".join(["git restore", *(dict.fromkeys(path.split("/")[0] for path in paths) if paths[NAMED:] else paths)])
