"""The statistics of the replicates, against what can be counted by hand."""

import numpy as np
import pytest
from scipy.stats import binom

from carryover.replicates.statistics import statistics


def losses(finals: list[float]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Replicates of two epochs that end with these losses, and were best before it, by half."""
    return np.column_stack([np.array(finals) / 2, finals])


def test_medians_quartiles_and_the_best_loss() -> None:
    spread = statistics({"never": losses([4.0, 1.0, 3.0, 2.0, 5.0])})["trainings"]["never"]
    assert spread["final_loss"] == {"median": 3.0, "lower_quartile": 2.0, "upper_quartile": 4.0}
    assert spread["best_loss"] == {"median": 1.5, "lower_quartile": 1.0, "upper_quartile": 2.0}


def test_the_pairs_are_compared_seed_by_seed() -> None:
    # Unpaired, the two would be the same five numbers.
    numbers = statistics({"never": losses([1.0, 2.0, 3.0, 4.0, 5.0]), "every_epoch": losses([2.0, 3.0, 4.0, 5.0, 1.0])})
    assert numbers["count"] == 5
    assert list(numbers["pairs"]) == ["never - every_epoch"]
    pair = numbers["pairs"]["never - every_epoch"]
    assert (pair["a_lower"], pair["b_lower"]) == (4, 1)
    assert pair["median_difference"] == -1.0


def test_ties_count_for_neither() -> None:
    pair = statistics({"a": losses([1.0, 2.0, 3.0]), "b": losses([1.0, 3.0, 2.0])})["pairs"]["a - b"]
    assert (pair["a_lower"], pair["b_lower"]) == (1, 1)
    same = statistics({"a": losses([1.0, 2.0]), "b": losses([1.0, 2.0])})["pairs"]["a - b"]
    assert (same["a_lower"], same["b_lower"], same["median_difference"], same["p_value"]) == (0, 0, 0.0, 1.0)
    assert (same["confidence_low"], same["confidence_high"]) == (0.0, 0.0)


def test_the_paired_test_is_exact_for_few_seeds() -> None:
    """Of the 2^6 equally likely signs of six ranks, two are as extreme as all alike."""
    finals = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    pair = statistics({"a": losses(list(finals)), "b": losses(list(2 * finals))})["pairs"]["a - b"]
    assert pair["p_value"] == pytest.approx(2 / 2**6)


def test_the_confidence_interval_is_that_of_the_median() -> None:
    """Against the interval between order statistics, whose confidence the binomial distribution gives exactly."""
    differences = np.random.default_rng(5).normal(0.3, 1, 201)
    pair = statistics({"a": losses(list(10 + differences)), "b": losses([10.0] * 201)})["pairs"]["a - b"]
    ordered = np.sort(differences)
    rank = int(binom.ppf(0.025, 201, 0.5))
    assert ordered[rank - 3] <= pair["confidence_low"] <= ordered[rank + 3]
    assert ordered[200 - rank - 3] <= pair["confidence_high"] <= ordered[200 - rank + 3]


def test_the_numbers_are_the_same_every_time() -> None:
    values = {name: np.random.default_rng(seed).random((50, 3)) for seed, name in enumerate(["a", "b", "c"])}
    assert statistics(values) == statistics(values)
    assert list(statistics(values)["pairs"]) == ["a - b", "a - c", "b - c"]


def test_a_single_replicate_has_no_interval() -> None:
    pair = statistics({"a": losses([1.0]), "b": losses([2.0])})["pairs"]["a - b"]
    assert (pair["confidence_low"], pair["confidence_high"], pair["a_lower"]) == (None, None, 1)
