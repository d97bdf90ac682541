"""What may be wrong with a series: errors if float32 cannot hold its numbers, and warnings."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.series.dataset import LARGEST
from carryover.series.rows import Rows
from carryover.series.times import have_steps, step_of

FEWEST_STEPS = 10
"""Over how many numbers of float32 the values of a column must range."""

FEWEST_VALUES = 5
"""How many different values a column must have besides its two extremes before one of them is called suspicious."""

FEW_VALUES = 1000
"""Below how many different values of float32 a column that is not standardized is said to be coarse."""

FAR_FROM_ZERO, SMALL, LARGE = 10, 0.01, 10
"""How many standard deviations the mean of a column may be from zero, and between which bounds its standard deviation
may be, before networks are said to learn it badly as it is."""

MOST_BEYOND = 0.1
"""Which share of the held-out values may be outside of the range of the training part without a word."""

FEW_BATCHES = 5
"""Below how many batches in an epoch there is little that states could be carried over."""

FAR, VERY_FAR = 1, 10
"""How far from all other values a suspicious extreme is, in ranges of those: if it is repeated, and if it is not."""


def check_resolution(training: NDArray[np.float64], columns: Sequence[str]) -> None:
    """Refuse a column that is nearly constant in float32, although not in the file.

    Args:
        training: the training part, of shape (samples, columns).
        columns: the names of the columns.

    Raises:
        UserError: if there is one.
    """
    for name, column in zip(columns, training.T, strict=True):
        low, high = column.min(), column.max()
        step = np.spacing(np.float32(abs(column).max()))
        if 0 < high - low < FEWEST_STEPS * step:
            raise UserError(
                f"column {name!r} only ranges from {float(low)} to {float(high)} in the training part, but numbers of "
                f"float32 are {step:.2g} apart there; subtract a constant from the column, or scale it"
            )


def check_standardized(standardized: NDArray[np.float64], values: NDArray[np.float64], columns: Sequence[str]) -> None:
    """Refuse a value that float32 cannot hold once it is standardized.

    Args:
        standardized: the whole series, of shape (samples, columns).
        values: the same before it was standardized.
        columns: the names of the columns.

    Raises:
        UserError: if there is one.
    """
    too_large = np.argwhere(abs(standardized) > LARGEST)
    if len(too_large):
        row, column = too_large[0]
        raise UserError(
            f"column {columns[column]!r}, row {row + 1}: {values[row, column]:g} is {standardized[row, column]:.2g} "
            f"standard deviations of the training part, and float32 holds up to {LARGEST:.2g}; correct the value, or "
            "leave the column out"
        )


def warnings(rows: Rows, training: slice, standardized: bool, batches: int) -> list[str]:
    """Say what may make the results of a series worth less than they seem, a sentence each.

    Args:
        rows: the whole series; the held-out part follows the training part.
        training: the rows of the training part.
        standardized: whether the networks see standardized values.
        batches: how many batches an epoch has.
    """
    named = dict(zip(rows.columns, rows.values.T, strict=True))  # a target that is also an input is looked at once
    of_columns = [
        f"column {name!r}: {warning}"
        for name, column in named.items()
        for warning in (
            *_constant(column[training]),
            *([] if standardized else _not_standardized(column[training])),
            *_beyond(column[training], column[training.stop :]),
            *_far_away(column),
        )
    ]
    return [*of_columns, *_filled_in(rows, slice(training.stop, None)), *_irregular(rows), *_few_batches(batches)]


def _not_standardized(training: NDArray[np.float64]) -> Iterator[str]:
    low, high, mean, deviation = training.min(), training.max(), training.mean(), training.std()
    if low == high:
        return
    values = (high - low) / np.spacing(np.float32(max(abs(low), abs(high))))
    if values < FEW_VALUES:
        yield (
            f"it ranges from {low:.9g} to {high:.9g}, where float32 has only {values:,.0f} different values; set "
            "dataset.standardize: true"
        )
    elif abs(mean) > FAR_FROM_ZERO * deviation or not SMALL < deviation < LARGE:
        yield (
            f"it ranges from {low:g} to {high:g}, and networks learn best from numbers near 0 with a standard "
            "deviation near 1; set dataset.standardize: true"
        )


def _beyond(training: NDArray[np.float64], held_out: NDArray[np.float64]) -> Iterator[str]:
    beyond = np.mean((held_out < training.min()) | (held_out > training.max())) if len(held_out) else 0
    if beyond > MOST_BEYOND:
        yield (
            f"{beyond:.0%} of its held-out values are outside of the range of the training part ({training.min():g} to "
            f"{training.max():g}), where networks have learnt nothing; leave it out, or learn differences"
        )


def _filled_in(rows: Rows, held_out: slice) -> Iterator[str]:
    """Say what filled-in values do to the forecasts of the held-out part."""
    of_inputs, of_target = rows.filled[held_out, :-1].sum(), rows.filled[held_out, -1].sum()
    if of_target:
        yield (
            f"{of_target:,} of the {len(rows.filled[held_out]):,} held-out values of the target {rows.columns[-1]!r} "
            "were missing and have been filled in, so forecasts are compared with values that nobody has measured"
        )
    if rows.missing == "interpolate" and of_inputs:
        yield (
            f"{of_inputs:,} held-out values of the inputs were interpolated, which uses a value that is not yet known "
            "when a forecast is due; set dataset.missing: forward_fill to forecast as in real use"
        )


def _irregular(rows: Rows) -> Iterator[str]:
    if have_steps(rows.times, rows.sequences):
        step, regular = step_of(rows.times, rows.sequences)
        if not regular:
            yield f"the times are not regular: from row to row they are {step} apart, and the networks take all alike"


def _few_batches(batches: int) -> Iterator[str]:
    if batches == 1:
        yield (
            "an epoch has only one batch, so states are carried from one epoch to the next and nowhere else; for a "
            "reset to matter, set a smaller model.batch_size"
        )
    elif batches < FEW_BATCHES:
        yield (
            f"an epoch has only {batches} batches, so a reset every epoch is nearly one every batch; set a smaller "
            "model.batch_size"
        )


def _constant(training: NDArray[np.float64]) -> Iterator[str]:
    if training.min() == training.max():
        yield f"it is {training[0]:g} throughout the training part, so it has nothing to learn; choose another column"


def far_from_all_others(column: NDArray[np.float64]) -> dict[float, int]:
    """Find extreme values that are far from all others, such as -9999 for a missing measurement.

    Measurements come near each other, and few are exactly equal. So an extreme is suspicious if its distance from all
    others is larger than the range of those, and it is repeated. If it is not, it must be much further away. So must 0,
    which is often true: the shop was closed.

    Returns:
        How often each such value is there.
    """
    distinct, counts = np.unique(column, return_counts=True)
    others = distinct[1:-1]  # without both extremes, because both may be suspicious
    if len(others) < FEWEST_VALUES:
        return {}
    low, high = others[[0, -1]]
    return {
        float(extreme): int(count)
        for extreme, count in zip(distinct[[0, -1]], counts[[0, -1]], strict=True)
        if max(low - extreme, extreme - high) > (FAR if count > 1 and extreme else VERY_FAR) * (high - low)
    }


def _far_away(column: NDArray[np.float64]) -> Iterator[str]:
    suspicious = far_from_all_others(column)
    rest = column[~np.isin(column, list(suspicious))]
    for extreme, count in suspicious.items():
        yield (
            f"{extreme:.12g} is in {count:,} of {len(column):,} rows, far from all other values ({rest.min():g} to "
            f"{rest.max():g}); if it means a missing value, add it to dataset.missing_values; if it is a total, leave "
            "it out (dataset.skip_footer)"
        )
