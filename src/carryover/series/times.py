"""When each sample of a series is due: reading times as people write them, and <data>/<source>_times.csv."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.job.files import writing
from carryover.series.csv_format import ISO
from carryover.series.dataset import REMEDY
from carryover.series.sequences import goes_on

if TYPE_CHECKING:
    import pandas as pd

HEADER = "time"

Times = NDArray[np.datetime64]
"""The times of the samples, in milliseconds and without a zone, of shape (samples,); empty if there are none."""

ONE_SEQUENCE: Mapping[str, int] = {}
"""The lengths of the sequences of a series that is a single one."""

NO_TIMES: Times = np.empty(0, "datetime64[ms]")

YEARS = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
"""Between which days the figures can draw a time."""


def parse_times(
    texts: Sequence[str], lines: NDArray[np.int64], time_format: str, sequences: Mapping[str, int] = ONE_SEQUENCE
) -> Times:
    """Read times; those with an offset from UTC are turned to UTC.

    Args:
        texts: as they are in the file, in the order of time.
        lines: the number of each one's line in the file, for messages.
        time_format: csv_format.ISO, or the directives of strptime.
        sequences: as in rows.Rows; the times of each are looked at on their own.

    Raises:
        UserError: if one is not a time of this form, or does not come after the one before; the message names its line.
    """
    times = as_times(texts, time_format).to_numpy()
    if len(wrong := np.flatnonzero(np.isnat(times))):
        written = "by ISO 8601" if time_format == ISO else f"as {time_format}"
        raise UserError(
            f"line {lines[wrong[0]]}: the time {texts[wrong[0]]!r} is not written {written}; set dataset.time_format, "
            "fix the line or leave it out"
        )
    if len(wrong := np.flatnonzero((times < YEARS[0]) | (times > YEARS[1]))):
        raise UserError(
            f"line {lines[wrong[0]]}: the year of {texts[wrong[0]]!r} is not from 1 to 9999; leave time out"
        )
    one = goes_on(sequences, len(times))
    if len(back := np.flatnonzero(one & (times[1:] <= times[:-1]))):
        decreasing = bool((times[1:] < times[:-1])[one].all())
        raise UserError(_not_increasing(texts, lines, times, int(back[0]), decreasing))
    return times.astype("datetime64[ms]")


def as_times(texts: Any, time_format: str) -> "pd.DatetimeIndex":
    """Read texts as times, without a zone and NaT where one is no time of this form.

    Args:
        texts: a sequence of texts.
        time_format: csv_format.ISO, or the directives of strptime.
    """
    import pandas as pd  # takes half a second

    form = "ISO8601" if time_format == ISO else time_format
    index = pd.Index(texts, dtype=str)
    return pd.DatetimeIndex(pd.to_datetime(index, format=form, errors="coerce", utc=True)).tz_localize(None)


def _not_increasing(texts: Sequence[str], lines: NDArray[np.int64], times: Times, before: int, decreasing: bool) -> str:
    first, second = (f"line {lines[row]} ({texts[row]})" for row in (before, before + 1))
    if decreasing:
        other = "newest_first" if lines[before] < lines[before + 1] else "oldest_first"
        return f"the times decrease from row to row; set dataset.order: {other}"
    if times[before] == times[before + 1]:
        return f"{second} has the same time as {first}; leave one of them out, or write both in UTC"
    return f"{second} is earlier than {first}, the row before it; sort the rows by time"


def have_steps(times: Times, sequences: Mapping[str, int]) -> bool:
    """Return whether a sequence has more than one time."""
    return len(times) > 0 and bool(goes_on(sequences, len(times)).any())


def step_of(times: Times, sequences: Mapping[str, int] = ONE_SEQUENCE) -> tuple[str, bool]:
    """Say how far apart successive times are, and whether it is always the same step.

    >>> step_of(np.array(["2020-01-01T00", "2020-01-01T01", "2020-01-01T02"], "datetime64[s]"))
    ('1 hour', True)
    >>> step_of(np.array(["2020-01", "2020-02", "2020-03"], "datetime64[s]"))
    ('1 month', True)
    >>> step_of(np.array(["2020-01-02", "2020-01-03", "2020-01-06"], "datetime64[s]"))
    ('1 working day', True)
    >>> step_of(np.array(["2020-01-01T00", "2020-01-01T01", "2020-01-03T01"], "datetime64[s]"))
    ('1 hour to 2 days', False)

    Args:
        times: at least two of a sequence, increasing.
        sequences: as in rows.Rows; from one to the next there is no step.
    """
    one = goes_on(sequences, len(times))
    steps = np.diff(times)[one].astype("timedelta64[ms]").astype(np.int64)
    if steps.min() == steps.max():
        return _duration(int(steps[0])), True
    for unit, number in (("month", _in_months(times)), ("working day", _in_working_days(times))):
        if number is not None and (of_unit := np.diff(number)[one]).min() == of_unit.max():
            years, months = divmod(int(of_unit[0]), 12)
            return (_count(years, "year") if unit == "month" and not months else _count(int(of_unit[0]), unit)), True
    return f"{_duration(int(steps.min()))} to {_duration(int(steps.max()))}", False


def _in_months(times: Times) -> NDArray[np.int64] | None:
    """Number the months of the times; None if they are not at the same place of a month."""
    months = times.astype("datetime64[M]")
    return months.astype(np.int64) if len(np.unique(times - months)) == 1 else None


def _in_working_days(times: Times) -> NDArray[np.int64] | None:
    """Number the working days of the times; None if they are not at the same time of working days."""
    days = times.astype("datetime64[D]")
    if len(np.unique(times - days)) > 1 or not np.is_busday(days).all():
        return None
    return np.busday_count(days[0], days)


def _duration(milliseconds: int) -> str:
    sizes = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1}
    unit = next(unit for unit, size in sizes.items() if milliseconds % size == 0)
    return _count(milliseconds // sizes[unit], unit)


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def write_times(path: Path, times: Times) -> None:
    """Write the times as CSV, by ISO 8601."""
    with writing(path) as file:
        whole = (times == times.astype("datetime64[s]")).all()
        file.writelines(f"{line}\n" for line in (HEADER, *np.datetime_as_string(times, unit="s" if whole else "ms")))


def read_times(path: Path) -> Times:
    """Read a file that write_times wrote.

    Raises:
        UserError: if the file has another form.
        OSError: if it is missing or cannot be read.
    """
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    try:
        if header != HEADER:
            raise ValueError
        return np.array(lines, "datetime64[ms]")
    except ValueError:
        raise UserError(f"{path}: not the times of the samples; {REMEDY}") from None
