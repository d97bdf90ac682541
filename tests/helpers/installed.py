"""Carryover as an installed package, outside of any clone."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from helpers.engine_client import run_engine
from helpers.project import CALLER


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder, and return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, env=CALLER, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Installed:
    """An environment with the wheel of a project, and with all other packages of this environment.

    Args:
        environment: the folder of the environment; it is made by `install`.
    """

    def __init__(self, environment: Path) -> None:
        self.python = environment / "bin/python"

    @classmethod
    def install(cls, project: Path | None, environment: Path) -> None:
        """Make the environment; without a project, it lacks the package."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        (site,) = environment.glob("lib/python*/site-packages")
        # Packages of this environment come after its own; a project that is editable there is not seen.
        (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        if project:
            wheel = build_wheel(project, environment / "wheel")
            pip = [sys.executable, "-m", "pip", "--python", environment, "--disable-pip-version-check"]
            # In the caller's home: pip asks for the version of Rust, which leaves a folder in the home.
            subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel], env=CALLER, check=True)
            shutil.rmtree(environment / "wheel")

    def run(self, folder: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment in a folder: `snakemake`, or a program of the package.

        As in Project.run, Snakemake without variables starts with its libraries loaded.
        """
        program, *arguments = command
        # The Snakemake that starts is the one that the Python finds, whoever's program starts it.
        path = Path(sys.executable if program == "snakemake" else self.python).with_name(program)
        if program == "snakemake" and not environment:
            return run_engine([str(path), *arguments], folder, CALLER, self.python)
        return subprocess.run(
            [self.python, path, *arguments],
            cwd=folder,
            env=CALLER | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def __call__(self, folder: Path, *command: str, **environment: str) -> str:
        """Run a command that must succeed, and return all that it has printed."""
        done = self.run(folder, *command, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
