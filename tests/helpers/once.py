"""What is made once for all the tests of a run, whichever of pytest-xdist's workers needs it first."""

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


class Once:
    """Folders that are made once.

    Args:
        shared: the folder below which they lie, which all workers share.
    """

    def __init__(self, shared: Path) -> None:
        self.shared = shared

    def __call__(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder of a name, made by make(folder) unless a worker has made it already."""
        folder, ready = self.shared / name, self.shared / f"{name}.ready"
        with FileLock(self.shared / f"{name}.lock"):
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)  # one that could not be finished
                make(folder)
                ready.touch()
        return folder
