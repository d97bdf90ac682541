"""What a run of Snakemake asks of DVC: which results match dvc.lock, and to put them into its cache."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from carryover.job.errors import UserError


class Matching(NamedTuple):
    """What in the project matches dvc.lock.

    Attributes:
        outputs: the outputs, files and folders, of the stages that match it.
        dependencies: all files and folders that the stages read, which were compared with it too.
    """

    outputs: set[str]
    dependencies: set[str]


def matching(project: Path, in_file: Mapping[str, Any], params: Mapping[str, Any]) -> Matching:
    """Find the stages of which dvc.lock knows these outputs for these dependencies and these parameters.

    Args:
        project: the folder with dvc.yaml and dvc.lock.
        in_file: the parameters in params.yaml, which DVC reads itself.
        params: the parameters of the run.

    Returns:
        Nothing if the folder is not a git repository, which DVC needs.

    Raises:
        UserError: if dvc.lock or another of DVC's files is damaged.
    """
    from dvc.dependency.param import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    check_lock(project)
    outputs: set[str] = set()
    dependencies: set[str] = set()
    try:
        with Repo(str(project)) as repo:
            for stage in repo.index.stages:
                keys = [key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params]
                files = {dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)}
                dependencies |= files
                # A stage that reads params.yaml itself depends on every parameter.
                keys = [*keys, "folders"] if "params.yaml" not in files else [*in_file, *params]
                same = all(_value(in_file, key) == _value(params, key) for key in keys)
                if same and not any(stage.changed_entries()):
                    outputs |= {out.def_path for out in stage.outs}
    except SCMError:
        return Matching(set(), set())
    except DvcException as error:
        raise damaged(error) or UserError(f"DVC: {_first_line(error)}") from error
    return Matching(outputs, dependencies)


def _value(params: Mapping[str, Any], key: str) -> Any:
    value: Any = params
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def check_lock(project: Path) -> None:
    """Check that dvc.lock is whole. DVC writes it in place, and takes what is left of it for the whole if that is valid.

    Raises:
        UserError: if it was cut, which shows in the missing end of its last line.
    """
    with suppress(FileNotFoundError):
        if not (project / "dvc.lock").read_bytes().endswith(b"\n"):
            raise _cut("dvc.lock")


def _cut(name: str) -> UserError:
    return UserError(f"{name}: damaged, perhaps because DVC was killed while it wrote it; run `git restore {name}`")


def damaged(error: Exception) -> UserError | None:
    """Return what to say of one of DVC's files that was cut in half; None if that is not the error.

    DVC writes its files in place, and leaves a part of one if it is killed just then.
    """
    from dvc.utils.strictyaml import YAMLFileCorruptedError, YAMLValidationError

    if isinstance(error, YAMLFileCorruptedError | YAMLValidationError):
        return _cut(Path(error.path).name)
    if "RWLock-file" in str(error):
        return UserError(".dvc/tmp/rwlock: damaged, because DVC was killed while it wrote it; delete it")
    return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
        Whether there is nothing more to do: every stage matches dvc.lock, or the folder is not a git repository, in
        which DVC does not work.

    Raises:
        UserError: if another DVC process works in the project, dvc.lock is damaged, or the cache cannot be written.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo, lock_repo
    from dvc.scm import SCMError

    for name in ("dvc", "dvc_data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # DVC would show hundreds of progress bars
    check_lock(project)
    complete = True
    try:
        with Repo(str(project)) as repo, lock_repo(repo):
            for stage in repo.index.stages:
                if any(stage.changed_entries()):
                    complete = False
                else:
                    stage.commit(relink=False)
    except SCMError:
        return True
    except LockError as error:
        raise UserError("another process of DVC works in this folder; when it has ended, run `dvc commit`") from error
    except DvcException as error:
        raise damaged(error) or UserError(f"{_first_line(error)}; mend that, then run `dvc commit`") from error
    return complete
