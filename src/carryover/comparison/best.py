"""What is best by the median of its errors; without SciPy, which takes longer to load than the figures to choose."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from carryover.forecasts.ways import STATES

Array = NDArray[np.float64]


def better_states(by_states: Mapping[str, Array]) -> str:
    """Return with which states the errors of a training have the lower median, a key of ways.STATES."""
    return min(STATES, key=lambda states: float(np.median(by_states[states])))


def best_baseline(baselines: Mapping[str, Array]) -> str:
    """Return which baseline has the lowest median error."""
    return min(baselines, key=lambda name: float(np.median(baselines[name])))
