"""The verdict, its answer and the numbers that it is made of, on cases made by hand."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.cases import EPOCHS, STATELESS, case

from carryover.comparison.answer import answer
from carryover.comparison.details import details
from carryover.comparison.metrics import metrics
from carryover.comparison.verdict import verdict
from carryover.series.notes import Notes
from carryover.training.behaviours import Training

NEVER = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
LOOP = NEVER | {"calls": "loop"}
RESET = NEVER | {"reset": "every_epoch"}
NO_FORECASTS = pd.DataFrame()
NOTES = Notes(1234, 1000, 200, left_over=34, not_forecast=0, warnings=[])
PARAMS: dict[str, Any] = {
    "dataset": {"source": "noisy_sine"},
    "model": {"initial_weights": "random", "batch_size": 2},
    "training": {"epochs": EPOCHS},
    "cases": {"a": NEVER, "b": LOOP, "c": RESET},
    "claims": {"identical": [["a", "b"], ["a", "c"]], "different": [["b", "c"]]},
    "reference": "data/reference/of_old",
}
NO_CLAIMS = PARAMS | {"claims": {"identical": [], "different": []}}
EQUAL = {"a": case(), "b": case(), "c": case()}
RESET_DIFFERS = {"a": case(), "b": case(), "c": case(states={1: "x"}, loss={2: 0.1, 3: 0.31}, weights={2: "x"})}
REPLICATES = {
    Training("never", "contiguous"): np.column_stack([[0.5, 0.6, 0.7, 0.2]]),
    Training("every_epoch", "contiguous"): np.column_stack([[0.4, 0.4, 0.4, 0.4]]),
}


def found(cases: dict[str, Any] = EQUAL, params: dict[str, Any] = PARAMS, **others: Any) -> dict[str, Any]:
    """The details of a run, as another program reads them."""
    given = {"reference": {}, "replicates": {}, "forecasts": NO_FORECASTS, "notes": NOTES} | others
    return json.loads(json.dumps(details(cases, params, **given)))  # type: ignore[no-any-return]


def test_the_details_say_what_was_found_of_each_case_and_claim() -> None:
    numbers = found(RESET_DIFFERS)
    assert numbers["trainings"] == [["a", "b"], ["c"]]
    assert numbers["cases"]["b"] == {
        "training": "a", "first_loss": 0.5, "final_loss": 0.25,
        "best_loss": 0.2, "best_epoch": 4, "weights_sha256": "w4",
    }  # fmt: skip
    assert [claim["holds"] for claim in numbers["claims"].values()] == [True, False, True]
    claim = numbers["claims"]["a = c"]
    assert (claim["first_divergent_epoch"], claim["parts"]) == (1, ["states"])
    assert claim["first_divergent_loss_epoch"] == 2
    assert claim["max_abs_loss_difference"] == pytest.approx(0.3)
    assert numbers["claims"]["a = b"]["first_divergent_epoch"] == 0
    assert numbers["claims"]["a = b"]["compared"] == {
        "epochs": 5, "parts": ["states", "loss", "weights", "optimizer"], "predictions": 2, "tensors": 2, "elements": 5,
    }  # fmt: skip
    assert not {"replicates", "held_out", "reference"} & set(numbers)


def test_the_metrics_are_one_number_or_answer_for_each_thing_that_commits_are_compared_by() -> None:
    target = np.array([1.0, 2.0])
    table = {"sample": [5, 6], "target": target, "mean": target - 3, "previous_target": [1.1, 1.9]}
    errors = {f"{name}/{states}": target - 0.5 for name in "abc" for states in ("carried", "reset")}
    reference = {
        "a": {"max_relative_loss_difference": 1e-7, "max_absolute_prediction_difference": None},
        "b": {"max_relative_loss_difference": 3e-7, "max_absolute_prediction_difference": 2e-7},
    }
    forecasts = pd.DataFrame(table | errors)
    numbers = metrics(found(RESET_DIFFERS, reference=reference, replicates=REPLICATES, forecasts=forecasts))
    assert numbers == {
        "claims": {"a = b": True, "a = c": False, "b != c": True},
        "final_loss": dict.fromkeys("abc", 0.25),
        "held_out": {name: {"carried": 0.5, "reset": 0.5} for name in "abc"},
        "replicates": {"contiguous_never": {"final_loss": 0.55}, "contiguous_every_epoch": {"final_loss": 0.4}},
        "reference": {"max_relative_loss_difference": 3e-7, "max_absolute_prediction_difference": 2e-7},
    }
    reference.pop("b")
    assert metrics(found(reference=reference))["reference"] == {"max_relative_loss_difference": 1e-7}
    assert set(metrics(found())) == {"claims", "final_loss"}


def test_the_answer_is_that_a_loop_is_the_single_call_and_what_a_reset_changes_over_all_seeds() -> None:
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=REPLICATES), NO_CLAIMS)
    sentences, to_do = text.split("\n\n")
    assert sentences == (
        "**A loop of `fit(epochs=1)` is the same training as one `fit(epochs=n)`, to the last bit.** Resetting the "
        "states after every epoch makes it a different training: with contiguous batches it ended with the lower "
        "training loss in 3 of 4 seeds."
    )
    assert to_do.startswith("**What to do.** Call `fit` once.")
    assert "The training loss does not tell you whether to reset" in to_do


def test_the_answer_counts_the_seeds_whichever_behaviour_comes_first() -> None:
    replicates = dict(reversed(REPLICATES.items()))
    assert "in 3 of 4 seeds" in answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates), NO_CLAIMS)


def test_the_answer_says_when_the_loop_is_another_training() -> None:
    cases = RESET_DIFFERS | {"b": case(weights={2: "y"})}
    text = answer(found(cases, NO_CLAIMS), NO_CLAIMS)
    assert "is not always the same training" in text
    assert "These cases should be identical and are not: `a`, `b`." in text
    assert "the same training as one `fit(epochs=n)`, to the last bit" not in text


def test_the_answer_says_nothing_of_what_the_run_does_not_have() -> None:
    params = NO_CLAIMS | {"cases": {"a": NEVER}}
    text = answer(found({"a": case()}, params), params)
    assert text.startswith("**What to do.**")
    assert "seed" not in text
    assert "Resetting" not in text


def test_a_reset_that_changes_nothing_is_said_to() -> None:
    assert "resetting the states after every epoch changes nothing" in answer(found(EQUAL, NO_CLAIMS), NO_CLAIMS)


def test_no_advice_is_given_from_one_seed_or_from_training_loss() -> None:
    without = answer(found(RESET_DIFFERS, NO_CLAIMS), NO_CLAIMS)
    assert "hold samples out (`dataset.held_out`)" in without
    forecasts = pd.DataFrame(
        {"sample": [5], "target": [1.0], "mean": [0.0], "previous_target": [0.9]}
        | {f"{name}/{states}": [0.5] for name in "abc" for states in ("carried", "reset")}
    )
    held_out = answer(found(RESET_DIFFERS, NO_CLAIMS, forecasts=forecasts), NO_CLAIMS)
    assert "are those of one seed, so compare several seeds before you choose" in held_out


def test_failed_claims_come_first_and_the_verdict_says_where_they_part_and_by_how_much() -> None:
    cases = EQUAL | {"c": case(loss={3: 0.1}, weights={2: "x"}, final={0: 0.125})}
    text = verdict(found(cases), PARAMS)
    assert text.startswith("# Verdict\n\n**Not every claim holds; these fail, 1 of 3**: `a` = `c`.\n\n")
    assert "**2 of 3 claims hold.**" in text
    line = next(line for line in text.splitlines() if line.startswith("| `a` = `c`"))
    assert "**no**" in line
    assert "part at epoch 2 (weights)" in line
    assert "loss from epoch 3, by up to 0.2" in line
    assert "| `a` = `c` | 1 of 5 | `weights/dense/kernel` | 1 of 2 | 1,040,187,392 | 0.125 |" in text
    assert "| `b` ≠ `c` | yes |" in text
    assert "this run has other settings or initial weights than the reference" in text


def test_a_tensor_that_is_not_finite_does_not_stop_the_verdict() -> None:
    cases = EQUAL | {"c": case(weights={2: "x"}, final={0: np.nan})}
    assert "| not finite |" in verdict(found(cases), PARAMS)


def test_the_verdict_says_when_all_claims_hold() -> None:
    params = PARAMS | {"claims": {"identical": [["a", "b"]], "different": []}}
    text = verdict(found(params=params), params)
    assert "**All claims hold, 1 of 1.** 3 cases, 5 epochs each, make 1 different training: `a` = `b` = `c`." in text
    assert (
        "bit-identical: 5 epochs of states, loss, weights and optimizer; 2 predictions; 2 tensors of 5 elements"
    ) in text
    assert "Nothing is claimed" in verdict(found(params=NO_CLAIMS), NO_CLAIMS)


def test_the_verdict_has_its_sections_in_order_the_answer_first() -> None:
    forecasts = pd.DataFrame(
        {"sample": [5], "target": [1.0], "mean": [0.0], "previous_target": [0.9]}
        | {f"{name}/{states}": [0.5] for name in "abc" for states in ("carried", "reset")}
    )
    text = verdict(found(RESET_DIFFERS, replicates=REPLICATES, forecasts=forecasts), PARAMS)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Verdict",
        "## The claims",
        "## The series",
        "## What resetting does to the training loss",
        "## Error on unseen data",
        "## Where they part",
        "## Distance from the reference, `data/reference/of_old`",
    ]
    assert text.index("What to do.") < text.index("## The claims")


def test_the_verdict_compares_every_two_trainings_seed_by_seed_and_says_how_certain_it_is() -> None:
    text = verdict(found(params=NO_CLAIMS, replicates=REPLICATES), NO_CLAIMS)
    assert "Each of 4 seeds has its own noise and initial weights" in text
    row = "| never reset, contiguous batches | 0.550000 (0.425000 to 0.625000) | 0.550000 (0.425000 to 0.625000) |"
    assert row in text
    assert (
        "- Networks reset every epoch ended with a lower loss than networks never reset in 3 of 4 seeds. The median "
        "difference is -0.15 (95 % confidence interval: -0.3 to 0.2; Wilcoxon's signed-rank test: p = "
    ) in text
    assert "Each of 4 seeds" not in verdict(found(params=NO_CLAIMS), NO_CLAIMS)


def test_a_single_replicate_has_no_confidence_interval() -> None:
    one = {training: losses[:1] for training, losses in REPLICATES.items()}
    text = verdict(found(params=NO_CLAIMS, replicates=one), NO_CLAIMS)
    assert "in 1 of 1 seed. The median difference is -0.1.\n" in text


def test_the_verdict_compares_behaviours_within_a_batch_order_only() -> None:
    names = {
        (behaviour, batches): NEVER | {"reset": behaviour, "batches": batches}
        for behaviour in ("never", "every_epoch")
        for batches in ("contiguous", "interleaved")
    }
    params = NO_CLAIMS | {"cases": dict(zip("abcd", names.values(), strict=True))}
    losses = {"a": 0.1, "b": 0.04, "c": 0.2, "d": 0.03}
    cases = {name: case(loss={5: loss}) for name, loss in losses.items()}
    text = verdict(found(cases, params), params)
    assert "which of the two ends with the lower loss depends on the batch order:" in text
    assert (
        "(a row of a batch carries its state to the window 2 further on): 0.100000 if never reset, 0.200000 if reset "
        "every epoch."
    ) in text
    assert "to the next window): 0.030000 if reset every epoch, 0.040000 if never reset." in text
    cases["d"] = case(loss={5: 0.05})
    assert "which of the two ends with the lower loss does not depend on the batch order:" in verdict(
        found(cases, params), params
    )


def test_the_verdict_says_what_a_network_is_worth_on_unseen_data() -> None:
    params = NO_CLAIMS | {"cases": {"a": NEVER}}
    target = np.array([1.0, 2.0])
    table = {"sample": [5, 6], "target": target, "mean": target - 3, "previous_target": [1.1, 1.9]}
    forecasts = pd.DataFrame(table | {"a/carried": [1.3, 2.4], "a/reset": target - 0.5})
    numbers = found({"a": case()}, params, forecasts=forecasts)
    assert numbers["held_out"] == {
        "samples": 2,
        "baselines": {"mean": pytest.approx(3), "previous_target": pytest.approx(0.1)},
        "cases": {"a": {"carried": pytest.approx(np.sqrt(0.125)), "reset": pytest.approx(0.5)}},
    }
    text = verdict(numbers, params)
    assert "| `a` | 0.3536 | 0.5000 |" in text
    assert "The lowest error of a network is 0.3536 (`a`, states carried from the start of the series)." in text
    assert (
        "The best forecast without a network, the previous target, if it is known, has a lower error: 0.1000." in text
    )
    assert "unseen data" not in verdict(found({"a": case()}, params), params).split("## The claims")[1]


def test_the_verdict_says_where_the_samples_went_and_first_what_is_suspicious_in_them() -> None:
    line = "\n\n1,234 samples: 1,000 to train on, 200 held out, the oldest 34 left over.\n\n"
    text = verdict(found(), PARAMS)
    assert f"## The series{line}" in text
    assert "Check the series" not in text
    numbers = found(notes=NOTES._replace(warnings=["column 'a*b*c': -200 is in 3 of 9 rows", "column 'x': it is 3"]))
    assert numbers["series"]["warnings"][1] == "column 'x': it is 3"
    text = verdict(numbers, PARAMS)
    warnings = (
        "\n\n**Check the series first:**\n\n- column 'a\\*b\\*c': -200 is in 3 of 9 rows\n- column 'x': it is 3\n\n"
    )
    assert text.index("Not every claim holds") < text.index(warnings) < text.index("What to do.")


def test_cases_that_differ_in_their_states_alone_are_two_trainings() -> None:
    cases = {"a": case(), "b": case(states={1: "x"}), "c": STATELESS}
    assert found(cases, NO_CLAIMS)["trainings"] == [["a", "c"], ["b"]]
