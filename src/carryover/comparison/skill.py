"""Whether a network has learnt anything: its error after training, beside that of a constant."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def skill(predictions: pd.DataFrame, y: NDArray[np.float32]) -> float | None:
    """Return the skill score of a network's predictions of the samples that it was trained on.

    The score is 1 - error / error of the best constant: 1 for perfect predictions, at most 0 for a constant. It is the
    larger of two, for the mean squared error, whose best constant is the mean, and for the mean absolute error, whose
    best constant is the median; so it is fair to a network whatever loss it was trained with.

    >>> y = np.array([1, 2, 6], np.float32)
    >>> [skill(pd.DataFrame({"sample": [0, 1, 2], "prediction": values}), y) for values in ([1, 2, 6], [2, 2, 2])]
    [1.0, 0.0]

    Args:
        predictions: columns `sample` and `prediction`.
        y: the target at each sample, in the same units.

    Returns:
        The score; None if the targets are all the same, so that there is nothing to learn.
    """
    target = y[predictions["sample"]].astype(float)
    error = predictions["prediction"].to_numpy(float) - target
    if target.min() == target.max():
        return None
    squared = np.mean(error**2) / np.var(target)
    absolute = np.mean(np.abs(error)) / np.mean(np.abs(target - np.median(target)))
    return float(1 - min(squared, absolute))
