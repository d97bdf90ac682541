"""Statistics of the replicates: of each training, and of the differences between them, seed by seed."""

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carryover.comparison.best import best_baseline, better_states
from carryover.comparison.numbers import MEMORYLESS
from carryover.forecasts.ways import STATES, column
from carryover.replicates.results import Replicates
from carryover.training.behaviours import Training, differences
from carryover.training.variants import ONLY

Array = NDArray[np.float64]

RESAMPLES = 1999
CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


def statistics(replicates: Replicates) -> dict[str, Any]:
    """Compute the statistics of the replicates.

    A comparison of a and b is of their differences a - b, replicate by replicate: the names `a` and `b`; the
    `median_difference` with `confidence_low` and `confidence_high` (95 %, percentile bootstrap of the median; None for
    a single replicate); the number of replicates in which a or b is lower (`a_lower`, `b_lower`); the `p_value` of the
    sign test, and the same `corrected` by Holm's method for all comparisons of the same list; and which of the two is
    `lower`: None unless the interval is on one side of zero and the corrected p-value below 0.05.

    Returns:
        `count`: how many replicates each training has;
        `trainings`: for each training its Training.definition, if it has a variant; the spread (`median`,
        `lower_quartile`, `upper_quartile`) of its `final_loss` and of its `best_loss` (the lowest over the epochs), and
        `best_at_the_end`: in how many replicates the lowest loss is that of the last epoch;
        `final_losses`: the comparisons of the final losses of all trainings that differ in one thing only
        (behaviours.differences).
        If samples are held out, each training also has the spreads of its errors with the states `carried` and `reset`,
        and the `states` with the lower median; and there are
        `baselines`: the spread of the error of each forecast without a network;
        `best_baseline`: the one with the lowest median;
        `errors`: the comparisons of the errors of networks, by the names of ways.column, and of the best baseline.
        Each training is there with its better states, and training without memory with the states reset in any case;
        each is compared with each other and with the baseline;
        `needed`: how many replicates there must be for any of these comparisons to have a `lower`.
    """
    losses, errors = replicates.losses, replicates.errors
    finals = {training.name: loss[:, -1] for training, loss in losses.items()}
    result: dict[str, Any] = {
        "count": len(next(iter(finals.values()))),
        "trainings": {
            training.name: ({} if training.variant == ONLY else {"definition": training.definition})
            | {
                "final_loss": spread(finals[training.name]),
                "best_loss": spread(loss.min(axis=1)),
                "best_at_the_end": int((loss.argmin(axis=1) == loss.shape[1] - 1).sum()),
            }
            for training, loss in losses.items()
        },
        "final_losses": _compare(finals, _differing_in_one(losses)),
    }
    if errors:
        for training, by_states in errors.items():
            spreads = {states: spread(by_states[states]) for states in STATES}
            result["trainings"][training.name] |= spreads | {"states": better_states(by_states)}
        result["baselines"] = {name: spread(error) for name, error in replicates.baselines.items()}
        result["best_baseline"] = baseline = best_baseline(replicates.baselines)
        networks = _networks(errors)
        pairs = [*combinations(networks, 2), *((name, baseline) for name in networks)]
        result["errors"] = _compare(networks | {baseline: replicates.baselines[baseline]}, pairs)
        # With n replicates, the sign test cannot give less than 2 / 2^n.
        result["needed"] = 2 + math.floor(math.log2(len(pairs) / SIGNIFICANCE))
    return result


def spread(values: Array) -> dict[str, float]:
    """Return the median and the quartiles."""
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(median), "lower_quartile": float(lower), "upper_quartile": float(upper)}


def _networks(errors: Mapping[Training, Mapping[str, Array]]) -> dict[str, Array]:
    """Return the errors to compare: of each training with its better states, and of those without any memory."""
    better = {training: better_states(by_states) for training, by_states in errors.items()}
    without = {training: "reset" for training in errors if training.behaviour == MEMORYLESS}
    ways = [*better.items(), *without.items()]
    return {column(training.name, states): errors[training][states] for training, states in ways}


def _differing_in_one(trainings: Iterable[Training]) -> list[tuple[str, str]]:
    return [(a.name, b.name) for a, b in combinations(trainings, 2) if len(differences(a, b)) == 1]


def _compare(values: Mapping[str, Array], pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Compare pairs of values of shape (replicates,)."""
    compared = [{"a": a, "b": b} | _difference(values[a] - values[b]) for a, b in pairs]
    for one, corrected in zip(compared, holm([one["p_value"] for one in compared]), strict=True):
        one["corrected"] = corrected
        one["lower"] = _lower(one)
    return compared


def _difference(differences: Array) -> dict[str, Any]:
    a_lower, b_lower = int((differences < 0).sum()), int((differences > 0).sum())
    low, high, p_value = _inference(differences, a_lower, b_lower)
    return {
        "median_difference": float(np.median(differences)),
        "confidence_low": low,
        "confidence_high": high,
        "a_lower": a_lower,
        "b_lower": b_lower,
        "p_value": p_value,
    }


def _inference(differences: Array, a_lower: int, b_lower: int) -> tuple[float | None, float | None, float]:
    """Return the confidence interval of the median, and the p-value of the sign test."""
    if len(differences) < 2:
        return None, None, 1.0
    from scipy import stats  # it takes a second to load

    interval = stats.bootstrap(
        (differences,),
        np.median,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(differences)),  # about 16 MB at a time
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    # Like the median, the sign test looks at no size; there is nothing to test if all values are equal.
    p_value = stats.binomtest(a_lower, a_lower + b_lower).pvalue if a_lower + b_lower else 1.0
    return float(interval.low), float(interval.high), float(p_value)


def _lower(comparison: dict[str, Any]) -> str | None:
    low, high = comparison["confidence_low"], comparison["confidence_high"]
    if low is None or low <= 0 <= high or comparison["corrected"] >= SIGNIFICANCE:
        return None
    lower: str = comparison["a" if high < 0 else "b"]
    return lower


def holm(p_values: list[float]) -> list[float]:
    """Correct p-values for their number: by chance alone, any of them is below 0.05 in at most 5 % of runs.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6, 65-70.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = min(1.0, max(largest, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected
