"""Your own series, from a CSV file: the columns that the networks learn, checked cell by cell."""

import csv
import math
import re
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError, hint
from carryover.series.dataset import LARGEST

LINES_ABOVE_A_HEADER = 100
"""Up to how many lines above the header are recognized as such."""


def read_csv_columns(path: Path, columns: list[str]) -> NDArray[np.float64]:
    """Read some columns of a CSV file with commas, a header, UTF-8 and one row per sample, the earliest first.

    pandas would accept a row with a cell too many, and would not say which cell is wrong.

    Returns:
        The values, float64 of shape (rows, columns), all of them finite and within the range of float32.

    Raises:
        UserError: if the file is missing or has another form; the message names the line and the column. Only the
            columns that are read are checked.
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
    # Strict, because a quotation mark that is not closed would swallow rows.
    reader = csv.reader(file, strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header, ((reader.line_num, row) for row in reader), columns)
        places = [(header.index(name), name) for name in columns]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise UserError(f"{path}: line {reader.line_num}: {_wrong_row(row, len(header))}")
            for place, name in places:
                try:
                    yield _number(row[place])
                except ValueError as error:
                    alone = sum(map(_filled, row)) < 2
                    wrong = f": {_wrong_row(row, len(header))}" if alone else f", column {name!r}: {error}"
                    raise UserError(f"{path}: line {reader.line_num}{wrong}") from None
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}; look at the quotation marks") from None


def _check_header(path: Path, header: list[str], below: Iterator[tuple[int, list[str]]], columns: list[str]) -> None:
    for name in columns:
        if header.count(name) > 1:
            raise UserError(f"{path}: line 1: {header.count(name)} columns are named {name!r}; rename all but one")
        if name not in header:
            raise UserError(f"{path}: line 1: {_wrong_header(header, below, columns, name)}")


def _wrong_header(header: list[str], below: Iterator[tuple[int, list[str]]], columns: list[str], name: str) -> str:
    """Say why a column is not in the header, which may be further below."""
    line = ",".join(header)
    found = "a comment" if line.startswith("#") else "not the header"
    for number, row in islice(below, LINES_ABOVE_A_HEADER):
        if set(columns) <= set(row):
            return f"this is {found}, and the header is line {number}; delete the lines above it"
    if line.startswith("#"):
        return f"this is a comment: {_short(line)}; delete the lines above the names of the columns"
    for delimiter in ";\t|":
        if line.count(delimiter) > line.count(","):
            return (
                f"the cells are separated by {delimiter!r}; save the file with commas between them, and with points in "
                "the numbers"
            )
    return f"there is no column {name!r}{hint(name, filter(None, header), repr)}"


def _wrong_row(row: list[str], columns: int) -> str:
    """Say what is wrong with a row that is no sample; below the last sample there is often a footer."""
    cells = list(filter(_filled, row))
    if not cells:
        return "all cells are empty; fill them in or delete the line"
    if len(cells) == 1:
        return (
            f"only one cell is filled: {_short(cells[0])}; if the line is a footer, delete it, or else fill in the rest"
        )
    return f"{len(row)} cells, but the header has {columns}; fix the line, or delete it if it is a footer"


def _filled(cell: str) -> bool:
    return bool(cell.strip())


def _number(cell: str) -> float:
    """Return the number in a cell.

    Raises:
        ValueError: if it is not a finite number, or beyond float32; the message says what is wrong and what to do.
    """
    try:
        number = float(cell.replace("_", "?"))  # 1_000 is a number in Python, but not in a table
    except ValueError:
        raise ValueError(_not_a_number(cell)) from None
    if not math.isfinite(number):
        raise ValueError(f"{cell} is not a finite number; {FIX}")
    if abs(number) > LARGEST:
        raise ValueError(f"{cell} is too large, since float32 holds up to {LARGEST:.2g}; scale the column")
    return number


FIX = "fix the cell or leave the row out"


def _not_a_number(cell: str) -> str:
    """Say why a cell is not a number, and what to do.

    >>> _not_a_number("much")
    "'much' is not a number; fix the cell or leave the row out"
    >>> _not_a_number("-2.00%")
    "'-2.00%' has '%' in it; write plain numbers, such as 1213.15 or 213150000"
    """
    if not _filled(cell):
        return f"the cell is empty; {FIX}"
    # Something before the number, digits with separators, something after the number.
    parts = re.fullmatch(r"\s*([^\d\s+-]*)\s*[+-]?([\d.,'\s]*\d)\s*([^\d\s.]*)\s*", cell)
    odd = parts and (parts[1] or parts[3] or re.sub(r"[\d.]", "", parts[2])[:1])
    if odd:
        return f"{_short(cell)} has {odd!r} in it; write plain numbers, such as 1213.15 or 213150000"
    return f"{_short(cell)} is not a number; {FIX}"


def _short(text: str) -> str:
    """Quote the beginning of a text, in one line."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
