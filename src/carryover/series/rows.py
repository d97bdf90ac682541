"""The rows of a series before it is divided into its parts: from a CSV file, or computed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.series.csv_file import read_csv_columns
from carryover.series.csv_format import CsvFormat
from carryover.series.gaps import fill_in
from carryover.series.sequences import lengths_of, rows_of_each
from carryover.series.times import NO_TIMES, ONE_SEQUENCE, Times, parse_times


class Rows(NamedTuple):
    """The rows of a series, in the order of time.

    Attributes:
        columns: the names of the inputs, then that of the target.
        values: float64 of shape (rows, columns). With a horizon, the target of a row is that of a later row.
        filled: which of the values were missing and have been filled in, of the same shape.
        missing: how they have been filled in, one of csv_format.MISSING.
        times: when the target of each row is due, of shape (rows,); empty if that is not known.
        without_target: how many further rows at the end, or of each sequence, have no target, because of the horizon.
        sequences: how many of the rows each independent sequence has, by its id; empty if the series is a single one.
    """

    columns: Sequence[str]
    values: NDArray[np.float64]
    filled: NDArray[np.bool_]
    missing: str = "refuse"
    times: Times = NO_TIMES
    without_target: int = 0
    sequences: Mapping[str, int] = ONE_SEQUENCE


def computed(columns: Sequence[str], values: NDArray[np.float64]) -> Rows:
    """Return the rows of a series that is not from a file."""
    return Rows(columns, values, np.zeros(values.shape, bool))


def read_rows(path: Path, inputs: Sequence[str], target: str, form: CsvFormat, horizon: int) -> Rows:
    """Read the rows of a CSV file.

    Args:
        path: the file.
        inputs, target: the columns.
        form: how the file is written.
        horizon: how many rows ahead of its inputs the target is.

    Raises:
        UserError: if the file has another form; as read_csv_columns, lengths_of, parse_times, fill_in and ahead, with
            the file's name.
    """
    columns = [*inputs, target]
    values, texts, ids, lines = read_csv_columns(path, columns, form)
    try:
        sequences = lengths_of(ids, lines)
        if form.order == "newest_first":
            order = np.concatenate([np.arange(len(lines))[one][::-1] for one in rows_of_each(sequences, len(lines))])
            values, lines, texts = values[order], lines[order], [texts[row] for row in order if texts]
        filled = np.isnan(values)
        times = parse_times(texts, lines, form.time_format, sequences) if form.time else NO_TIMES
        for rows in rows_of_each(sequences, len(values)):
            fill_in(values[rows], lines[rows], columns, form.missing)
        return ahead(Rows(columns, values, filled, form.missing, times, 0, sequences), horizon)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def ahead(rows: Rows, horizon: int) -> Rows:
    """Move the target of a row that is `horizon` rows later to each row; the last rows have none and are left out.

    Each sequence has last rows of its own.

    >>> moved = ahead(computed(["x", "y"], np.array([[1.0, 10], [2, 20], [3, 30]])), horizon=1)
    >>> moved.values.tolist(), moved.without_target
    ([[1.0, 20.0], [2.0, 30.0]], 1)

    Raises:
        UserError: if no row has a target.
    """
    if horizon == 0:
        return rows
    for name, length in (rows.sequences or {"": len(rows.values)}).items():
        if length <= horizon:
            what, remedy = (f"the sequence {name!r}", "leave the sequence out") if name else ("it", "add rows")
            raise UserError(f"{what} has {length} rows, and dataset.horizon is {horizon}; lower it, or {remedy}")
    of_each = rows_of_each(rows.sequences, len(rows.values))
    before = np.concatenate([np.arange(one.start, one.stop - horizon) for one in of_each])

    def moved(values: NDArray[Any]) -> NDArray[Any]:
        return np.column_stack([values[before, :-1], values[before + horizon, -1]])

    return rows._replace(
        values=moved(rows.values),
        filled=moved(rows.filled),
        times=rows.times[before + horizon] if len(rows.times) else rows.times,
        without_target=horizon,
        sequences={name: length - horizon for name, length in rows.sequences.items()},
    )
