"""How a CSV file is written: the keys of `dataset` that say so, without NumPy and pandas."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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

    @classmethod
    def of(cls, dataset: Mapping[str, Any]) -> "CsvFormat":
        """Return the format that the section `dataset` of the parameters describes; its other keys do not matter."""
        return cls(**{field: dataset[field] for field in cls._fields})
