"""NumPy archives (.npz): named arrays in a file. The same arrays always give the same bytes."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.job.files import writing

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path) -> Arrays:
    """Read every array of an archive.

    Raises:
        UserError: if the file is not a NumPy archive.
        OSError: if it is missing or cannot be read.
    """
    with path.open("rb") as file:
        try:
            archive = np.load(file)
            return {name: archive[name] for name in archive.files}
        except (ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: not a NumPy archive (.npz)") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an archive. NumPy puts no date into it, so its bytes depend on the arrays alone."""
    with writing(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
