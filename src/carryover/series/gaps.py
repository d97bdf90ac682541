"""Filling in the missing values of a series."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError


def fill_in(values: NDArray[np.float64], lines: NDArray[np.int64], columns: Sequence[str], missing: str) -> None:
    """Fill in the missing values in place.

    Args:
        values: of shape (rows, columns), in the order of time; NaN for a missing value.
        lines: the number of each row's line in the file, for messages.
        columns: the names of the columns.
        missing: "interpolate" or "forward_fill"; without a missing value, it does not matter.

    Raises:
        UserError: if there is no value before a missing one, or, to interpolate, none after it.
    """
    if not np.isnan(values).any():
        return
    import pandas as pd  # takes half a second

    table = pd.DataFrame(values)
    values[:] = table.interpolate(limit_area="inside") if missing == "interpolate" else table.ffill()
    if len(left := np.argwhere(np.isnan(values))):
        row, column = left[0]
        before = np.isnan(values[: row + 1, column]).all()
        remedy = "the first rows" if before else "the last rows, or set dataset.missing: forward_fill"
        raise UserError(
            f"line {lines[row]}, column {columns[column]!r}: the value is missing, and there is none "
            f"{'before' if before else 'after'} it to fill it in; leave out {remedy}"
        )
