"""Looking at the times of the rows: which columns have them, how they are written, and how far they are apart."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from carryover.job.errors import UserError
from carryover.new.table import Table
from carryover.series.csv_format import ISO
from carryover.series.times import as_times, parse_times

FORMATS = (
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%m/%Y", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m", "%b %Y",
    "%B %Y", "%b-%Y", "%b-%y", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%d.%m.%y %H:%M", "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p",
)  # fmt: skip
"""How people write times, as far as pandas guesses no format of them."""

CLOCKS = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%I:%M:%S %p", "%I:%M %p", "%H")
"""How people write the time of a day in a column of its own."""

PARTS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
"""The names of columns that have one number of a time each."""

CLOCK_NAMES = ("time", "hour", "hr")
"""The names of columns with the time of a day; it may also be in the column after that with the date."""

UNITS = {
    "s": "second", "min": "minute", "h": "hour", "D": "day", "B": "working day", "W": "week",
    "MS": "month", "ME": "month", "BMS": "month", "BME": "month", "QS": "quarter", "QE": "quarter", "BQS": "quarter",
    "BQE": "quarter", "YS": "year", "YE": "year", "BYS": "year", "BYE": "year",
}  # fmt: skip
"""The units of the steps that pandas infers."""

SEASONS = {"day": (7, "week"), "week": (52, "year"), "month": (12, "year"), "quarter": (4, "year")}
"""How many units are a season, and what it is called; for shorter units, it is a day."""

RUN = 12
"""From how many times in a row a step is inferred."""


class Step(NamedTuple):
    """How far apart the times are.

    Attributes:
        words: such as "10 minutes".
        season: how many steps are a season, and what it is called; 0 if there is none.
        absent: the times that are not there, though the step would have them.
    """

    words: str
    season: tuple[int, str]
    absent: pd.DatetimeIndex


class Times(NamedTuple):
    """The times of the rows.

    Attributes:
        columns, time_format, order: the keys `time`, `time_format` and `order` of `dataset`.
        times: in the order of time, of shape (rows,).
        step: None if there is no usual one.
        problem: why the pipeline does not take these times; None if it does.
    """

    columns: list[str]
    time_format: str
    order: str
    times: pd.DatetimeIndex
    step: Step | None
    problem: str | None


def look_at_times(table: Table, numeric: Sequence[str]) -> Times | None:
    """Find the columns with the times of the rows.

    Args:
        table: the table.
        numeric: the columns with numbers.

    Returns:
        The times; None if no columns have them.
    """
    found = []
    for columns, formats in _candidates(table.cells.loc[:, ~table.cells.columns.duplicated(keep=False)], numeric):
        texts = reduce(lambda left, right: left + " " + right, (table.cells[name].str.strip() for name in columns))
        if best := _best_format(texts, formats):
            found.append(_times(columns, texts, *best))
            if found[-1].problem is None:
                return found[-1]
    return max(found, key=lambda times: times.times.nunique(), default=None)


def _candidates(cells: pd.DataFrame, numeric: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield columns that may have the times together, and how these may be written."""
    parts = {name.strip().lower(): name for name in cells.columns}
    named = [parts[part] for part in PARTS if part in parts]
    named = named[: next((number for number, part in enumerate(PARTS) if part not in parts), len(PARTS))]
    by_parts = named, [" ".join(list(PARTS.values())[: len(named)])]
    if len(named) > 1:
        yield by_parts
    for place, name in enumerate(cells.columns):
        if name and (name not in numeric or cells[name].str.fullmatch(r"\s*(19|20)\d{6,12}\s*").all()):
            formats = [*_formats(cells[name]), *FORMATS]
            yield [name], [ISO, *formats]
            dates = [one for one in formats if not re.search("%[HI]", one)]
            clocks = [parts[clock] for clock in CLOCK_NAMES if clock in parts]
            for clock in [*cells.columns[place + 1 : place + 2], *clocks]:
                if clock and clock != name:
                    yield [name, clock], [f"{date} {time}" for date in dates for time in CLOCKS]
    if len(named) == 1:
        yield by_parts


def _formats(cells: "pd.Series[str]") -> list[str]:
    """Return the formats that pandas guesses, of which one takes the day first and one the month."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a day that can only be one
        guesses = [
            guess_datetime_format(cell.strip(), dayfirst=day_first)
            for cell in cells.iloc[[0, len(cells) // 2, -1]]
            for day_first in (True, False)
        ]
    return [guess for guess in dict.fromkeys(guesses) if guess and not guess.startswith("%Y-%d")]


def _best_format(texts: "pd.Series[str]", formats: Sequence[str]) -> tuple[str, pd.DatetimeIndex] | None:
    """Return the format in which the times are the most regular, and the times; None if there is none."""
    found = []
    for time_format in dict.fromkeys(formats):
        times = as_times(texts[:100], time_format)
        if not times.hasnans and not (times := as_times(texts, time_format)).hasnans:
            found.append((time_format, times))
    return min(found, key=lambda one: _irregularity(one[1]), default=None)


def _irregularity(times: pd.DatetimeIndex) -> tuple[int, float]:
    """Return how many times do not go on in the usual direction, and for how many steps the rest would be enough."""
    steps = np.diff(times)
    disorder = min(int((steps <= np.timedelta64(0)).sum()), int((steps >= np.timedelta64(0)).sum()))
    return disorder, abs(times[-1] - times[0]) / max(abs(np.median(steps)), np.timedelta64(1, "s"))


def _times(columns: list[str], texts: "pd.Series[str]", time_format: str, times: pd.DatetimeIndex) -> Times:
    steps = np.diff(times)
    newest_first = bool((steps < np.timedelta64(0)).sum() > (steps > np.timedelta64(0)).sum())
    if newest_first:
        texts, times = texts[::-1], times[::-1]
    try:
        parse_times(texts.tolist(), texts.index.to_numpy(), time_format)
        problem = None
    except UserError as error:
        problem = str(error)
    order = "newest_first" if newest_first else "oldest_first"
    return Times(columns, time_format, order, times, None if problem else _step(times), problem)


def _step(times: pd.DatetimeIndex) -> Step | None:
    """Find the usual step, which is that of most runs of times; some times may be absent."""
    runs = range(0, max(1, len(times) - RUN), max(1, len(times) // 50))
    with pd.option_context("future.infer_freq_returns_offset", True):
        inferred = [pd.infer_freq(times[run : run + RUN]) for run in runs if len(times) > 2]
    if not (counts := Counter[Any](offset for offset in inferred if offset is not None)):
        return None
    offset = counts.most_common(1)[0][0]
    if (unit := UNITS.get(offset.rule_code.split("-")[0])) is None:
        return None
    season = SEASONS.get(unit, (0, "")) if offset.n == 1 else (0, "")
    if isinstance(offset, pd.offsets.Tick) and unit in ("second", "minute", "hour"):
        day, step = pd.Timedelta(days=1), pd.Timedelta(offset)
        season = (0 if day % step else day // step, "day")
    return Step(f"{offset.n} {unit}{'s' if offset.n > 1 else ''}", season, _absent(times, offset, unit))


def _absent(times: pd.DatetimeIndex, offset: Any, unit: str) -> pd.DatetimeIndex:
    """Return the times that are missing; of working days, all may be holidays."""
    steps = (times[-1] - times[0]) / np.median(np.diff(times))
    if unit == "working day" or steps > 2 * len(times):  # then the step changes
        return times[:0]
    return pd.date_range(times[0], times[-1], freq=offset).difference(times)
