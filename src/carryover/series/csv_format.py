"""How a CSV file is written: the keys of `dataset` that say so, without NumPy and pandas."""

from collections.abc import Sequence
from typing import NamedTuple

HEADERS = ("first_line", "none")
ORDERS = ("oldest_first", "newest_first")
MISSING = ("refuse", "interpolate", "forward_fill")
"""The values of dataset.header, dataset.order and dataset.missing."""

ISO = "iso8601"
"""The value of dataset.time_format for times of ISO 8601."""


class CsvFormat(NamedTuple):
    """How a CSV file is written: keys of `dataset` that the schema of params.yaml describes, with their defaults."""

    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    comment: str = ""
    skip_rows: int = 0
    skip_footer: int = 0
    header: str = "first_line"
    time: Sequence[str] = ()
    time_format: str = ISO
    order: str = "oldest_first"
    sequence: str = ""
    missing: str = "refuse"
    missing_values: Sequence[str] = ("",)
