"""Cutting a series into windows, and the order in which the batches take them."""

import numpy as np
from numpy.typing import NDArray

from carryover.series.dataset import Floats, Series
from carryover.series.windows import count_windows


def cut_windows(series: Series, time_steps: int, batch_size: int) -> tuple[Floats, Floats]:
    """Cut a series into windows that do not overlap; the target is y at the window's last step.

    Returns:
        The inputs, of shape (windows, time_steps, inputs), and the targets, of shape (windows, 1).

    Raises:
        UserError: as count_windows.
    """
    windows = count_windows(len(series.y), time_steps, batch_size)
    return (
        series.x.reshape(windows, time_steps, -1),
        series.y.reshape(windows, time_steps)[:, -1:].copy(),
    )


def batch_order(windows: int, batch_size: int, batches: str) -> NDArray[np.intp]:
    """Return the numbers of the windows in the order in which the batches take them, of shape (windows,).

    A stateful network carries the state of a batch's row to the same row of the next batch. With `contiguous` batches,
    as Keras makes them, that row is the window batch_size further on. With `interleaved` batches it is the next window,
    so the state that a window starts from is that of the sample just before it.

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


def predicted_samples(windows: int, time_steps: int) -> NDArray[np.intp]:
    """Return the number of the sample that each window predicts, its last one, counted from 0; of shape (windows,).

    >>> predicted_samples(3, time_steps=2).tolist()
    [1, 3, 5]
    """
    return np.arange(1, windows + 1) * time_steps - 1
