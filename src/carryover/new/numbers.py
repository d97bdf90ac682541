"""Looking at the columns of a table: which have numbers, how these are written, and what stands for missing values."""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.new.table import GAPS, LOOKED_AT, NUMBER, Table
from carryover.series.cells import numbers_of, quoted
from carryover.series.checks import far_from_all_others
from carryover.series.csv_format import CsvFormat
from carryover.series.dataset import LARGEST

THOUSANDS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")
"""What may be between thousands; the last two are spaces at which no line breaks."""

UNIT = re.compile(rf"[^\d\s+-]{{0,3}}{NUMBER.pattern}[^\d\s]{{0,5}}")
"""A number with a unit or a currency."""

FEWEST_ROWS = 10
"""How many rows a sequence has on average, at least, to be taken for one."""

LONGEST_GAP = 10
"""How many letters a text that means a missing value may have."""


class Column(NamedTuple):
    """A column of numbers.

    Attributes:
        values: float64 of shape (rows,), NaN for a missing value.
        gaps: what is in the cells of the missing values, and how often.
    """

    values: NDArray[np.float64]
    gaps: dict[str | float, int]


class Numbers(NamedTuple):
    """The numbers of a table.

    Attributes:
        decimal, thousands: the keys of `dataset`.
        columns: the columns of numbers.
        others: why the other columns cannot be learnt.
    """

    decimal: str
    thousands: str
    columns: dict[str, Column]
    others: dict[str, str]


def look_at_numbers(table: Table) -> Numbers:
    """Find the columns with numbers."""
    decimal, thousands = _signs(table)
    number_of = numbers_of(CsvFormat(decimal=decimal, thousands=thousands, missing_values=()))
    columns, others = {}, {}
    for name, cells in table.cells.items():
        text = cells.str.strip()
        values = _values(text, decimal, thousands, number_of)
        unread = text[values.isna()]
        if obstacle := _obstacle(list(table.cells.columns), str(name), text, unread, number_of):
            others[str(name)] = obstacle
        else:
            columns[str(name)] = Column(np.asarray(values, np.float64), dict(Counter[str | float](unread)))
    return Numbers(decimal, thousands, _without_sentinels(columns), others)


def _values(
    text: "pd.Series[str]", decimal: str, thousands: str, number_of: Callable[[str], float]
) -> "pd.Series[float]":
    """Return the numbers in the cells of a column, and NaN where there are none."""
    plain = text.str.replace(decimal, ".", regex=False) if decimal != "." else text
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    if thousands:
        marked = text[text.str.contains(thousands, regex=False)]
        values.update(marked.map(lambda cell: _number_or_nan(number_of, cell)))
    return values.where(values.abs() <= LARGEST)


def _number_or_nan(number_of: Callable[[str], float], cell: str) -> float:
    try:
        return number_of(cell)
    except ValueError:
        return math.nan


def _signs(table: Table) -> tuple[str, str]:
    """Return the decimal sign and the sign between thousands with which most cells are numbers."""
    some = table.cells.iloc[:: 1 + len(table.cells) // LOOKED_AT]
    cells = [cell for _, column in some.items() for cell in column if cell.strip()]
    pairs = [(decimal, thousands) for decimal in ".," for thousands in THOUSANDS if thousands != decimal]
    if table.delimiter != ",":
        # A comma in a cell is the decimal sign rather than between thousands.
        pairs.sort(key=lambda signs: signs[1] != "")

    def count(signs: tuple[str, str]) -> int:
        number_of = numbers_of(CsvFormat(decimal=signs[0], thousands=signs[1], missing_values=()))
        return sum(1 for cell in cells if not math.isnan(_number_or_nan(number_of, cell)))

    return max(pairs, key=count)


def _obstacle(
    names: list[str],
    name: str,
    text: "pd.Series[str]",
    unread: "pd.Series[str]",
    number_of: Callable[[str], float],
) -> str | None:
    """Say why a column cannot be learnt."""
    filled = text[~text.str.lower().isin(GAPS)]
    numbers = len(text) - len(unread)
    if filled.empty:
        return "it is empty"
    first = filled.iloc[0]
    if not numbers and changes_rarely(text.to_numpy()):
        return "it changes rarely; if it tells sequences apart, set dataset.sequence to it"
    if not numbers and not NUMBER.fullmatch(first):
        unit = UNIT.fullmatch(first)
        what = "its numbers have a unit, such as" if unit else "its cells are not numbers, such as"
        return f"{what} {quoted(first)}{'; write them without' if unit else ''}"
    if 0 < 2 * numbers < len(text) and not any(map(NUMBER.fullmatch, unread)):  # these are beyond float32
        return f"only {numbers:,} of its {len(text):,} cells are numbers"
    for line, cell in unread.items():
        if not _stands_for_nothing(cell):
            try:
                number_of(cell)
            except ValueError as error:
                return f"line {line}: {error}"
    if not name:
        return "it has no name"
    if names.count(name) > 1:
        return f"{names.count(name)} columns have this name; rename all but one"
    return None


def changes_rarely(values: NDArray[Any]) -> bool:
    """Whether a column has one value after another, each in many rows, as the name of a machine does."""
    runs = 1 + int((values[1:] != values[:-1]).sum())
    return 1 < runs == len(np.unique(values)) <= len(values) // FEWEST_ROWS


def _stands_for_nothing(text: str) -> bool:
    """Whether a text in a column of numbers may mean a missing value.

    >>> [_stands_for_nothing(text) for text in ("", "NA", "n.d.", "#DIV/0!", "12 m", "closed for the summer")]
    [True, True, True, True, False, False]
    """
    return text.startswith("#") or (len(text) <= LONGEST_GAP and not re.search(r"\d", text))


def _without_sentinels(columns: dict[str, Column]) -> dict[str, Column]:
    """Take numbers that stand for a missing value, such as -9999, for missing values in all columns."""
    far = {name: far_from_all_others(column.values[~np.isnan(column.values)]) for name, column in columns.items()}
    sentinels = {
        value
        for name, found in far.items()
        for value, count in found.items()
        if _is_sentinel(value, count, columns[name].values)
    }
    for value in sorted(sentinels):
        # In the file, a number means the same in every column.
        if all(value in far[name] or value not in column.values for name, column in columns.items()):
            columns = {name: _without(column, value) for name, column in columns.items()}
    return columns


def _is_sentinel(value: float, count: int, values: NDArray[np.float64]) -> bool:
    """Whether a value far from all others looks like a code: -9999, or the only negative one, more than once."""
    only_negative = value < 0 and not (values[values != value] < 0).any()
    return set(f"{abs(value):g}") <= set("9.") or (only_negative and count > 1)


def _without(column: Column, value: float) -> Column:
    count = int((column.values == value).sum())
    gap: dict[str | float, int] = {int(value) if value.is_integer() else value: count} if count else {}
    return Column(np.where(column.values == value, np.nan, column.values), column.gaps | gap)
