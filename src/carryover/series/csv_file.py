"""Your own series, from a CSV file: the columns that the networks learn, checked cell by cell."""

import csv
import difflib
import math
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError


def read_csv_columns(path: Path, columns: list[str]) -> NDArray[np.float64]:
    """Read some columns of a CSV file with commas, a header, UTF-8 and one row per sample, the earliest first.

    pandas would accept a row with a cell too many, and would not say which cell is wrong.

    Returns:
        The values, float64 of shape (rows, columns), all finite.

    Raises:
        UserError: if the file is missing or has another form; the message names the line and the column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # with or without a byte order mark
            values = array("d", _numbers(path, file, columns))
    except FileNotFoundError:
        raise UserError(f"{path}: missing; put the file there, or choose another dataset.source") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise UserError(f"{path}: byte 0x{byte:02x} is not UTF-8 text; save the file as UTF-8") from None
    return np.asarray(values, np.float64).reshape(-1, len(columns))


def _numbers(path: Path, file: TextIO, columns: list[str]) -> Iterator[float]:
    """Yield the cells of these columns, row by row."""
    reader = csv.reader(file)
    try:
        header = next(reader, [])
        _check_header(path, header, columns)
        places = [(header.index(name), name) for name in columns]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise UserError(
                    f"{path}: line {reader.line_num}: {len(row)} cells, but the header has {len(header)}; fix the line"
                )
            for place, name in places:
                try:
                    yield _number(row[place])
                except ValueError as error:
                    raise UserError(
                        f"{path}: line {reader.line_num}, column {name!r}: {error}; fix the cell or leave the row out"
                    ) from None
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}; save the file as CSV") from None


def _check_header(path: Path, header: list[str], columns: list[str]) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UserError(f"{path}: line 1: there are two columns {twice[0]!r}; rename one")
    for name in columns:
        if name in header:
            continue
        if len(header) == 1 and (delimiter := next((sign for sign in ";\t|" if sign in header[0]), None)):
            raise UserError(f"{path}: line 1: the cells are separated by {delimiter!r}; save the file with commas")
        near = difflib.get_close_matches(name, header, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, header)) or 'none'}"
        raise UserError(f"{path}: line 1: there is no column {name!r}; {known}")


def _number(cell: str) -> float:
    """Return the number in a cell.

    Raises:
        ValueError: if it is not a finite number; the message says what is wrong.
    """
    if not cell.strip():
        raise ValueError("the cell is empty")
    try:
        number = float(cell.replace("_", "?"))  # 1_000 is a number in Python, but not in a table
    except ValueError:
        raise ValueError(f"{cell!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{cell} is not a finite number")
    return number
