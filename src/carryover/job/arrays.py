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


class _Member(zipfile.ZipInfo):
    """A member of an archive, with the header that Python writes since 3.11.4, also where Python is older."""

    def FileHeader(self, zip64: bool | None = None) -> bytes:
        self.create_version = self.extract_version = 45  # of ZIP, for files larger than 4 GB
        header = super().FileHeader(zip64)
        return header[:18] + b"\xff" * 8 + header[26:]  # the two sizes are in the extra field


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an archive as np.savez does. It has no date, so its bytes depend on the arrays alone."""
    with writing(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(_Member(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
