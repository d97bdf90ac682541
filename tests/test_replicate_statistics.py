"""The statistics of the replicates, against cases that can be worked out otherwise."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from helpers.replicates import replicates
from scipy.stats import binom

from carryover.comparison.statistics import holm, statistics
from carryover.training.behaviours import TRAININGS

A, B, C, D = "contiguous_never", "contiguous_every_epoch", "interleaved_never", "interleaved_every_batch"


def of_losses(**losses: Any) -> dict[str, Any]:
    """The statistics of replicates of which only the losses of the last epoch are known."""
    return statistics(replicates({name: {"loss": [[loss] for loss in finals]} for name, finals in losses.items()}))


def compared(numbers: dict[str, Any], a: str, b: str, what: str = "final_losses") -> dict[str, Any]:
    return next(one for one in numbers[what] if (one["a"], one["b"]) == (a, b))


def test_medians_quartiles_and_the_lowest_loss() -> None:
    losses = [[0.5, 0.1, 0.3], [0.4, 0.2, 0.5], [0.6, 0.3, 0.7], [0.7, 0.9, 0.4], [0.8, 0.8, 0.9]]
    numbers = statistics(replicates({A: {"loss": losses}}))
    assert numbers["count"] == 5
    assert numbers["trainings"][A] == {
        "final_loss": {"median": 0.5, "lower_quartile": 0.4, "upper_quartile": 0.7},
        "best_loss": {"median": 0.3, "lower_quartile": 0.2, "upper_quartile": 0.4},
        "best_at_the_end": 1,
    }
    assert numbers["final_losses"] == []
    assert not {"baselines", "errors", "needed"} & set(numbers), "nothing is held out"


def test_each_pair_of_replicates_has_the_same_seed() -> None:
    numbers = of_losses(**{A: [1.0, 2.0, 3.0, 4.0, 5.0], B: [2.0, 3.0, 4.0, 5.0, 1.0]})
    pair = compared(numbers, A, B)
    assert (pair["a_lower"], pair["b_lower"]) == (4, 1)
    assert pair["median_difference"] == -1.0


def test_losses_are_compared_where_one_thing_differs_and_errors_in_every_pair() -> None:
    """So that neither the states nor the batch order is credited with what both have done."""
    of_one_sequence = [name for name, training in TRAININGS.items() if training.behaviour != "every_sequence"]
    of_each = {name: {"loss": [[1.0], [2.0]], "carried": [1.0, 2.0], "reset": [3.0, 4.0]} for name in of_one_sequence}
    numbers = statistics(replicates(of_each))
    pairs = [(TRAININGS[one["a"]], TRAININGS[one["b"]]) for one in numbers["final_losses"]]
    assert len(pairs) == 9
    assert all((a.behaviour == b.behaviour) != (a.batches == b.batches) for a, b in pairs)
    # Of six trainings, of two ways to have no memory, and of the best baseline.
    assert len(numbers["errors"]) == 8 * 7 / 2 + 8


def test_ties_count_for_neither() -> None:
    pair = compared(of_losses(**{A: [1.0, 2.0, 3.0], B: [1.0, 3.0, 2.0]}), A, B)
    assert (pair["a_lower"], pair["b_lower"]) == (1, 1)
    same = compared(of_losses(**{A: [1.0, 2.0], B: [1.0, 2.0]}), A, B)
    assert (same["a_lower"], same["b_lower"], same["median_difference"], same["p_value"]) == (0, 0, 0.0, 1.0)
    assert (same["confidence_low"], same["confidence_high"], same["lower"]) == (0.0, 0.0, None)


def test_the_paired_test_counts_the_seeds() -> None:
    """Of the 2^6 equally likely signs of six differences, two are as extreme as all alike, and 14 as five of six."""
    finals = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert compared(of_losses(**{A: finals, B: 2 * finals}), A, B)["p_value"] == pytest.approx(2 / 2**6)
    one_other_way = compared(of_losses(**{A: finals, B: [*2 * finals[:5], 0]}), A, B)
    assert one_other_way["p_value"] == pytest.approx(14 / 2**6)


def test_interval_and_test_are_about_the_same_and_no_few_large_differences_decide() -> None:
    """80 of 128 seeds are lower by 0.01, and 48 higher by 1."""
    differences = np.array([-0.01] * 80 + [1.0] * 48)
    pair = compared(of_losses(**{A: 10 + differences, B: [10.0] * 128}), A, B)
    assert pair["median_difference"] == pytest.approx(-0.01)
    assert pair["p_value"] == pytest.approx(2 * binom.cdf(48, 128, 0.5))


def test_the_confidence_interval_is_that_of_the_median() -> None:
    """Against the interval between order statistics, whose confidence the binomial distribution gives exactly."""
    differences = np.random.default_rng(5).normal(0.3, 1, 201)
    pair = compared(of_losses(**{A: 10 + differences, B: [10.0] * 201}), A, B)
    ordered = np.sort(differences)
    rank = int(binom.ppf(0.025, 201, 0.5))
    assert ordered[rank - 3] <= pair["confidence_low"] <= ordered[rank + 3]
    assert ordered[200 - rank - 3] <= pair["confidence_high"] <= ordered[200 - rank + 3]


def test_p_values_are_corrected_for_their_number() -> None:
    # Worked out by hand: 4 x 0.005; 3 x 0.01; 2 x 0.03, and at least that for the last.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    finals = np.arange(1.0, 7.0)
    numbers = of_losses(**{A: finals, B: 2 * finals, C: 3 * finals})
    assert [one["corrected"] for one in numbers["final_losses"]] == pytest.approx([2 * 2 / 2**6] * 2)


def test_neither_is_called_lower_unless_interval_and_test_both_say_so() -> None:
    def lower(differences: Any) -> str | None:
        found: str | None = compared(
            of_losses(**{A: 10 + np.asarray(differences), B: [10.0] * len(differences)}), A, B
        )["lower"]
        return found

    ramp = np.linspace(0.1, 1, 20)
    assert (lower(-ramp), lower(ramp)) == (A, B)
    assert lower([*-ramp[:11], *ramp[:9]]) is None, "the interval spans zero"
    assert lower([-0.1, -0.2, -0.3]) is None, "p is 0.25, whatever the interval"
    assert lower([-0.1]) is None, "one seed"


def test_a_single_replicate_has_no_interval() -> None:
    pair = compared(of_losses(**{A: [1.0], B: [2.0]}), A, B)
    assert (pair["confidence_low"], pair["confidence_high"], pair["a_lower"]) == (None, None, 1)


def test_a_training_is_compared_as_its_states_are_best_used_and_no_memory_in_any_case() -> None:
    numbers = statistics(
        replicates(
            {
                A: {"carried": [3.0, 5.0, 4.0], "reset": [1.0, 9.0, 3.5]},
                C: {"carried": [1.0, 1.5, 2.0], "reset": [9.0, 9.0, 9.0]},
                D: {"carried": [0.5, 0.5, 0.5], "reset": [2.0, 2.0, 3.0]},
            },
            {"input": [2.5, 2.5, 2.5], "mean": [7.0, 8.0, 9.0]},
        )
    )
    assert {name: training["states"] for name, training in numbers["trainings"].items()} == {
        A: "reset", C: "carried", D: "carried",
    }  # fmt: skip
    assert numbers["trainings"][A]["carried"]["median"] == 4.0
    assert numbers["baselines"]["mean"] == {"median": 8.0, "lower_quartile": 7.5, "upper_quartile": 8.5}
    assert numbers["best_baseline"] == "input"
    networks = [f"{A}/reset", f"{C}/carried", f"{D}/carried", f"{D}/reset"]
    pairs = [(one["a"], one["b"]) for one in numbers["errors"]]
    assert pairs == [*combinations(networks, 2), *((name, "input") for name in networks)]
    for a, b, difference in (
        (networks[0], networks[1], 1.5), (networks[1], networks[3], -1.0), (networks[1], "input", -1.0),
    ):  # fmt: skip
        assert compared(numbers, a, b, "errors")["median_difference"] == pytest.approx(difference)


def test_no_memory_is_compared_once_if_that_is_how_it_is_used_best() -> None:
    of_each = {C: {"carried": [1.0, 2.0], "reset": [3.0, 3.0]}, D: {"carried": [9.0, 9.0], "reset": [2.0, 2.0]}}
    numbers = statistics(replicates(of_each))
    pairs = [(one["a"], one["b"]) for one in numbers["errors"]]
    assert pairs == [(f"{C}/carried", f"{D}/reset"), (f"{C}/carried", "mean"), (f"{D}/reset", "mean")]


@pytest.mark.parametrize("trainings", [1, 2, 3, 6])
def test_it_says_how_many_seeds_are_needed_to_tell_anything(trainings: int) -> None:
    def decided(seeds: int) -> tuple[bool, int]:
        ramp = np.linspace(0, 1, seeds)
        of_each = {
            name: {"carried": 9 + ramp, "reset": place + ramp / 9}
            for place, name in enumerate(list(TRAININGS)[:trainings])
        }
        numbers = statistics(replicates(of_each, {"mean": 99 + ramp}))
        return any(one["lower"] for one in numbers["errors"]), numbers["needed"]

    needed = decided(2)[1]
    assert [decided(seeds)[0] for seeds in (needed - 1, needed)] == [False, True]


def test_the_numbers_are_the_same_every_time() -> None:
    values = {name: np.random.default_rng(seed).random(50) for seed, name in enumerate([A, B, C])}
    assert of_losses(**values) == of_losses(**values)
