"""Cutting a series into windows, and the order in which the batches take them."""

import numpy as np
from numpy.typing import NDArray

from carryover.series.dataset import Floats, Series
from carryover.series.windows import count_windows, target_shape


def cut_windows(series: Series, time_steps: int, batch_size: int, targets: str) -> tuple[Floats, Floats]:
    """Cut a series into windows that do not overlap.

    Args:
        series: the series.
        time_steps: samples per window.
        batch_size: windows per batch.
        targets: at which samples of a window y is a target, one of windows.TARGETS.

    Returns:
        The inputs, of shape (windows, time_steps, inputs), and the targets, of shape (windows, *target_shape).

    Raises:
        UserError: as count_windows.
    """
    windows = count_windows(len(series.y), time_steps, batch_size)
    return (
        series.x.reshape(windows, time_steps, -1),
        series.y[target_samples(windows, time_steps, targets)].reshape(windows, *target_shape(time_steps, targets)),
    )


def batch_order(windows: int, batch_size: int, batches: str) -> NDArray[np.intp]:
    """Return the numbers of the windows in the order in which the batches take them, of shape (windows,).

    A stateful network carries the state of a batch's row to the same row of the next batch. With `contiguous` batches,
    as Keras makes them, that row is the window batch_size further on. With `interleaved` batches it is the next window,
    so the state that a window starts from is that of the sample just before it. If the series is a multiple of
    `batch_size` independent sequences of equal length, the borders between them come in the same batch for all rows.

    >>> batch_order(6, batch_size=2, batches="contiguous").reshape(3, 2).tolist()
    [[0, 1], [2, 3], [4, 5]]
    >>> batch_order(6, batch_size=2, batches="interleaved").reshape(3, 2).tolist()
    [[0, 3], [1, 4], [2, 5]]

    Args:
        windows: how many windows there are.
        batch_size: windows per batch; a divisor of `windows`.
        batches: "contiguous" or "interleaved".
    """
    order = np.arange(windows)
    return order if batches == "contiguous" else order.reshape(batch_size, -1).T.ravel()


def target_samples(windows: int, time_steps: int, targets: str) -> NDArray[np.intp]:
    """Return the numbers of the samples at which windows have a target, counted from 0, in the order of the series.

    >>> target_samples(3, time_steps=2, targets="window_end").tolist()
    [1, 3, 5]
    >>> target_samples(3, time_steps=2, targets="every_step").tolist()
    [0, 1, 2, 3, 4, 5]
    """
    samples = np.arange(windows * time_steps)
    return samples if targets == "every_step" else samples[time_steps - 1 :: time_steps]
