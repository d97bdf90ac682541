"""Statistics of the replicates: for each training, and for each pair of trainings."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

RESAMPLES = 9999
CONFIDENCE = 0.95


def statistics(losses: Mapping[str, Array]) -> dict[str, Any]:
    """Compute the statistics of the replicates.

    Args:
        losses: the losses of each training, of shape (replicates, epochs), paired by row.

    Returns:
        `count`: how many replicates each training has;
        `trainings`: for each training the `median`, `lower_quartile` and `upper_quartile` of its `final_loss` and of
        its `best_loss` (the lowest over the epochs);
        `pairs`: for each pair "a - b" the differences between their final losses, replicate by replicate: their
        `median_difference` with `confidence_low` and `confidence_high` (95 %, percentile bootstrap of the median; None
        for a single replicate), the number of replicates in which a or b has the lower loss (`a_lower`, `b_lower`),
        and the `p_value` of Wilcoxon's signed-rank test.
    """
    return {
        "count": len(next(iter(losses.values()))),
        "trainings": {
            training: {"final_loss": _spread(loss[:, -1]), "best_loss": _spread(loss.min(axis=1))}
            for training, loss in losses.items()
        },
        "pairs": {
            f"{a} - {b}": {"a": a, "b": b} | _compare(losses[a][:, -1] - losses[b][:, -1])
            for a, b in combinations(losses, 2)
        },
    }


def _spread(values: Array) -> dict[str, float]:
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(median), "lower_quartile": float(lower), "upper_quartile": float(upper)}


def _compare(differences: Array) -> dict[str, Any]:
    low, high = _confidence_interval(differences)
    return {
        "median_difference": float(np.median(differences)),
        "confidence_low": low,
        "confidence_high": high,
        "a_lower": int((differences < 0).sum()),
        "b_lower": int((differences > 0).sum()),
        # The test has nothing to rank if all losses are equal.
        "p_value": float(stats.wilcoxon(differences).pvalue) if differences.any() else 1.0,
    }


def _confidence_interval(differences: Array) -> tuple[float | None, float | None]:
    if len(differences) < 2:
        return None, None
    interval = stats.bootstrap(
        (differences,),
        np.median,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(differences)),  # about 16 MB at a time
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)
