"""The series of 2017: a sine with noise."""

import numpy as np

from carryover.series.dataset import Series


def noisy_sine(samples: int, step: float, noise: float, seed: int) -> Series:
    """Return the noisy sine of 2017: x = sin(t) + noise, y = sin(t), t = 0, step, 2 step, ...

    Args:
        samples: how many samples; a longer series begins with the samples of a shorter one.
        step: the distance between two samples, in radians.
        noise: the standard deviation of the normal noise.
        seed: the seed of numpy.random.RandomState, the generator of 2017, whose stream NumPy has frozen.
    """
    # np.sin may differ in its last bit between C libraries; rounding to float32 removes the difference.
    sine = np.sin(np.arange(samples) * step)
    x = sine + np.random.RandomState(seed).normal(0, noise, samples)
    return Series(x.astype(np.float32)[:, None], sine.astype(np.float32))
