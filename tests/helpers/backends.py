"""Processes with another backend of Keras, in which nothing is installed but what the library says it needs."""

import json
import os
import subprocess
import sys
import zipfile
from functools import cache
from importlib.metadata import PathDistribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from carryover.job.hermetic import environment
from helpers.installed import build_wheel
from helpers.once import Once
from helpers.project import CALLER, ROOT

TORCH = ROOT / ".venv-torch"
"""The environment that `make torch` sets up, because PyTorch is not in requirements.lock."""


def wheel(folder: Path) -> None:
    """Build the wheel of the project, and unpack it."""
    zipfile.ZipFile(build_wheel(ROOT, folder)).extractall(folder)


def requirements(packages: Any, extra: str) -> set[str]:
    """The packages that a distribution needs with an extra, and those that they need, and so on."""
    found: set[str] = set()
    missing = [(packages, extra)]
    while missing:
        needing, its_extra = missing.pop()
        for line in needing.requires or []:
            needed = Requirement(line)
            if not needed.marker or needed.marker.evaluate({"extra": its_extra}):
                new = needed.name not in found
                found.add(needed.name)
                missing += [(distribution(needed.name), one) for one in needed.extras or {""} if new]
    return found


class Backend:
    """A Python that sees the wheel of the project and its requirements, with a backend.

    Args:
        name: the backend.
        once: what makes something once for all workers.
    """

    def __init__(self, name: str, once: Once) -> None:
        self.name, self.once = name, once
        self.wheel = once("wheel", wheel)
        if name != "torch":
            # Without -S, the packages of .venv would be there too.
            self.python = [sys.executable, "-S"]
            self.path = [self.wheel, once(f"site-{name}", self._link_requirements)]
        elif (TORCH / "ready").exists():
            self.python, self.path = [str(TORCH / "bin/python")], [self.wheel]
        else:
            pytest.skip("needs PyTorch: run `make torch`")

    def _link_requirements(self, folder: Path) -> None:
        folder.mkdir()
        (metadata,) = self.wheel.glob("*.dist-info")
        for package in requirements(PathDistribution(metadata), self.name):
            files = distribution(package).files or []
            for name in {file.parts[0] for file in files} - {"..", "__pycache__"}:
                link, target = folder / name, Path(str(distribution(package).locate_file(name)))
                if not link.exists():
                    link.symlink_to(target)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with arguments, in an environment like that of a job."""
        variables = environment(CALLER) | {
            "KERAS_BACKEND": self.name,
            "PYTHONPATH": os.pathsep.join(map(str, self.path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run([*self.python, *arguments], env=variables, capture_output=True, text=True)

    @property
    def found(self) -> Any:
        """What tests/every_backend has found: answers and properties."""
        return _found(self.once(f"found-{self.name}", self._ask))

    def _ask(self, folder: Path) -> None:
        folder.mkdir()
        done = self(str(ROOT / "tests/every_backend/run.py"))
        assert done.returncode == 0, f"{self.name}: {done.stderr}"
        (folder / "found.json").write_text(done.stdout.splitlines()[-1])


@cache
def _found(folder: Path) -> Any:
    return json.loads((folder / "found.json").read_text())
