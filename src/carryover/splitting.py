"""The training part of a series, the part that is held out after it, and the scales of both."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.dataset import Series
from carryover.errors import UserError
from carryover.files import writing


class Scale(NamedTuple):
    """How a column is standardized: (value - mean) / deviation.

    Attributes:
        mean: of the training part.
        deviation: the standard deviation of the training part.
    """

    mean: float
    deviation: float


AS_IT_IS = Scale(0.0, 1.0)


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


def scales_of(values: NDArray[np.float64], columns: list[str]) -> list[Scale]:
    """The scale of each column of the training part.

    Args:
        values: of shape (samples, columns).
        columns: their names.

    Raises:
        UserError: where a column is constant.
    """
    scales = []
    for name, column in zip(columns, values.T, strict=True):
        scale = Scale(float(column.mean()), float(column.std()))
        if column.min() == column.max():
            raise UserError(
                f"column {name!r} is {column[0]:g} throughout the training part, so that it cannot be standardized; "
                "leave it out, or set dataset.standardize: false"
            )
        scales.append(scale)
    return scales


def standardize(values: NDArray[np.float64], scales: list[Scale]) -> NDArray[np.float64]:
    """The values, of shape (samples, columns), by the scale of each column."""
    means, deviations = np.transpose(scales)
    standardized: NDArray[np.float64] = (values - means) / deviations
    return standardized


def in_own_units(values: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    """Undo standardization."""
    if scale == AS_IT_IS:
        return values
    return np.asarray(values.astype(np.float64) * scale.deviation + scale.mean, np.float32)


def series_in_own_units(series: Series, scales: list[Scale]) -> Series:
    """Undo the standardization of a series."""
    inputs = [in_own_units(column, scale) for column, scale in zip(series.x.T, scales[:-1], strict=True)]
    return series._replace(x=np.column_stack(inputs), y=in_own_units(series.y, scales[-1]))


HEADER = ["column", "mean", "deviation"]


def write_scales(path: Path, columns: tuple[str, ...], scales: list[Scale]) -> None:
    """Write the scale of each column, the target last; 17 significant digits carry a float64 exactly."""
    with writing(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADER)
        for name, scale in zip(columns, scales, strict=True):
            table.writerow([name, *(f"{number:.17g}" for number in scale)])


def read_scales(path: Path) -> list[Scale]:
    """Read what write_scales wrote.

    Raises:
        UserError: where the file is not that.
        OSError: where it is missing.
    """
    try:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        if header != HEADER or len(rows) < 2:
            raise ValueError
        return [Scale(float(mean), float(deviation)) for _, mean, deviation in rows]
    except ValueError:
        raise UserError(f"{path}: not the scales of the columns; make it anew") from None
