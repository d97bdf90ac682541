"""Dividing a series into the training part and the held-out part, which follows it."""

from typing import NamedTuple

import numpy as np

from carryover.job.errors import UserError
from carryover.series.checks import check_resolution, check_standardized, warnings
from carryover.series.dataset import Series
from carryover.series.notes import Notes, Span
from carryover.series.rows import Rows
from carryover.series.scales import AS_IT_IS, Scale, scales_of, standardize
from carryover.series.sequences import Sequences, equal_sequences
from carryover.series.times import NO_TIMES, Times


class Divided(NamedTuple):
    """A divided series.

    Attributes:
        training: the part that the networks are trained on.
        held_out: the part after it, in the same scales.
        scales: the scale of each column, the target's last.
        times: those of both parts; empty if they are not known, or do not increase from sequence to sequence.
        notes: how many samples are where, and what is suspicious in them.
    """

    training: Series
    held_out: Series
    scales: list[Scale]
    times: Times
    notes: Notes


def divide(
    rows: Rows, samples: int | None, held_out: float, time_steps: int, batch_size: int, standardized: bool
) -> Divided:
    """Divide a series into its two parts; both are standardized by the training part, or neither is.

    Args:
        rows: the whole series.
        samples, held_out, time_steps, batch_size: as for split_rows, or for equal_sequences, which takes no samples.
        standardized: whether to standardize.

    Raises:
        UserError: as split_rows, equal_sequences, check_resolution, scales_of and check_standardized.
    """
    read, sequences, columns = len(rows.values), None, tuple(rows.columns)
    if rows.sequences:
        rows, sequences = cut_sequences(rows, held_out, time_steps, batch_size)
        end = sequences.trained_on * sequences.samples
        training, rest = slice(0, end), slice(end, len(rows.values))
    else:
        training, rest = split_rows(read, samples, held_out, time_steps, batch_size)
    values = rows.values
    check_resolution(values[training], columns)
    count = training.stop - training.start
    suspicious = warnings(rows, training, standardized, count // (time_steps * batch_size))
    scales = [AS_IT_IS] * len(columns)
    if standardized:
        scales = scales_of(values[training], list(columns))
        values = standardize(values, scales)
        check_standardized(values, rows.values, columns)
    series = Series(values[:, :-1].astype(np.float32), values[:, -1].astype(np.float32), columns)
    notes = Notes(
        samples=read,
        trained_on=count,
        held_out=len(values) - rest.start,
        left_over=read - count - (rest.stop - rest.start),
        not_forecast=(len(values) - rest.start) % time_steps,
        without_target=rows.without_target,
        filled=_count_of_each(rows),
        times=Span.of(rows),
        warnings=suspicious,
        sequences=sequences,
    )
    times = rows.times if (rows.times[1:] > rows.times[:-1]).all() else NO_TIMES
    return Divided(series.part(training), series.part(rest), scales, times[training.start :], notes)


def cut_sequences(rows: Rows, held_out: float, time_steps: int, batch_size: int) -> tuple[Rows, Sequences]:
    """Cut the sequences of a series, as equal_sequences says."""
    kept, sequences = equal_sequences(rows.sequences, held_out, time_steps, batch_size)
    names = [*rows.sequences][sequences.left_over :]
    cut = rows._replace(
        values=rows.values[kept],
        filled=rows.filled[kept],
        times=rows.times[kept] if len(rows.times) else rows.times,
        sequences=dict.fromkeys(names, sequences.samples),
    )
    return cut, sequences


def _count_of_each(rows: Rows) -> dict[str, int]:
    """Return how many values of each column have been filled in, without those of none."""
    counts = zip(rows.columns, rows.filled.sum(axis=0).tolist(), strict=True)
    return {name: count for name, count in counts if count}


def held_out_rows(rows: int, held_out: float, time_steps: int) -> int:
    """Return how many rows of a file are held out: `held_out` itself, or that share of the rows if it is below 1.

    >>> [held_out_rows(500, held_out, time_steps=50) for held_out in (100, 0.1, 0)]
    [100, 50, 0]

    Raises:
        UserError: if the share is less than one window.
    """
    if not 0 < held_out < 1:
        return int(held_out)
    last = round(rows * held_out)
    if last < time_steps:
        raise UserError(
            f"dataset.held_out: {held_out} of {rows} rows are {last}, less than one window of {time_steps} "
            "(model.time_steps); hold out more, or 0"
        )
    return last


def split_rows(
    rows: int, samples: int | None, held_out: float, time_steps: int, batch_size: int
) -> tuple[slice, slice]:
    """Return the rows of the training part, and the held-out rows, which are the last ones and follow it.

    Args:
        rows: how many rows the file has.
        samples: how many samples to train on; None for as many whole batches as fit, leaving over the oldest rows.
        held_out: as for held_out_rows.
        time_steps: samples per window.
        batch_size: windows per batch.

    Raises:
        UserError: if there are too few rows, to train on or for one held-out window.
    """
    last = held_out_rows(rows, held_out, time_steps)
    end = rows - last
    start = end % (time_steps * batch_size) if samples is None else end - samples
    if start < 0 or start >= end:
        raise UserError(_too_few(rows, last, samples, time_steps, batch_size))
    return slice(start, end), slice(end, rows)


def _too_few(rows: int, last: int, samples: int | None, time_steps: int, batch_size: int) -> str:
    end = max(rows - last, 0)
    have = f"{rows} rows, {last} of them held out, leave {end} to train on, fewer than"
    if samples is not None:
        return f"{have} dataset.samples = {samples}; lower it, lower dataset.held_out, or add rows"
    batch = f"one batch of {time_steps * batch_size} (model.time_steps {time_steps} x model.batch_size {batch_size})"
    fits = f"set model.batch_size to {end // time_steps} or less" if end >= time_steps else "lower both"
    return f"{have} {batch}; {fits}, lower dataset.held_out, or add rows"
