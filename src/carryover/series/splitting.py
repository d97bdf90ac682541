"""The division of a series: the training part, and the part after it that is held out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.series.dataset import Series
from carryover.series.scales import AS_IT_IS, Scale, scales_of, standardize


class Divided(NamedTuple):
    """A series, divided.

    Attributes:
        training: what the networks are trained on.
        held_out: what comes after it, in the same scales.
        scales: one per column, the target's last.
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
    """Divide a series into its two parts, both standardized by the training part or both as they are.

    Args:
        values: of shape (samples, columns), the target last.
        columns: their names.
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
    """How many of the rows of a file are held out: `held_out` itself, or the share that it is below 1.

    >>> held_out_rows(500, 100), held_out_rows(500, 0.1), held_out_rows(500, 0)
    (100, 50, 0)
    """
    return round(rows * held_out) if 0 < held_out < 1 else int(held_out)


def split_rows(rows: int, samples: int | None, held_out: float, multiple: int) -> tuple[slice, slice]:
    """The rows of the training part, and those that are held out: the last ones, right after it.

    Args:
        rows: of the file.
        samples: of the training part; None for as many whole batches as there are, the oldest rows left over.
        held_out: as for held_out_rows.
        multiple: time_steps times batch_size.

    Raises:
        UserError: where there are too few rows.
    """
    last = held_out_rows(rows, held_out)
    end = rows - last
    start = end % multiple if samples is None else end - samples
    if start < 0 or start >= end:
        wanted = f"one batch of {multiple} samples" if samples is None else f"dataset.samples = {samples}"
        raise UserError(f"{rows} rows, of which {last} are held out: too few for {wanted}")
    return slice(start, end), slice(end, rows)
