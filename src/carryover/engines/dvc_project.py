"""What Snakemake and our commands ask of DVC: which results match dvc.lock, and to put them into its cache."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo


class Matching(NamedTuple):
    """What in the project matches dvc.lock.

    Attributes:
        outputs: the outputs, files and folders, of the stages that match it.
        dependencies: all files and folders that the stages read, which were compared with it too.
        known: the outputs of all stages that it knows.
    """

    outputs: set[str]
    dependencies: set[str]
    known: set[str]


@contextmanager
def open_repo(project: Path) -> "Iterator[Repo]":
    """Open the project for DVC.

    Raises:
        UserError: if one of DVC's files is damaged, another process of DVC works there, or DVC fails.
        dvc.scm.SCMError: if the folder is not a git repository, which DVC needs.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.scm import SCMError

    # DVC takes for the whole what is left of this file if that is valid; only the end of its last line is missing.
    lock = project / "dvc.lock"
    text = lock.read_bytes() if lock.is_file() else b"\n"
    if b"\n>>>>>>> " in text:
        raise UserError(f"{lock.name}: has a merge conflict; run `git checkout --ours {lock.name}`, then `dvc repro`")
    if not text.endswith(b"\n"):
        raise _damaged(lock.name)
    try:
        with Repo(str(project)) as repo:
            yield repo
    except SCMError:
        raise
    except LockError as error:
        raise UserError("another process of DVC works in this folder; when it has ended, run `dvc commit`") from error
    except DvcException as error:
        path = getattr(error, "path", None)
        if path and Path(path).name == lock.name:
            raise _damaged(lock.name) from error
        raise UserError(f"DVC: {(str(error).splitlines() or [type(error).__name__])[0]}") from error


def _damaged(name: str) -> UserError:
    # DVC writes it in place, and leaves a part of it if it is killed just then.
    return UserError(f"{name}: damaged, perhaps because DVC was killed while it wrote it; run `git restore {name}`")


def matching_stages(project: Path, in_file: Mapping[str, Any], params: Mapping[str, Any]) -> Matching:
    """Find the stages of which dvc.lock knows these outputs for these dependencies and these parameters.

    Args:
        project: the folder with dvc.yaml and dvc.lock.
        in_file: the parameters in params.yaml, which DVC reads itself.
        params: the parameters of the run.

    Returns:
        What matches; nothing if the folder is not a git repository.

    Raises:
        UserError: as open_repo.
    """
    from dvc.scm import SCMError

    found = Matching(set(), set(), set())
    # After a run of other parameters, `dvc commit` puts results into dvc.lock that are not of those in params.yaml.
    written = project / params["folders"]["results"] / "params.yaml"
    ran_with = read_yaml(written) if written.is_file() else in_file
    with suppress(SCMError), open_repo(project) as repo:
        for stage in repo.index.stages:
            found.known.update(out.def_path for out in stage.outs if out.hash_info)
            files, keys = _dependencies(stage)
            found.dependencies.update(files)
            # A stage that reads params.yaml itself depends on every parameter.
            keys = [*keys, "folders"] if "params.yaml" not in files else [*in_file, *params]
            same = all(_value(in_file, key) == _value(params, key) == _value(ran_with, key) for key in keys)
            if same and not any(stage.changed_entries()):
                found.outputs.update(out.def_path for out in stage.outs)
    return found


def _dependencies(stage: Any) -> tuple[list[str], list[str]]:
    """Return the files and folders, and the parameters, that a stage depends on."""
    from dvc.dependency.param import ParamsDependency

    params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
    return [dep.def_path for dep in stage.deps if dep not in params], [key for dep in params for key in dep.params]


def _value(params: Mapping[str, Any], key: str) -> Any:
    value: Any = params
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def edited(repo: "Repo") -> list[str]:
    """Return what the stages read that is not as in dvc.lock, leaving aside what other stages make."""
    outputs = {out.def_path for stage in repo.index.stages for out in stage.outs}
    made = outputs | {str(folder) for path in outputs for folder in Path(path).parents}
    dependencies = [dep for stage in repo.index.stages for dep in stage.deps]
    return sorted({dep.def_path for dep in dependencies if dep.def_path not in made and dep.status()})


def known_outputs(repo: "Repo") -> "list[Output]":
    """Return the outputs of all stages, in the order of the stages; dvc.lock alone also lists those of removed cases.

    Raises:
        UserError: if dvc.lock does not know one of them.
    """
    outputs = [out for stage in repo.index.stages for out in stage.outs]
    for out in outputs:
        if not out.hash_info:
            raise UserError(f"dvc.lock: {out.def_path} is missing; run `dvc repro` and commit dvc.lock")
    return outputs


def load(project: Path) -> None:
    """Make DVC import what take_over needs; it imports lazily, and this takes half a second."""
    from dvc.exceptions import DvcException

    with suppress(DvcException, UserError), open_repo(project) as repo:  # take_over will report it
        list(repo.index.stages)


def silence() -> None:
    """Keep DVC from showing hundreds of progress bars, and warnings of what we report ourselves."""
    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def take_over(project: Path) -> bool:
    """Put the artifacts of each stage that matches dvc.lock into DVC's cache, so that `dvc status` is clean.

    Unlike `dvc commit`, this does not touch dvc.lock. DVC rewrites that file in place, and would leave half of it if it
    were killed. To record artifacts that differ from dvc.lock, use `dvc commit --force` or `dvc repro`.

    Returns:
        Whether nothing is left to do: every stage matches dvc.lock, or the folder is not a git repository.

    Raises:
        UserError: as open_repo.
    """
    from dvc.repo import lock_repo
    from dvc.scm import SCMError

    silence()
    complete = True
    with suppress(SCMError), open_repo(project) as repo, lock_repo(repo):
        for stage in repo.index.stages:
            if any(stage.changed_entries()):
                complete = False
            else:
                stage.commit(relink=False)
    return complete
