"""What may be wrong with the numbers of a series: errors if float32 cannot hold them, and warnings."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.series.dataset import LARGEST

FEWEST_STEPS = 10
"""Over how many numbers of float32 the values of a column must range."""

FEWEST_VALUES = 5
"""How many different values a column must have besides its two extremes before one of them is called suspicious."""

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


def warnings(values: NDArray[np.float64], training: slice, columns: Sequence[str]) -> list[str]:
    """Say what is suspicious in a series: constant columns, and values that may stand for missing ones.

    Args:
        values: the whole series, of shape (samples, columns), the target last.
        training: the rows of the training part.
        columns: the names of the columns.
    """
    return [
        f"column {name!r}: {warning}"
        for name, column in zip(columns, values.T, strict=True)
        for warning in (*_constant(column[training]), *_far_away(column))
    ]


def _constant(training: NDArray[np.float64]) -> Iterator[str]:
    if training.min() == training.max():
        yield f"it is {training[0]:g} throughout the training part, so it has nothing to learn; choose another column"


def _far_away(column: NDArray[np.float64]) -> Iterator[str]:
    """Find extreme values that are far from all others, such as -9999 for a missing measurement.

    Measurements come near each other, and few are exactly equal. So an extreme is suspicious if its distance from all
    others is larger than the range of those, and it is repeated. If it is not, it must be much further away. So must 0,
    which is often true: the shop was closed.
    """
    distinct, counts = np.unique(column, return_counts=True)
    others = distinct[1:-1]  # without both extremes, because both may be suspicious
    if len(others) < FEWEST_VALUES:
        return
    low, high = others[[0, -1]]
    suspicious = {
        extreme: count
        for extreme, count in zip(distinct[[0, -1]], counts[[0, -1]], strict=True)
        if max(low - extreme, extreme - high) > (FAR if count > 1 and extreme else VERY_FAR) * (high - low)
    }
    rest = distinct[~np.isin(distinct, list(suspicious))]
    for extreme, count in suspicious.items():
        yield (
            f"{extreme:.12g} is in {count:,} of {len(column):,} rows, far from all other values ({rest[0]:g} to "
            f"{rest[-1]:g}); if it is not a measurement (a gap, a total), correct the file"
        )
