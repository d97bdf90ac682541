"""A series in time, and its file."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.job.files import writing

REMEDY = "delete the file and run the pipeline again"

Floats = NDArray[np.float32]

LARGEST = float(np.finfo(np.float32).max)
"""The largest number of float32, in which the networks compute."""


class Series(NamedTuple):
    """A series in time.

    Attributes:
        x: the inputs at each sample, float32 of shape (samples, inputs).
        y: the target at each sample, float32 of shape (samples,).
        columns: the names of the inputs, then that of the target.
    """

    x: Floats
    y: Floats
    columns: tuple[str, ...] = ("x", "y")

    @property
    def values(self) -> NDArray[np.float64]:
        """All of it, of shape (samples, columns), the target last; from float32 to float64 and back is no change."""
        return np.column_stack([self.x, self.y]).astype(np.float64)

    def part(self, samples: slice) -> "Series":
        """Return the series of some of the samples."""
        return self._replace(x=self.x[samples], y=self.y[samples])


def write_series(path: Path, series: Series) -> None:
    """Write a series as CSV, the target last. 9 significant digits represent a float32 exactly."""
    with writing(path) as file:
        csv.writer(file, lineterminator="\n").writerow(series.columns)
        np.savetxt(file, series.values, fmt="%.9g", delimiter=",")


def read_columns(path: Path) -> tuple[str, ...]:
    """Read the column names of a file that write_series wrote.

    Raises:
        UserError: if the file has another form.
        OSError: if it is missing or cannot be read.
    """
    return _read(path)[0]


def read_series(path: Path, may_be_empty: bool = False) -> Series:
    """Read a file that write_series wrote.

    Args:
        path: the file.
        may_be_empty: whether the series may have no samples, as it does if nothing is held out.

    Raises:
        UserError: if the file has another form, or a value that is not finite; the message names the line.
        OSError: if it is missing or cannot be read.
    """
    columns, lines = _read(path)
    if not lines:
        if not may_be_empty:
            raise UserError(f"{path}: there are no rows below the header; {REMEDY}")
        return Series(np.empty((0, len(columns) - 1), np.float32), np.empty(0, np.float32), columns)
    try:
        values = np.loadtxt(lines, dtype=np.float32, delimiter=",", ndmin=2)
        if values.shape[1] != len(columns):
            raise ValueError
    except ValueError:
        raise UserError(f"{path}: {_first_broken_line(lines, columns)}; {REMEDY}") from None
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise UserError(
            f"{path}: line {row + 2}, column {columns[column]}: {values[row, column]} is not a finite number; {REMEDY}"
        )
    return Series(values[:, :-1], values[:, -1], columns)


def _read(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """Return the column names and the lines below; the header takes several if a name has line breaks."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            columns = tuple(next(csv.reader(file), ()))
            lines = file.read().splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text; {REMEDY}") from None
    if len(columns) < 2:
        header = ",".join(columns)
        raise UserError(f"{path}: line 1: the header is {header!r}, expected inputs and a target; {REMEDY}")
    return columns, lines


def _first_broken_line(lines: list[str], columns: tuple[str, ...]) -> str:
    for number, line in enumerate(lines, start=2):
        cells = line.split(",")
        if len(cells) != len(columns):
            return f"line {number}: {len(cells)} columns, expected {len(columns)}"
        for name, cell in zip(columns, cells, strict=True):
            try:
                float(cell)
            except ValueError:
                return f"line {number}, column {name}: {cell!r} is not a number"
    return "not a table of numbers"
