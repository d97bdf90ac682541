"""The series of 2017: a sine with noise on it."""

import numpy as np

from carryover.series.dataset import Series


def noisy_sine(samples: int, step: float, noise: float, seed: int) -> Series:
    """The noisy sine of 2017: x = sin(t) + noise, y = sin(t), t = 0, step, 2 step, ...

    Args:
        samples: how many; more of them begin with the same ones.
        step: between two samples, in radians.
        noise: standard deviation of the normal noise.
        seed: of numpy.random.RandomState, the generator of 2017 (its stream is frozen by NumPy).
    """
    # np.sin may differ in its last bit between C libraries; the rounding to float32 removes that.
    sine = np.sin(np.arange(samples) * step)
    x = sine + np.random.RandomState(seed).normal(0, noise, samples)
    return Series(x.astype(np.float32)[:, None], sine.astype(np.float32))
