"""Dividing a series into the training part and the held-out part, which follows it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.series.dataset import Series
from carryover.series.scales import AS_IT_IS, Scale, scales_of, standardize


class Divided(NamedTuple):
    """A divided series.

    Attributes:
        training: the part that the networks are trained on.
        held_out: the part after it, in the same scales.
        scales: the scale of each column, the target's last.
        left_over: how many of the oldest samples are in neither part.
    """

    training: Series
    held_out: Series
    scales: list[Scale]
    left_over: int


def divide(
    values: NDArray[np.float64],
    columns: Sequence[str],
    samples: int | None,
    held_out: float,
    multiple: int,
    standardized: bool,
) -> Divided:
    """Divide a series into its two parts; both are standardized by the training part, or neither is.

    Args:
        values: the whole series, of shape (samples, columns), the target last.
        columns: the names of the columns.
        samples, held_out, multiple: as for split_rows.
        standardized: whether to standardize.

    Raises:
        UserError: as split_rows and scales_of.
    """
    training, rest = split_rows(len(values), samples, held_out, multiple)
    scales = [AS_IT_IS] * len(columns)
    if standardized:
        scales = scales_of(values[training], list(columns))
        values = standardize(values, scales)
    series = Series(values[:, :-1].astype(np.float32), values[:, -1].astype(np.float32), tuple(columns))
    return Divided(series.part(training), series.part(rest), scales, training.start)


def held_out_rows(rows: int, held_out: float) -> int:
    """Return how many rows of a file are held out: `held_out` itself, or that share of the rows if it is below 1.

    >>> held_out_rows(500, 100), held_out_rows(500, 0.1), held_out_rows(500, 0)
    (100, 50, 0)
    """
    return round(rows * held_out) if 0 < held_out < 1 else int(held_out)


def split_rows(rows: int, samples: int | None, held_out: float, multiple: int) -> tuple[slice, slice]:
    """Return the rows of the training part, and the held-out rows, which are the last ones and follow it.

    Args:
        rows: how many rows the file has.
        samples: how many samples to train on; None for as many whole batches as fit, leaving over the oldest rows.
        held_out: as for held_out_rows.
        multiple: time_steps times batch_size.

    Raises:
        UserError: if there are too few rows.
    """
    last = held_out_rows(rows, held_out)
    end = rows - last
    start = end % multiple if samples is None else end - samples
    if start < 0 or start >= end:
        wanted = f"one batch of {multiple} samples" if samples is None else f"dataset.samples = {samples}"
        raise UserError(
            f"{rows} rows, {last} of them held out, are too few for {wanted}; add rows or lower dataset.held_out"
        )
    return slice(start, end), slice(end, rows)
