"""The shapes of the arrays in an archive (.npz), read without NumPy, whose import takes a tenth of a second.

Both engines check the parameters before any job runs, and `snakemake -n` does nothing else.
"""

import ast
import zipfile
from pathlib import Path

from carryover.job.errors import UserError


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the shape of every array of an archive, by name.

    An array begins with b"\\x93NUMPY", two bytes of a version, the length of its header in two bytes (four bytes from
    version 2 on), and the header, which is a dictionary in Python's syntax. NumPy describes it in numpy.lib.format.

    Raises:
        UserError: if the file is not a NumPy archive.
        OSError: if it is missing or cannot be read.
    """
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    version = file.read(8)[6]
                    length = int.from_bytes(file.read(2 if version == 1 else 4), "little")
                    shapes[name.removesuffix(".npy")] = ast.literal_eval(file.read(length).decode())["shape"]
    except (zipfile.BadZipFile, IndexError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a NumPy archive (.npz)") from error
    return shapes
