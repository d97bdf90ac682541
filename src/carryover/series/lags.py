"""The naive forecasts that repeat an earlier value of the target: how many samples earlier it is."""

import math

from carryover.job.errors import UserError


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


def check_lags(samples: int, horizon: int, season: int, before: str = "the training part has") -> None:
    """Check that a part of the series reaches back far enough for the naive forecasts of a held-out sample.

    Args:
        samples: how many the part has before that sample.
        horizon, season: the keys of `dataset`.
        before: the beginning of a sentence about the part.

    Raises:
        UserError: if it does not.
    """
    for name, lag in naive_lags(horizon, season).items():
        if lag > samples:
            key = "horizon" if name == "last_known" else "season"
            rows = "1 row" if lag == 1 else f"{lag} rows"
            raise UserError(
                f"dataset.{key}: a forecast would repeat the value {rows} before, but {before} only {samples} samples; "
                f"lower dataset.{key}, or add rows"
            )
