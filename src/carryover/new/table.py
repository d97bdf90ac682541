"""Looking at the text of a file: how a table is written in it, and what is in its cells."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from carryover.job.errors import UserError

DELIMITERS = ";\t|, "
"""What may be between two cells. A comma comes after the signs that are used where it is the decimal sign."""

COMMENTS = ("#", "%", "//")

GAPS = {"", "?", "-", ".", "*", "na", "n/a", "#n/a", "nan", "null", "none", "missing"}
"""What people write for a missing value, in lower case."""

NUMBER = re.compile(r"\s*[+-]?(\d[\d.,'\s]*|[.,]\d+)([eE][+-]?\d+)?\s*")
"""A number, whatever its decimal sign."""

LOOKED_AT = 1000
"""In about how many rows to look for what is true of most rows."""


class Row(NamedTuple):
    """A row, and the lines of the file on which it begins and ends, counted from 1."""

    begin: int
    end: int
    cells: list[str]


class Table(NamedTuple):
    """A table, and how it is written: the keys of `dataset` with these names.

    Attributes:
        cells: text of shape (rows, columns), with the names of the columns. The index has the last line of each row.
    """

    encoding: str
    delimiter: str
    comment: str
    skip_rows: int
    skip_footer: int
    header: str
    cells: pd.DataFrame


def look_at_text(content: bytes) -> Table:
    """Find the table in the content of a file.

    Raises:
        UserError: if there is none, or if a line of it has too many or too few cells.
    """
    text, encoding = _decoded(content)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    comment = next((mark for mark in COMMENTS if any(line.startswith(mark) for line in lines)), "")
    table = ["" if comment and line.startswith(comment) else line for line in lines]
    delimiter = _delimiter(list(filter(str.strip, table)))
    header, samples = _header_and_samples(_rows(table, delimiter))
    if comment and not header and (header := _header_among_comments(lines, samples[0], delimiter)):
        comment, table = "", lines
    above = table[: (header or samples[0]).begin - 1]
    return Table(
        encoding=encoding,
        delimiter=delimiter,
        comment=comment,
        skip_rows=len(above) if any(map(str.strip, above)) else 0,
        skip_footer=sum(1 for line in table[samples[-1].end :] if line.strip()),
        header="first_line" if header else "none",
        cells=pd.DataFrame(
            [row.cells for row in samples],
            index=[row.end for row in samples],
            columns=header.cells if header else [str(number + 1) for number in range(len(samples[0].cells))],
            dtype=object,
        ),
    )


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text without a byte order mark, and its encoding."""
    if not content.strip():
        raise UserError("the file is empty; choose a file with a table")
    encodings = ["utf-8", "cp1252"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in content:
        raise UserError("not a text file; if it is a spreadsheet, save it as CSV")
    for encoding in encodings:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), encoding
        except UnicodeDecodeError:
            continue
    raise UserError("neither UTF-8 nor UTF-16 nor Windows-1252 text; save the file as UTF-8")


