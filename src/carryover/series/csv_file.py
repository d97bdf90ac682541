"""Your own series, from a CSV file as it is: the columns that the networks learn, checked cell by cell."""

import codecs
import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError, hint
from carryover.series.cells import numbers_of, quoted
from carryover.series.csv_format import CsvFormat

LINES_ABOVE_A_HEADER = 100
"""Up to how many lines above the header are recognized as such."""


PLAIN = CsvFormat()
"""A file with commas, a header, UTF-8 and one row per sample, the earliest first."""


class CsvColumns(NamedTuple):
    """Some columns of a file, row by row in the order of the file.

    Attributes:
        values: float64 of shape (rows, columns), within the range of float32; NaN for a missing value.
        times: the cells of the columns with the time, joined by a space; empty if there are no such columns.
        sequences: the cells of the column with the sequence; empty if there is no such column.
        lines: the number of the line in the file where each row ends, of shape (rows,).
    """

    values: NDArray[np.float64]
    times: list[str]
    sequences: list[str]
    lines: NDArray[np.int64]


def read_csv_columns(path: Path, columns: Sequence[str], form: CsvFormat = PLAIN) -> CsvColumns:
    """Read some columns of a CSV file that is written as `form` says; nothing is guessed.

    pandas would accept a row with a cell too many, and would not say which cell is wrong.

    Raises:
        UserError: if the file is missing or has another form; the message names the line and the column. Only the
            columns that are read are checked.
    """
    values, times, sequences, numbers = array("d"), [], [], array("q")
    for number, cells, time, sequence in _rows(path, columns, form):
        values.extend(cells)
        numbers.append(number)
        if form.time:
            times.append(time)
        if form.sequence:
            sequences.append(sequence)
    in_rows = np.asarray(values, np.float64).reshape(-1, len(columns))
    return CsvColumns(in_rows, times, sequences, np.asarray(numbers, np.int64).reshape(-1))


def _rows(path: Path, columns: Sequence[str], form: CsvFormat) -> Iterator[tuple[int, list[float], str, str]]:
    """Yield the number of each row's last line, its numbers in these columns, its time, and its sequence."""
    number_of = numbers_of(form)
    # Strict, because a quotation mark that is not closed would swallow rows.
    reader = csv.reader(_lines(path, form), delimiter=form.delimiter, strict=True)

    def where() -> str:
        return f"{path}: line {form.skip_rows + reader.line_num}"

    try:
        rows: Iterator[list[str]] = filter(None, reader)  # a line without anything is no row
        header = next(rows, [])
        if not header:
            raise UserError(f"{path}: no line is left; look at the file, dataset.skip_rows and dataset.skip_footer")
        above = where()
        if form.header == "none":
            rows = chain([header], rows)
            header = [str(number + 1) for number in range(len(header))]
        of_sequence = [form.sequence] if form.sequence else []
        used = [*columns, *of_sequence, *form.time]
        _check_header(above, header, ((form.skip_rows + reader.line_num, row) for row in rows), used, form)
        places, times, sequences = (
            [header.index(name) for name in names] for names in (columns, form.time, of_sequence)
        )
        for row in rows:
            if len(row) != len(header):
                raise UserError(f"{where()}: {_wrong_row(row, len(header))}")
            numbers = []
            for place, name in zip(places, columns, strict=True):
                try:
                    numbers.append(number_of(row[place]))
                except ValueError as error:
                    alone = sum(map(_filled, row)) < 2 <= len(row)
                    wrong = f": {_wrong_row(row, len(header))}" if alone else f", column {name!r}: {error}"
                    raise UserError(f"{where()}{wrong}") from None
            if all(map(math.isnan, numbers)) and not any(map(_filled, row)):
                raise UserError(f"{where()}: {_wrong_row(row, len(header))}")
            time, sequence = (" ".join(row[place].strip() for place in cells) for cells in (times, sequences))
            yield form.skip_rows + reader.line_num, numbers, time, sequence
    except csv.Error as error:
        raise UserError(f"{where()}: {error}; look at the quotation marks") from None


def _lines(path: Path, form: CsvFormat) -> list[str]:
    """Return the lines of a file; those of comments are empty, so that the others keep their numbers."""
    # UTF-8 may have a byte order mark.
    encoding = "utf-8-sig" if codecs.lookup(form.encoding).name == "utf-8" else form.encoding
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = file.readlines()[form.skip_rows :]
    except FileNotFoundError:
        raise UserError(f"{path}: missing; put the file there, or choose another dataset.source") from None
    except UnicodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else "it"
        raise UserError(
            f"{path}: {byte} is not {form.encoding.upper()} text; set dataset.encoding, such as cp1252, or save the "
            "file as UTF-8"
        ) from None
    if form.comment:
        lines = ["\n" if line.startswith(form.comment) else line for line in lines]
    if form.skip_footer:
        filled = [number for number, line in enumerate(lines) if line.strip()]
        del lines[([0] * form.skip_footer + filled)[-form.skip_footer] :]
    return lines


def _check_header(
    where: str, header: list[str], below: Iterator[tuple[int, list[str]]], columns: Sequence[str], form: CsvFormat
) -> None:
    for name in columns:
        if header.count(name) > 1:
            raise UserError(f"{where}: {header.count(name)} columns are named {name!r}; rename all but one")
        if name not in header:
            raise UserError(f"{where}: {_wrong_header(header, below, columns, name, form)}")


def _wrong_header(
    header: list[str], below: Iterator[tuple[int, list[str]]], columns: Sequence[str], name: str, form: CsvFormat
) -> str:
    """Say why a column is not in the header, which may be further below."""
    line = form.delimiter.join(header)
    comment = line.startswith("#")
    for number, row in islice(below, LINES_ABOVE_A_HEADER):
        if set(columns) <= set(row):
            remedy = 'set dataset.comment: "#"' if comment else f"set dataset.skip_rows: {number - 1}"
            return f"this is {'a comment' if comment else 'not the header'}, and the header is line {number}; {remedy}"
    if comment:
        return f'this is a comment: {quoted(line)}; set dataset.comment: "#", or dataset.skip_rows'
    for delimiter in ",;\t|":
        if line.count(delimiter) > line.count(form.delimiter):
            return f"the cells are separated by {delimiter!r}; set dataset.delimiter"
    if form.header == "first_line" and all(map(_is_number, header)):
        return f"there is no column {name!r}, only numbers; if no line names the columns, set dataset.header: none"
    return f"there is no column {name!r}{hint(name, filter(None, header), repr)}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _wrong_row(row: list[str], columns: int) -> str:
    """Say what is wrong with a row that is no sample; below the last sample there is often a footer."""
    cells = list(filter(_filled, row))
    if not cells:
        return "all cells are empty; fill them in, delete the line, or leave out the last lines (dataset.skip_footer)"
    if len(cells) == 1:
        return (
            f"only one cell is filled: {quoted(cells[0])}; if the line is a footer, leave it out "
            "(dataset.skip_footer), or else fill in the rest, or let it be filled in (dataset.missing)"
        )
    return f"{len(row)} cells, but the header has {columns}; fix the line, or leave it out (dataset.skip_footer)"


def _filled(cell: str) -> bool:
    return bool(cell.strip())
