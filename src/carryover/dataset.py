"""The series that is learnt, and the windows into which it is cut."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.errors import UserError
from carryover.files import writing
from carryover.windows import count_windows

Floats = NDArray[np.float32]

COLUMNS = "x,y"


class Series(NamedTuple):
    """A series in time.

    Attributes:
        x: the input at each sample, float32 of shape (samples,).
        y: the target at each sample, float32 of shape (samples,).
    """

    x: Floats
    y: Floats


def noisy_sine(samples: int, step: float, noise: float, seed: int) -> Series:
    """The noisy sine of 2017: x = sin(t) + noise, y = sin(t), t = 0, step, 2 step, ...

    Args:
        samples: how many.
        step: between two samples, in radians.
        noise: standard deviation of the normal noise.
        seed: of numpy.random.RandomState, the generator of 2017 (its stream is frozen by NumPy).
    """
    # np.sin may differ in its last bit between C libraries; the rounding to float32 removes that.
    sine = np.sin(np.arange(samples) * step)
    x = sine + np.random.RandomState(seed).normal(0, noise, samples)
    return Series(x.astype(np.float32), sine.astype(np.float32))


def write_series(path: Path, series: Series) -> None:
    """Write a series as CSV; 9 significant digits carry a float32 exactly."""
    with writing(path) as file:
        np.savetxt(file, np.column_stack(series), fmt="%.9g", delimiter=",", header=COLUMNS, comments="")


def read_series(path: Path) -> Series:
    """Read what write_series wrote.

    Raises:
        UserError: naming the line, where the file is not that, or holds a value that is not finite.
    """
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text; make it anew") from None
    if header != COLUMNS:
        raise UserError(f"{path}: line 1: the header is {header!r}, expected {COLUMNS!r}; make it anew")
    if not lines:
        raise UserError(f"{path}: there are no rows below the header; make it anew")
    try:
        x, y = np.loadtxt(lines, dtype=np.float32, delimiter=",", ndmin=2, unpack=True)
    except ValueError:
        raise UserError(f"{path}: {_first_broken_line(lines)}; make it anew") from None
    for name, values in (("x", x), ("y", y)):
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise UserError(
                f"{path}: line {row + 2}, column {name}: {values[row]} is not a finite number; make the file anew"
            )
    return Series(x, y)


def _first_broken_line(lines: list[str]) -> str:
    for number, line in enumerate(lines, start=2):
        cells = line.split(",")
        if len(cells) != 2:
            return f"line {number}: {len(cells)} columns, expected 2"
        for name, cell in zip(COLUMNS.split(","), cells, strict=True):
            try:
                float(cell)
            except ValueError:
                return f"line {number}, column {name}: {cell!r} is not a number"
    return "not a table of numbers"


def cut_windows(series: Series, time_steps: int, batch_size: int) -> tuple[Floats, Floats]:
    """Cut a series into windows that do not overlap; the target is y at the window's last step.

    Returns:
        inputs of shape (windows, time_steps, 1) and targets of shape (windows, 1).

    Raises:
        UserError: as count_windows.
    """
    windows = count_windows(len(series.x), time_steps, batch_size)
    return (
        series.x.reshape(windows, time_steps, 1),
        series.y.reshape(windows, time_steps)[:, -1:].copy(),
    )
