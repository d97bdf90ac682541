"""Whether this machine computes the committed bytes: the pipeline from scratch, held against dvc.lock."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from carryover.job.errors import UserError

KEPT = Path("check")
"""Where a check leaves what differs, below the project."""


def check_this_machine(project: Path, say: Callable[[str], object] = print) -> bool:
    """Run the pipeline of the last commit in a temporary copy, and say of every artifact whether its bytes are right.

    What differs is kept in the project's folder KEPT.

    Args:
        project: a clone of the project.
        say: called with each line.

    Returns:
        whether all bytes are the committed ones.

    Raises:
        UserError: where there is no commit to check, the library in use is not the committed one, or the run fails.
    """
    edited = _git(project, "diff", "--name-only", "HEAD", "--", "src", "requirements.lock")
    if edited:
        raise UserError(
            f"{', '.join(edited.split())}: not as committed, and the check would run it; commit or stash it first"
        )
    shutil.rmtree(project / KEPT, ignore_errors=True)
    with TemporaryDirectory(prefix="carryover-") as folder:
        copy = Path(folder) / "carryover"
        _git(project, "clone", "--quiet", ".", str(copy))
        for path in artifacts(copy):
            _remove(copy / path)
        say(f"Running the pipeline from scratch in {copy}: every case, their comparison, the figures ...")
        _run_pipeline(copy)
        states = artifacts(copy)
        for path, state in states.items():
            say(f"{state:<10} {path}")
            if state == "DIFFERENT":
                _copy(copy / path, project / KEPT / path)
    wrong = [path for path, state in states.items() if state != "same"]
    commit = _git(project, "describe", "--always")
    python = f"Python {platform.python_version()}"
    say(
        f"{len(states) - len(wrong)} of {len(states)} artifacts have the bytes of dvc.lock "
        f"(commit {commit}, {cpu()}, {platform.machine()}, {python}, {' '.join(platform.libc_ver())})."
    )
    if wrong:
        say(
            f"Different: {', '.join(wrong)}.\n"
            f"Please open an issue with these lines and, as an archive, the folder {KEPT}/, which holds what differs. "
            "Whoever has the committed results then sees where they part: "
            f"carryover explain results/cases/CASE {KEPT}/results/cases/CASE"
        )
    return not wrong


def artifacts(project: Path) -> dict[str, str]:
    """Every artifact of the pipeline by its path: `same` as dvc.lock has it, `DIFFERENT`, or `MISSING`.

    Raises:
        UserError: where dvc.lock lacks one.
    """
    from dvc.repo import Repo

    states = {}
    with Repo(str(project)) as repo:  # not by reading dvc.lock: it keeps the stages of cases that are no more
        for out in (out for stage in repo.index.stages for out in stage.outs):
            if not out.hash_info:
                raise UserError(f"dvc.lock: nothing about {out.def_path}; run `dvc repro` and commit dvc.lock")
            states[out.def_path] = "MISSING" if not out.exists else "DIFFERENT" if out.changed_checksum() else "same"
    return states


def cpu() -> str:
    """The name of the processor, as Linux tells it; elsewhere as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to)
    else:
        shutil.copyfile(path, to)


def _run_pipeline(folder: Path) -> None:
    # Not by the name on PATH: the pipeline must run in the environment of this program.
    snakemake = [str(Path(sys.executable).with_name("snakemake")), "--cores", "all", "--quiet"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        snakemake, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise UserError(f"the pipeline does not run on this machine:\n{(done.stdout + done.stderr).strip()}")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(
            f"{folder.resolve()}: {done.stderr.strip() or 'git failed'}; run this in a clone of the project"
        )
    return done.stdout.strip()