def _delimiter(lines: list[str]) -> str:
    """Return what is between the cells; a comma if every line has one cell."""
    inside = "\n".join(lines[len(lines) // 4 :][:200])  # below a title, above a footer
    for delimiter in DELIMITERS.rstrip(" ") if "  " in inside else DELIMITERS:
        try:
            if csv.Sniffer().sniff(inside, delimiter).delimiter == delimiter:
                return delimiter
        except csv.Error:
            continue
    return ","


def _rows(lines: list[str], delimiter: str) -> list[Row]:
    """Return the rows that are not empty."""
    # Strict, because a quotation mark that is not closed would swallow rows.
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    rows, begin = [], 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append(Row(begin, reader.line_num, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"line {reader.line_num}: {error}; look at the quotation marks") from None
    if not rows:
        raise UserError("it has only comments; choose a file with a table")
    return rows


def _header_and_samples(rows: list[Row]) -> tuple[Row | None, list[Row]]:
    """Return the row with the names of the columns, if there is one, and the rows of the samples."""
    width, count = Counter(len(row.cells) for row in rows).most_common(1)[0]
    if 2 * count <= len(rows):
        raise UserError("not a table, since its lines have different numbers of cells; save it as CSV")
    if width == 1 and 2 * sum(1 for row in rows if len(row.cells[0].split()) > 1) > len(rows):
        raise UserError("no sign is between the cells of every line; save it as CSV, with commas between them")
    numeric = _columns_of(_is_number, [row for row in rows if len(row.cells) == width])
    places = [place for place, row in enumerate(rows) if len(row.cells) == width and _is_sample(row.cells, numeric)]
    if not numeric or not places:
        raise UserError("no column has numbers in most of its rows; choose a file with a table of numbers")
    samples = _without_totals(rows[places[0] : places[-1] + 1])
    for row in samples:
        if len(row.cells) != width:
            raise UserError(
                f"line {row.end}: {len(row.cells)} cells, but most lines have {width}; fix or delete the line"
            )
    above = rows[: places[0]]
    if not above and _has_words(samples[0].cells, samples[1:]):  # such as "month" above months, although 2019 is a name
        return samples[0], samples[1:]
    return _header(above, width), samples


def _header(above: list[Row], width: int) -> Row | None:
    """Find the names of the columns among the rows above the samples: they are different, and have few digits."""
    names = max(above, key=lambda row: _like_names(row.cells, width), default=None)
    if names is None or (len(names.cells) != width and len(list(filter(None, above[-1].cells))) == 1):
        return None  # at most a title
    if len(names.cells) != width:
        raise UserError(
            f"line {above[-1].end}: {len(above[-1].cells)} names for {width} columns; give each column a name"
        )
    if names is not above[-1]:
        raise UserError(
            f"line {above[-1].end}: it is below the names of the columns, but not a row of numbers; fix or delete it"
        )
    return names


def _like_names(cells: list[str], width: int) -> tuple[int, int]:
    return len(set(cells) - {""}) * (len(cells) == width), -sum(map(_has_digit, cells))


def _header_among_comments(lines: list[str], first: Row, delimiter: str) -> Row | None:
    """Return the last line above the samples, which is a comment, if it has as many names; NumPy writes them so."""
    if first.begin == 1:
        return None
    cells = next(csv.reader([lines[first.begin - 2]], delimiter=delimiter), [])
    return Row(first.begin - 1, first.begin - 1, cells) if len(set(cells)) == len(first.cells) else None


def _without_totals(rows: list[Row]) -> list[Row]:
    """Leave out the last rows if their first cells have no digits, as all others have: they are totals or notes."""
    end = sum(1 for row in rows if _has_digit(row.cells[0]))
    dated = all(_has_digit(row.cells[0]) for row in rows[:end])
    gaps = any(row.cells[0].strip() and _is_gap(row.cells[0]) for row in rows[end:])
    return rows[:end] if end and dated and not gaps else rows


def _columns_of(test: Callable[[str], object], rows: list[Row]) -> list[int]:
    """Return the numbers of the columns in which most cells that are not missing pass a test."""
    some = rows[:: 1 + len(rows) // LOOKED_AT]
    columns = [
        [cell for cell in cells if not _is_gap(cell)] for cells in zip(*(row.cells for row in some), strict=True)
    ]
    return [place for place, cells in enumerate(columns) if 2 * sum(1 for cell in cells if test(cell)) > len(cells)]


def _is_sample(cells: list[str], numeric: list[int]) -> bool:
    numbers = [_is_number(cells[place]) for place in numeric]
    gaps = [_is_gap(cells[place]) for place in numeric]
    return all(map(max, numbers, gaps)) and (any(numbers) or cells[0].strip()[:1].isdigit())


def _has_words(cells: list[str], below: list[Row]) -> bool:
    """Whether one of the cells is a word, although the column below has digits."""
    dated = _columns_of(_has_digit, below) if below else []
    return any(not _has_digit(cells[place]) and not _is_gap(cells[place]) for place in dated)


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell))


def _is_gap(cell: str) -> bool:
    return cell.strip().lower() in GAPS
