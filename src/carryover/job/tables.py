"""Tables as CSV: the same numbers always give the same bytes, and a damaged file is reported in one line."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from carryover.job.errors import UserError
from carryover.job.files import writing


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table with a header and Unix line ends. 9 significant digits represent a float32 exactly."""
    with writing(path) as file:
        table.to_csv(file, index=False, float_format="%.9g", lineterminator="\n")


def read_table(path: Path, dtypes: Mapping[str, str] | None, remedy: str, may_be_empty: bool = False) -> pd.DataFrame:
    """Read a table that write_table wrote.

    Args:
        path: the file.
        dtypes: the dtype of each column, in order; None if the columns vary.
        remedy: what to do about a broken file, for the message, such as "train the case again".
        may_be_empty: whether the table may have no rows.

    Raises:
        UserError: if the file is missing, is not a table, or has other columns, no rows or a number that is not finite.
    """
    # An empty cell of text is text; an empty number is reported below, as is nan.
    missing = None if dtypes is None else {name: ["", "nan"] for name, dtype in dtypes.items() if dtype == "float64"}
    try:
        table = pd.read_csv(path, dtype=dtypes, keep_default_na=dtypes is None, na_values=missing)
    except FileNotFoundError:
        raise UserError(f"{path}: missing; {remedy}") from None
    except ValueError as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}; {remedy}") from error
    if dtypes is not None and list(table.columns) != list(dtypes):
        raise UserError(f"{path}: the columns are {list(table.columns)}, expected {list(dtypes)}; {remedy}")
    if table.empty and not may_be_empty:
        raise UserError(f"{path}: there are no rows below the header; {remedy}")
    numbers = table.select_dtypes("number")
    if not np.isfinite(numbers.to_numpy(np.float64)).all():
        row, column = np.argwhere(~np.isfinite(numbers.to_numpy(np.float64)))[0]
        raise UserError(
            f"{path}: line {row + 2}, column {numbers.columns[column]}: the value is not a finite number; {remedy}"
        )
    return table
