"""The verdict, its answer and the numbers that it is made of, on cases made by hand."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.cases import EPOCHS, case
from helpers.replicates import replicates

from carryover.comparison.answer import answer, claims_hold
from carryover.comparison.details import details
from carryover.comparison.metrics import metrics
from carryover.comparison.units import error_of, loss_of
from carryover.comparison.verdict import verdict
from carryover.forecasts.ways import STATES
from carryover.series.dataset import Series
from carryover.series.notes import Notes
from carryover.training.network import STACKED

NEVER = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
LOOP = NEVER | {"calls": "loop"}
RESET = NEVER | {"reset": "every_epoch"}
NO_FORECASTS = pd.DataFrame()
# The cases made by hand predict samples 1 and 3, and rightly.
SERIES = Series(np.zeros((4, 1), np.float32), np.array([0, 0.5, 0, -0.5], np.float32))
FORECASTS = pd.DataFrame(
    {"sample": [5], "target": [1.0], "mean": [0.0]}
    | {f"{name}/{states}": [0.5] for name in "abc" for states in ("carried", "reset")}
)
NOTES = Notes(1234, 1000, 200, 34, 0, 0, {}, None, [])
PARAMS: dict[str, Any] = {
    "dataset": {"source": "noisy_sine"},
    "model": {"build": STACKED, "initial_weights": "random", "time_steps": 2, "batch_size": 2},
    "training": {"epochs": EPOCHS, "loss": "mse"},
    "cases": {"a": NEVER, "b": LOOP, "c": RESET},
    "claims": {"identical": [["a", "b"], ["a", "c"]], "different": [["b", "c"]]},
    "reference": "data/reference/of_old",
}
NO_CLAIMS = PARAMS | {"claims": {"identical": [], "different": []}}
EQUAL = {"a": case(), "b": case(), "c": case()}
RESET_DIFFERS = {"a": case(), "b": case(), "c": case(states={1: "x"}, loss={2: 0.1, 3: 0.31}, weights={2: "x"})}
NEVER_RESET, RESET_EVERY_EPOCH, WITHOUT = (f"contiguous_{name}" for name in ("never", "every_epoch", "every_batch"))
OF_SEEDS = {NEVER_RESET: [0.5, 0.6, 0.7, 0.2], RESET_EVERY_EPOCH: [0.4, 0.4, 0.4, 0.4]}
LOSSES = {name: {"loss": [[loss] for loss in losses]} for name, losses in OF_SEEDS.items()}
REPLICATES = replicates(LOSSES)
SCORED = replicates(
    {name: numbers | {"carried": [0.1, 0.2, 0.3, 0.4], "reset": [1, 1, 1, 1]} for name, numbers in LOSSES.items()}
)


def found(cases: dict[str, Any] = EQUAL, params: dict[str, Any] = PARAMS, **others: Any) -> dict[str, Any]:
    """The details of a run, as another program reads them."""
    given = {
        "reference": {},
        "replicates": replicates({}),
        "forecasts": NO_FORECASTS,
        "notes": NOTES,
        "series": SERIES,
    } | others
    return json.loads(json.dumps(details(cases, params, **given)))  # type: ignore[no-any-return]


def test_the_details_say_what_was_found_of_each_case_and_claim() -> None:
    numbers = found(RESET_DIFFERS)
    assert numbers["trainings"] == [["a", "b"], ["c"]]
    assert numbers["cases"]["b"] == {
        "training": "a", "first_loss": 0.5, "final_loss": 0.25,
        "best_loss": 0.2, "best_epoch": 4, "skill": 1.0, "weights_sha256": "w4",
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


def test_there_are_as_many_windows_whether_they_have_one_target_or_a_target_at_every_step() -> None:
    of_each_sample = case()._replace(predictions=pd.DataFrame({"sample": range(4), "prediction": 0.5}))
    assert found()["windows"] == found(dict.fromkeys("abc", of_each_sample))["windows"] == 2


def test_the_metrics_are_one_number_or_answer_for_each_thing_that_commits_are_compared_by() -> None:
    target = np.array([1.0, 2.0])
    table = {"sample": [5, 6], "target": target, "mean": target - 3, "last_known": [1.1, 1.9]}
    errors = {f"{name}/{states}": target - 0.5 for name in "abc" for states in ("carried", "reset")}
    reference = {
        "a": {"max_relative_loss_difference": 1e-7, "max_absolute_prediction_difference": None},
        "b": {"max_relative_loss_difference": 3e-7, "max_absolute_prediction_difference": 2e-7},
    }
    forecasts = pd.DataFrame(table | errors)
    numbers = metrics(found(RESET_DIFFERS, reference=reference, replicates=SCORED, forecasts=forecasts))
    assert numbers == {
        "claims": {"a = b": True, "a = c": False, "b != c": True},
        "final_loss": dict.fromkeys("abc", 0.25),
        "held_out": {name: {"carried": 0.5, "reset": 0.5} for name in "abc"},
        "replicates": {
            "contiguous_never": {"final_loss": 0.55, "carried": 0.25, "reset": 1.0},
            "contiguous_every_epoch": {"final_loss": 0.4, "carried": 0.25, "reset": 1.0},
        },
        "reference": {
            "max_relative_loss_difference_millionths": pytest.approx(0.3),
            "max_absolute_prediction_difference_millionths": pytest.approx(0.2),
        },
    }
    reference.pop("b")
    assert metrics(found(reference=reference))["reference"] == {
        "max_relative_loss_difference_millionths": pytest.approx(0.1)
    }
    assert set(metrics(found())) == {"claims", "final_loss"}
    assert metrics(found(replicates=REPLICATES))["replicates"]["contiguous_never"] == {"final_loss": 0.55}


def test_the_answer_is_the_advice_then_whether_a_loop_is_the_single_call_and_what_a_reset_changes() -> None:
    ramp = np.linspace(0, 0.1, 16)
    of_seeds = {
        name: {"carried": 1 + ramp, "reset": error + ramp} for name, error in ((NEVER_RESET, 0.2), (WITHOUT, 0.1))
    }
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates(of_seeds)), NO_CLAIMS)
    advised, *_, sentences, to_do = text.split("\n\n")
    assert advised.startswith(
        "**On unseen data, networks trained in contiguous batches without memory between windows "
    )
    assert sentences == (
        "**A loop of `fit(epochs=1)` is the same training as one `fit(epochs=n)`, to the last bit.** Resetting the "
        "states after every epoch makes it a different training."
    )
    assert to_do.startswith("**What to do.** Call `fit` once, with `shuffle=False`, on a network that is not stateful.")
    assert "If you want a reset" not in to_do


def test_the_answer_counts_the_seeds_of_each_batch_order_whichever_behaviour_comes_first() -> None:
    reverse = {"interleaved_every_epoch": {"loss": [[0.4]] * 4}, "interleaved_never": {"loss": [[0.3]] * 3 + [[0.5]]}}
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates(LOSSES | reverse)), NO_CLAIMS)
    assert (
        "makes it a different training. The training loss was lower with the reset in 3 of 4 seeds with contiguous "
        "batches (which may be luck), and lower without the reset in 3 of 4 seeds with interleaved batches "
        "(which may be luck)."
    ) in text
    sure = {name: {"loss": [[loss]] * 16} for name, loss in ((NEVER_RESET, 0.3), (RESET_EVERY_EPOCH, 0.2))}
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates(sure)), NO_CLAIMS)
    assert "The training loss was lower with the reset in 16 of 16 seeds with contiguous batches." in text
    never = {name: {"loss": [[loss]] * 16} for name, loss in ((NEVER_RESET, 0.2), (RESET_EVERY_EPOCH, 0.3))}
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates(never)), NO_CLAIMS)
    assert "The training loss was lower without the reset in 16 of 16 seeds with contiguous batches." in text
    same = {name: {"loss": [[0.3]] * 16} for name in (NEVER_RESET, RESET_EVERY_EPOCH)}
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=replicates(same)), NO_CLAIMS)
    assert "The training loss was" not in text


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


def test_a_reset_that_changes_only_the_states_is_said_to_change_nothing_that_is_learnt() -> None:
    cases = EQUAL | {"c": case(states=dict.fromkeys(range(1, EPOCHS + 1), "zero"), optimizer={2: "x"})}
    numbers = found(cases)
    assert numbers["trainings"] == [["a", "b", "c"]]
    assert numbers["claims"]["b != c"] | {"holds": False, "same_training": True} == numbers["claims"]["b != c"]
    assert numbers["claims"]["a = c"]["holds"] is False, "identical means every bit"
    text = verdict(numbers, PARAMS)
    assert "resetting the states after every epoch changes nothing that is learnt" in text
    assert "The networks do not use the states that they carry" in text
    assert "| `b` ≠ `c` | **no** | part at epoch 1 (states), but every loss and weight is the same |" in text
    assert "| `a`, `b`, `c` | never reset, contiguous batches = reset every epoch, contiguous batches |" in text
    assert "the lower loss" not in text, "neither has it"


def test_a_difference_in_the_states_alone_keeps_a_loop_from_being_called_the_single_call() -> None:
    cases = EQUAL | {"b": case(states={3: "x"})}
    assert "These cases should be identical and are not: `a`, `b`." in answer(found(cases, NO_CLAIMS), NO_CLAIMS)


def claiming(a: dict[str, Any], b: dict[str, Any], **sizes: int) -> dict[str, Any]:
    """Parameters that claim a difference of two cases, besides one that holds whatever the sizes."""
    model = PARAMS["model"] | {"batch_size": sizes.get("batch_size", 1)}
    cases = {"a": a, "b": b, "c": NEVER}
    claims = {"identical": [["a", "c"]], "different": [["a", "b"]]}
    return PARAMS | {
        "model": model,
        "training": PARAMS["training"] | {"epochs": sizes.get("epochs", EPOCHS)},
        "cases": cases,
        "claims": claims,
    }


INTERLEAVED = NEVER | {"batches": "interleaved"}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (claiming(NEVER, INTERLEAVED, batch_size=1), "with batch size 1 both batch orders are the same"),
        (claiming(NEVER, INTERLEAVED, batch_size=2), "with one batch per epoch both batch orders are the same"),
        (
            claiming(RESET, NEVER | {"stateful": False}, batch_size=2),
            "with one batch per epoch, resetting every epoch is resetting every batch",
        ),
        (claiming(NEVER, RESET, epochs=1), "with a single epoch, the reset comes after all learning"),
    ],
)
def test_a_claim_that_the_definitions_rule_out_does_not_apply(params: dict[str, Any], reason: str) -> None:
    numbers = found(EQUAL, params)
    claim = numbers["claims"]["a != b"]
    assert (claim["holds"], claim["does_not_apply"]) == (None, reason)
    assert metrics(numbers)["claims"] == {"a = c": True}
    text = verdict(numbers, params)
    assert "**All claims that apply hold, 1 of 1; 1 does not apply.**" in text
    assert f"| `a` ≠ `b` | does not apply | {reason} |" in text
    assert "Not every claim holds" not in text
    # If they differ all the same, the bits count.
    differing = found(EQUAL | {"b": case(weights={2: "x"})}, params)
    assert differing["claims"]["a != b"]["holds"] is True


def test_a_claim_that_one_training_differs_from_itself_fails_whatever_the_sizes() -> None:
    params = claiming(NEVER, LOOP)
    assert found(EQUAL, params)["claims"]["a != b"]["holds"] is False


def test_no_claim_may_apply() -> None:
    params = claiming(NEVER, INTERLEAVED)
    params["claims"] = params["claims"] | {"identical": []}
    assert claims_hold(found(EQUAL, params)) == "**No claim applies.**"


def test_a_run_of_one_epoch_is_told_to_train_for_more() -> None:
    params = NO_CLAIMS | {"training": {"epochs": 1, "loss": "mse"}}
    text = answer(found(EQUAL, params), params)
    assert "changes nothing that is learnt: with a single epoch, the reset comes after all learning." in text
    assert "First train for at least 2 epochs (`training.epochs`)." in text


def test_no_advice_is_given_from_one_seed_or_from_training_loss() -> None:
    """Nor where there is nothing to choose from; what is said otherwise is in test_advice.py."""
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, forecasts=FORECASTS), NO_CLAIMS)
    assert text.startswith("**This run cannot advise you which training to use**: it has no replicates,")
    assert "**What to do.** Call `fit` once." in text
    text = answer(found(RESET_DIFFERS, NO_CLAIMS, replicates=REPLICATES), NO_CLAIMS)
    assert text.startswith("**This run cannot advise you which training to use**: nothing is held out,")
    assert "cannot advise" not in answer(found(EQUAL, NO_CLAIMS), NO_CLAIMS)


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
    assert (
        "**All claims hold, 1 of 1.** The claims say which trainings are the same, not that a forecast is good. "
        "3 cases, 5 epochs each, make 1 different training: `a` = `b` = `c`."
    ) in text
    assert (
        "bit-identical: 5 epochs of states, loss, weights and optimizer; 2 predictions; 2 tensors of 5 elements"
    ) in text
    assert "Nothing is claimed" in verdict(found(params=NO_CLAIMS), NO_CLAIMS)


def test_the_verdict_has_its_sections_in_order_the_answer_first() -> None:
    text = verdict(found(RESET_DIFFERS, replicates=SCORED, forecasts=FORECASTS), PARAMS)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Verdict",
        "## The claims",
        "## What resetting does to the training loss",
        "## Error on unseen data",
        "## Where they part",
        "## Distance from the reference, `data/reference/of_old`",
        "## The series",
    ]
    assert text.index("What to do.") < text.index("## The claims")


def test_the_verdict_compares_the_trainings_seed_by_seed_and_says_how_certain_it_is() -> None:
    text = verdict(found(params=NO_CLAIMS, replicates=SCORED, forecasts=FORECASTS), NO_CLAIMS)
    assert "Each of 4 seeds has its own noise and initial weights" in text
    row = "| never reset, contiguous batches | 0.55 (0.425 to 0.625) | 0.55 (0.425 to 0.625) | 4 of 4 seeds |"
    assert row in text
    assert (
        "| contiguous | never reset or reset every epoch | cannot tell | reset every epoch in 3 of 4 seeds | 0.15 (95 "
        "% interval: -0.2 to 0.3; p = "
    ) in text
    assert "| never reset, contiguous batches | 0.25 (0.175 to 0.325) | 1 (1 to 1) |" in text
    assert "| contiguous | never reset or reset every epoch | the same in every seed |  |  |" in text
    assert "| never reset, contiguous batches | cannot tell | the training in 4 of 4 seeds |" in text
    assert "p is that of the sign test, corrected by Holm's method for the number of comparisons." in text
    assert "Each of 4 seeds" not in verdict(found(params=NO_CLAIMS), NO_CLAIMS)


OWN = {"source": "weather", "target": "temp_max", "horizon": 2, "standardize": True}


@pytest.mark.parametrize("over_seeds", [True, False])
def test_errors_are_in_the_units_of_the_target_and_losses_in_those_of_the_network(over_seeds: bool) -> None:
    params = NO_CLAIMS | {"dataset": OWN}
    scored = SCORED if over_seeds else replicates({})
    text = verdict(found(params=params, replicates=scored, forecasts=FORECASTS), params)
    error = "An error is the root mean squared error of `temp_max`, forecast 2 rows ahead, in its own units, over 1 "
    assert text.split("## Error on unseen data\n\n")[1].startswith(error)
    loss = (
        "The loss is the mean squared error of `temp_max`, which the network sees standardized: 1 is the variance of "
        "`temp_max` in the training part. Each "
    )
    assert text.split("## What resetting does to the training loss\n\n")[1].startswith(loss)


@pytest.mark.parametrize("over_seeds", [True, False])
@pytest.mark.parametrize(("build", "of_what"), [(STACKED, "sample by sample"), ("models/mine.py", "window by window")])
def test_a_network_of_your_own_is_said_to_forecast_whole_windows(over_seeds: bool, build: str, of_what: str) -> None:
    params = NO_CLAIMS | {"model": PARAMS["model"] | {"build": build}}
    scored = SCORED if over_seeds else replicates({})
    text = verdict(found(params=params, replicates=scored, forecasts=FORECASTS), params)
    assert f" Each network forecasts the series {of_what}:" in text


def test_a_network_that_does_not_use_its_states_is_told_what_to_change() -> None:
    params = NO_CLAIMS | {"model": PARAMS["model"] | {"build": "models/mine.py"}}
    assert "or change the network (`models/mine.py`)." in answer(found(EQUAL, params), params)
    assert "or change the network (`model.activation`)." in answer(found(EQUAL, NO_CLAIMS), NO_CLAIMS)


@pytest.mark.parametrize(
    ("loss", "standardize", "words"),
    [
        (
            "mae",
            True,
            "mean absolute error of `temp_max`, which the network sees standardized: 1 is the standard deviation",
        ),
        ("huber", True, "Huber's loss of `temp_max`, which the network sees standardized: the target then has mean 0"),
        ("mse", False, "mean squared error of `temp_max`, which the network sees in its own units."),
    ],
)
def test_the_units_of_a_loss_are_those_that_the_network_sees(loss: str, standardize: bool, words: str) -> None:
    params = {"dataset": OWN | {"standardize": standardize}, "training": {"loss": loss}}
    assert loss_of(params).startswith(f"The loss is the {words}")


def test_a_name_with_signs_of_markdown_is_written_as_it_is() -> None:
    assert error_of(OWN | {"target": "a`b*c"}).startswith("root mean squared error of a\\`b\\*c, forecast 2 rows ahead")


def test_the_verdict_tells_the_effect_of_the_states_from_that_of_the_batch_order() -> None:
    ramp = np.linspace(0, 0.1, 16)
    errors = {
        "contiguous_never": 0.8,
        "contiguous_every_batch": 0.5,
        "interleaved_never": 0.1,
        "interleaved_every_batch": 0.3,
    }
    of_seeds = {name: {"carried": 9 + ramp, "reset": error + ramp} for name, error in errors.items()}
    scored = replicates(of_seeds, {"input": 0.4 - ramp, "mean": 5 + ramp})
    text = verdict(found(params=NO_CLAIMS, replicates=scored, forecasts=FORECASTS), NO_CLAIMS).split(
        "## Error on unseen"
    )[1]
    states, batches = text.split("What the batch order (contiguous or interleaved) does to the error")
    assert "| contiguous | never reset or reset every batch | reset every batch | 16 of 16" in states
    assert "| interleaved | never reset or reset every batch | never reset | 16 of 16 seeds |" in states
    assert "| never reset | interleaved | 16 of 16 seeds | 0.7 (95 % interval: 0.7 to 0.7; p" in batches
    assert "| reset every batch | interleaved | 16 of 16 seeds | 0.2 (95 % interval: 0.2 to 0.2;" in batches
    assert "contiguous | interleaved" not in text
    assert "no memory" not in text, "that is how the training without memory is used best"
    baseline = text.split("Compared with the best forecast without a network, the input itself:")[1]
    assert "| never reset, contiguous batches | the input itself | 16 of 16 seeds | 0.5 (95 %" in baseline


def test_the_verdict_compares_with_no_memory_at_all_if_carried_states_help_a_network_trained_without() -> None:
    ramp = np.linspace(0, 0.1, 16)
    of_seeds = {
        NEVER_RESET: {"carried": 0.8 + ramp, "reset": 9 + ramp}, WITHOUT: {"carried": 0.2 + ramp, "reset": 0.5 + ramp}
    }  # fmt: skip
    numbers = found(params=NO_CLAIMS, replicates=replicates(of_seeds), forecasts=FORECASTS)
    rows = verdict(numbers, NO_CLAIMS).split(
        "Compared with networks of the same batch order (and otherwise the same) that have no memory at all"
    )[1]
    assert "| never reset, contiguous batches | no memory | 16 of 16 seeds | 0.3 (95 % interval: 0.3 to 0.3; p" in rows
    assert "| reset every batch, contiguous batches | the training | 16 of 16 seeds | 0.3 (95 % interval: 0.3" in rows


def test_a_single_replicate_has_no_confidence_interval() -> None:
    one = replicates({name: {"loss": numbers["loss"][:1]} for name, numbers in LOSSES.items()})
    text = verdict(found(params=NO_CLAIMS, replicates=one), NO_CLAIMS)
    row = "| contiguous | never reset or reset every epoch | cannot tell | reset every epoch in 1 of 1 seed | 0.1 |"
    assert row in text
    assert "interval" not in text


def test_the_verdict_compares_behaviours_within_a_batch_order_only() -> None:
    names = {
        (behaviour, batches): NEVER | {"reset": behaviour, "batches": batches}
        for behaviour in ("never", "every_epoch")
        for batches in ("contiguous", "interleaved")
    }
    # The two windows of a case would be one batch of 2, whose order would be the same.
    params = NO_CLAIMS | {
        "cases": dict(zip("abcd", names.values(), strict=True)),
        "model": {"time_steps": 2, "batch_size": 4},
    }
    losses = {"a": 0.1, "b": 0.04, "c": 0.2, "d": 0.03}
    cases = {name: case(loss={5: loss}) for name, loss in losses.items()}
    text = verdict(found(cases, params), params)
    assert "which of the two ends with the lower loss depends on the batch order:" in text
    assert (
        "(a row of a batch carries its state to the window 4 further on): 0.100000 if never reset, 0.200000 if reset "
        "every epoch."
    ) in text
    assert "to the next window): 0.030000 if reset every epoch, 0.040000 if never reset." in text
    cases["d"] = case(loss={5: 0.05})
    assert "which of the two ends with the lower loss does not depend on the batch order:" in verdict(
        found(cases, params), params
    )


def test_the_verdict_weighs_states_within_a_batch_order_and_batch_orders_without_states() -> None:
    stateless = NEVER | {"stateful": False}
    interleaved = {"batches": "interleaved"}
    definitions = {"a": NEVER, "b": stateless, "c": NEVER | interleaved, "d": stateless | interleaved, "e": RESET}
    params = NO_CLAIMS | {"cases": definitions}
    # Interleaved batches win, but not by the states: without memory they are as good.
    errors = {"a": (0.6, 0.7), "b": (9, 0.59), "c": (0.49, 0.8), "d": (9, 0.49), "e": (0.8, 0.55)}
    table = {"sample": [5], "target": [1.0], "mean": [0.0], "last_known": [0.9]}
    forecasts = pd.DataFrame(
        table | {f"{n}/{way}": [1 - e] for n, both in errors.items() for way, e in zip(STATES, both, strict=True)}
    )
    losses = {name: case(loss={5: place / 10}) for place, name in enumerate("abcde")}
    text = verdict(found(losses, params, forecasts=forecasts), params)
    assert (
        "- Contiguous batches: 0.5900 without memory between batches, 0.5500 at best with it (`e`, states reset at "
        "every window).\n"
        "- Interleaved batches: 0.4900 without memory between batches, 0.4900 at best with it (`c`, states carried "
        "from the start of the series).\n"
        "- The batch order alone, without memory: 0.5900 with contiguous batches, 0.4900 with interleaved ones.\n"
    ) in text
    fewer = params | {"cases": {name: definitions[name] for name in "abc"}}
    text = verdict(found({name: losses[name] for name in "abc"}, fewer, forecasts=forecasts), fewer)
    assert "- Contiguous batches: 0.5900 without memory between batches, 0.6000 at best with it (`a`" in text
    assert "- Interleaved batches" not in text
    assert "The batch order alone" not in text


def test_the_verdict_says_what_a_network_is_worth_on_unseen_data() -> None:
    params = NO_CLAIMS | {"cases": {"a": NEVER}}
    target = np.array([1.0, 2.0])
    table = {"sample": [5, 6], "target": target, "mean": target - 3, "last_known": [1.1, 1.9]}
    forecasts = pd.DataFrame(table | {"a/carried": [1.3, 2.4], "a/reset": target - 0.5})
    numbers = found({"a": case()}, params, forecasts=forecasts)
    assert numbers["held_out"] == {
        "samples": 2,
        "baselines": {"mean": pytest.approx(3), "last_known": pytest.approx(0.1)},
        "cases": {"a": {"carried": pytest.approx(np.sqrt(0.125)), "reset": pytest.approx(0.5)}},
    }
    text = verdict(numbers, params)
    assert "| `a` | 0.3536 | 0.5 |" in text
    assert "| the last known value | 0.1 |" in text
    assert "unseen data" not in verdict(found({"a": case()}, params), params).split("## The claims")[1]


def test_the_verdict_says_where_the_samples_went_and_first_what_is_suspicious_in_them() -> None:
    line = "\n\n1,234 samples: 1,000 to train on, 200 held out, the oldest 34 left over.\n"
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


def test_batch_orders_are_not_compared_if_they_are_the_same_or_neither_behaviour_ends_lower() -> None:
    names = [
        NEVER | {"reset": behaviour, "batches": batches}
        for batches in ("contiguous", "interleaved")
        for behaviour in ("never", "every_epoch")
    ]
    cases = {name: case(loss={5: loss}) for name, loss in zip("abcd", (0.1, 0.2, 0.1, 0.2), strict=True)}
    for batch_size, compared in ((4, True), (2, False), (1, False)):
        model = {"time_steps": 2, "batch_size": batch_size}
        params = NO_CLAIMS | {"cases": dict(zip("abcd", names, strict=True)), "model": model}
        assert ("on the batch order" in verdict(found(cases, params), params)) == compared
    tie = cases | {"d": cases["c"]}
    params["model"] = {"time_steps": 2, "batch_size": 4}
    assert "on the batch order" not in verdict(found(tie, params), params)
