"""Checking that this machine computes the committed bytes: run the pipeline from scratch, and compare with dvc.lock."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from carryover.engines.git import git
from carryover.job.errors import UserError
from carryover.job.own_files import in_clone

KEPT = Path("check")
"""The folder in the project to which a check copies the artifacts that differ."""

NOT_COPIED = {
    ".venv",
    ".venv-torch",
    ".venv-cloud",
    ".uv",
    ".actionlint",
    ".snakemake",
    ".dvc/cache",
    ".dvc/tmp",
    ".dvc/config.local",
    "logs",
    str(KEPT),
}
"""What a check does not copy of a folder without git: environments, caches and logs."""


def check_this_machine(project: Path, say: Callable[[str], object] = print) -> bool:
    """Run the pipeline of the last commit in a temporary copy, and compare every artifact with dvc.lock.

    Without git, as in a downloaded archive, it is the pipeline of the folder as it is. The artifacts that differ are
    copied to the project's folder KEPT.

    Args:
        project: the folder of the project.
        say: the function to call with each line of output.

    Returns:
        Whether all artifacts have the bytes of dvc.lock.

    Raises:
        UserError: if the folder is no clone, there is no commit to check, the library in use is not the one of
            dvc.lock, or the run fails.
    """
    if not in_clone(project):
        raise UserError(f"{project.resolve()}: not a clone of the project; run this in one")
    in_git = (project / ".git").exists()
    if in_git and (edited := git(project, "diff", "--name-only", "HEAD", "--", "src", "requirements.lock")):
        raise UserError(
            f"{', '.join(edited.split())}: edited, and the check would run the edited code; commit or stash it first"
        )
    shutil.rmtree(project / KEPT, ignore_errors=True)
    with TemporaryDirectory(prefix="carryover-") as folder:
        copy = Path(folder) / "carryover"
        if in_git:
            git(project, "clone", "--quiet", ".", str(copy))
        else:
            _copy_without_git(project, copy)
        for path in artifacts(copy):
            _remove(copy / path)
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            say(
                f"note: the bytes are promised for Linux on x86-64 only, and this is {platform.system()} on "
                f"{platform.machine()}"
            )
        say(f"Running the pipeline from scratch in {copy}: every case, their comparison, the figures ...")
        _run_pipeline(copy)
        states = artifacts(copy)
        for path, state in states.items():
            say(f"{state:<10} {path}")
            if state == "DIFFERENT":
                _copy(copy / path, project / KEPT / path)
    wrong = [path for path, state in states.items() if state != "same"]
    commit = f"commit {git(project, 'describe', '--always')}" if in_git else "this folder, without git"
    python = f"Python {platform.python_version()}"
    say(
        f"{len(states) - len(wrong)} of {len(states)} artifacts have the bytes of dvc.lock "
        f"({commit}, {cpu()}, {platform.machine()}, {python}, {' '.join(platform.libc_ver())})."
    )
    if wrong:
        say(
            f"Different: {', '.join(wrong)}.\n"
            f"Please open an issue with these lines and an archive of the folder {KEPT}/, which has the files that "
            "differ. With the committed results, this command then shows where they part: "
            f"carryover explain results/cases/CASE {KEPT}/results/cases/CASE"
        )
    return not wrong


def artifacts(project: Path) -> dict[str, str]:
    """Return the state of every artifact by its path: `same` if it matches dvc.lock, `DIFFERENT` or `MISSING`.

    Raises:
        UserError: if an artifact is not in dvc.lock, or dvc.lock is damaged.
    """
    from carryover.engines.dvc_project import known_outputs, open_repo

    states = {}
    with open_repo(project) as repo:
        for out in known_outputs(repo):
            states[out.def_path] = "MISSING" if not out.exists else "DIFFERENT" if out.changed_checksum() else "same"
    return states


def _copy_without_git(project: Path, copy: Path) -> None:
    """Copy a folder that is no git repository, and let DVC work in the copy.

    Raises:
        UserError: if something that a step reads is not what dvc.lock says it has read.
    """
    from carryover.engines.dvc_project import edited, open_repo

    def left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if str((Path(folder) / name).relative_to(project)) in NOT_COPIED]

    shutil.copytree(project, copy, ignore=left_out)
    (copy / ".dvc/config.local").write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    with open_repo(copy) as repo:
        if paths := edited(repo):
            raise UserError(
                f"{', '.join(paths)}: edited since dvc.lock was written, so that its results would be other ones; "
                "unpack the archive again, into an empty folder"
            )


def cpu() -> str:
    """Return the name of the processor from /proc/cpuinfo, or from Python if there is no such file."""
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


def run_snakemake(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the Snakemake of this program's environment in a folder; the one on PATH may be of another environment."""
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    command = [str(programs / "snakemake"), "--cores", "all", *options]
    return subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )


def _run_pipeline(folder: Path) -> None:
    done = run_snakemake(folder, "--quiet")
    if done.returncode != 0:
        raise UserError(f"the pipeline failed on this machine:\n{(done.stdout + done.stderr).strip()}")
