"""The scale of each column: how to standardize by it, and how to get back to the series' own units."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.job.files import writing
from carryover.series.dataset import REMEDY, Series


class Scale(NamedTuple):
    """How a column is standardized: (value - mean) / deviation.

    Attributes:
        mean: the mean of the training part.
        deviation: the standard deviation of the training part.
    """

    mean: float
    deviation: float


AS_IT_IS = Scale(0.0, 1.0)


def scales_of(values: NDArray[np.float64], columns: list[str]) -> list[Scale]:
    """Return the scale of each column of the training part.

    Args:
        values: the training part, of shape (samples, columns).
        columns: the names of the columns.

    Raises:
        UserError: if a column is constant.
    """
    scales = []
    for name, column in zip(columns, values.T, strict=True):
        scale = Scale(float(column.mean()), float(column.std()))
        if column.min() == column.max():
            raise UserError(
                f"column {name!r} is {column[0]:g} throughout the training part and cannot be standardized; "
                "choose another column, or set dataset.standardize: false"
            )
        scales.append(scale)
    return scales


def standardize(values: NDArray[np.float64], scales: list[Scale]) -> NDArray[np.float64]:
    """Standardize values of shape (samples, columns) by the scale of each column."""
    means, deviations = np.transpose(scales)
    standardized: NDArray[np.float64] = (values - means) / deviations
    return standardized


def in_own_units(values: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    """Undo the standardization of a column; float32, computed in float64."""
    if scale == AS_IT_IS:
        return values
    return np.asarray(values.astype(np.float64) * scale.deviation + scale.mean, np.float32)


def series_in_own_units(series: Series, scales: list[Scale]) -> Series:
    """Undo the standardization of a series."""
    inputs = [in_own_units(column, scale) for column, scale in zip(series.x.T, scales[:-1], strict=True)]
    return series._replace(x=np.column_stack(inputs), y=in_own_units(series.y, scales[-1]))


HEADER = ["column", "mean", "deviation"]


def write_scales(path: Path, columns: tuple[str, ...], scales: list[Scale]) -> None:
    """Write the scale of each column, the target last. 17 significant digits represent a float64 exactly."""
    with writing(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for name, scale in zip(columns, scales, strict=True):
            table.writerow([name, *(f"{number:.17g}" for number in scale)])


def read_scales(path: Path) -> list[Scale]:
    """Read a file that write_scales wrote.

    Raises:
        UserError: if the file has another form.
        OSError: if it is missing or cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if header != HEADER or len(rows) < 2:
            raise ValueError
        return [Scale(float(mean), float(deviation)) for _, mean, deviation in rows]
    except ValueError:
        raise UserError(f"{path}: not the scales of the columns; {REMEDY}") from None
