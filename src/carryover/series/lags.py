"""The naive forecasts that repeat an earlier value of the target: how many samples earlier it is."""

import math

from carryover.job.errors import UserError
from carryover.series.notes import Notes


def naive_lags(horizon: int, season: int) -> dict[str, int]:
    """Return how many samples back from the target each naive forecast looks, by its name in forecasts.ways.BASELINES.

    The latest value that is known when a forecast is due is `horizon` samples before it. The value of a season before
    is known if the season is at least as long; if not, it is that of as many seasons before as it takes.

    >>> naive_lags(horizon=1, season=24), naive_lags(horizon=36, season=24)
    ({'last_known': 1, 'season': 24}, {'last_known': 36, 'season': 48})
    >>> naive_lags(horizon=24, season=24), naive_lags(horizon=0, season=0)
    ({'last_known': 24}, {})

    Args:
        horizon, season: the keys of `dataset`. Without a horizon, nothing says when the target is known.
    """
    lags = {"last_known": horizon} if horizon else {}
    if season:
        lag = season * max(1, math.ceil(horizon / season))
        if lag != horizon:
            lags["season"] = lag
    return lags


def longest_lag(horizon: int, season: int) -> int:
    """Return how many samples back the naive forecasts look at most, 0 if there are none; the arguments as above."""
    return max(naive_lags(horizon, season).values(), default=0)


def check_lags(notes: Notes, time_steps: int, horizon: int, season: int) -> None:
    """Check that what comes before a held-out sample reaches back far enough for the naive forecasts of it.

    Args:
        notes: how many samples are where.
        time_steps: samples per window.
        horizon, season: the keys of `dataset`.

    Raises:
        UserError: if it does not.
    """
    samples, before = notes.trained_on, "the training part has"
    if notes.sequences:
        samples, before = notes.sequences.samples - time_steps, "each sequence has, before its last window,"
    for name, lag in naive_lags(horizon, season).items():
        if notes.held_out and lag > samples:
            key = "horizon" if name == "last_known" else "season"
            rows = "1 row" if lag == 1 else f"{lag} rows"
            raise UserError(
                f"dataset.{key}: a forecast would repeat the value {rows} before, but {before} only {samples} samples; "
                f"lower dataset.{key}, or add rows"
            )
