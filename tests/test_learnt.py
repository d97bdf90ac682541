"""What the verdict says first if trainings have learnt nothing, in one situation after another, each made by hand."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.cases import EPOCHS, case
from helpers.replicates import replicates

from carryover.comparison.details import details
from carryover.comparison.learnt import learnt_nothing, what_was_not_learnt
from carryover.comparison.verdict import verdict
from carryover.forecasts.ways import STATES
from carryover.series.dataset import Series
from carryover.series.notes import Notes
from carryover.training.network import STACKED

STATEFUL = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
CASES = {"a": STATEFUL, "b": STATEFUL | {"stateful": False}}
OF = {"a": "contiguous_never", "b": "contiguous_every_batch"}
DATASET = {"source": "weather", "target": "temp_max", "horizon": 1, "standardize": True}
PARAMS: dict[str, Any] = {
    "dataset": DATASET,
    "model": {"build": STACKED, "time_steps": 1, "batch_size": 1},
    "training": {"epochs": EPOCHS, "loss": "mse"},
    "cases": CASES,
    "claims": {"identical": [], "different": []},
    "reference": "data/reference/of_old",
}
RAW = PARAMS | {"dataset": DATASET | {"standardize": False}}
SINE = PARAMS | {"dataset": {"source": "noisy_sine"}}

# The loss of each epoch.
LEVELLED = [1.0, 0.6, 0.5, 0.49, 0.5]
FALLING = [1.0, 0.9, 0.8, 0.7, 0.6]
FLAT = [1.0, 0.99, 0.985, 0.98, 0.975]
RISING = [1.0, 1.2, 1.1, 1.3, 1.4]
UP_AND_DOWN = [1.0, 0.5, 1.1, 0.6, 0.9]

# The errors of seeds; the mean is worse than the median, which counts.
BAD, GOOD, POOR = [7.0, 5.0, 6.0], [1.0, 2.0, 99.0], [3.0, 4.0, 3.5]
MEAN, LAST_KNOWN = 5.5, 3.0

NOTHING = "**Nothing was learnt that helps to forecast, so the differences below mean little.**"
SOME = "**Some trainings have learnt nothing that helps to forecast**: never reset, contiguous batches."
ERROR = "the root mean squared error of `temp_max`, forecast 1 row ahead, in its own units, is"
THAN_MEAN = f"is better than the mean of the training part: {ERROR} 5.5 for that, and 6 for the best of these networks"
THAN_LAST = f"is better than the last known value: {ERROR} 3 for that, and 3.5 for the best of these networks"


def run(
    errors: dict[str, list[float]],
    losses: list[float] = LEVELLED,
    params: dict[str, Any] = PARAMS,
    mean: float = 0,
    deviation: float = 1,
    prediction: float | None = None,
    baselines: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The details of a run, as another program reads them.

    Args:
        errors: of the seeds, for each case; without any, there are three seeds.
        losses: of every case and every seed.
        params: the parameters.
        mean, deviation: of the target.
        prediction: of every case after training, in deviations from the mean; None for the right ones.
        baselines: the errors of the forecasts without a network.
    """
    y = np.array([0, 1, 0, -1], np.float32) * np.sqrt(2)
    series = Series(np.zeros((4, 1), np.float32), np.asarray(mean + deviation * y, np.float32))
    predicted = {row: float(series.y[sample]) for row, sample in enumerate((1, 3))}
    if prediction is not None:
        predicted = dict.fromkeys(predicted, mean + deviation * prediction)
    cases = {
        name: case(loss=dict(enumerate(losses, 1)), prediction=predicted, weights={1: name}) for name in params["cases"]
    }
    seeds = len(next(iter(errors.values()), BAD))
    of_seeds = {
        OF[name]: {"loss": [losses] * seeds, "carried": found, "reset": [100.0] * seeds}
        for name, found in errors.items()
    }
    naive = {"mean": MEAN, "last_known": LAST_KNOWN} if baselines is None else baselines
    scored = replicates(of_seeds, {name: np.full(seeds, error) for name, error in naive.items()})
    notes = Notes(4, 4, 0, 0, 0, 0, {}, None, [])
    return json.loads(json.dumps(details(cases, params, {}, scored, pd.DataFrame(), notes, series)))  # type: ignore[no-any-return]


def first_paragraph(numbers: dict[str, Any], params: dict[str, Any] = PARAMS) -> str:
    return verdict(numbers, params).split("\n\n")[1]


def to_do(numbers: dict[str, Any], params: dict[str, Any] = PARAMS) -> str:
    return verdict(numbers, params).split("**What to do.** ")[1].split("\n\n")[0]


@pytest.mark.parametrize(
    ("errors", "first"),
    [
        ({"a": BAD, "b": BAD}, f"{NOTHING} On unseen data, no network {THAN_MEAN} (never reset, contiguous batches; "),
        ({"a": POOR, "b": BAD}, f"{NOTHING} On unseen data, no network {THAN_LAST} (never reset, contiguous batches; "),
        ({"a": BAD, "b": POOR}, f"{NOTHING} On unseen data, no network {THAN_LAST} (reset every batch, contiguous "),
        ({"a": POOR, "b": GOOD}, f"{SOME} On unseen data, none of their networks {THAN_LAST} (never reset, contiguous"),
        ({"a": BAD, "b": GOOD}, f"{SOME} On unseen data, none of their networks is better than the mean of the "),
        ({"a": [3, 3, 3], "b": [3, 3, 3]}, f"{NOTHING} On unseen data, no network is better than the last known "),
        ({"a": [2.9, 2.9, 2.9], "b": GOOD}, "**This run cannot advise"),
        ({"a": GOOD, "b": GOOD}, "**This run cannot advise"),
    ],
)
def test_the_verdict_says_first_who_is_no_better_than_a_forecast_that_anybody_has(
    errors: dict[str, list[float]], first: str
) -> None:
    assert first_paragraph(run(errors)).startswith(first)


def test_what_is_better_by_little_is_idle_only_if_it_may_be_luck() -> None:
    little = [2.99 + seed / 1e5 for seed in range(16)]
    text = verdict(run({"a": little, "b": [6.0] * 16}), PARAMS)
    assert "better than the best forecast without a network, the last known value (3): lower in 16 of 16 seeds" in text
    assert SOME.replace("never reset", "reset every batch") in text
    not_clearly = f"no network is clearly better than the last known value: {ERROR} 3 for that, and 2.99 for the best"
    assert not_clearly in first_paragraph(run({"a": little[:3], "b": little[:3]}))
    assert not_clearly in first_paragraph(without_seeds({"a": 2.99, "b": 6}))
    # The seeds are compared with the best of these forecasts only.
    assert not_clearly in first_paragraph(run({"a": little, "b": little}, baselines={"last_known": 3.0, "season": 1.0}))


def test_a_baseline_that_the_run_does_not_have_is_no_yardstick() -> None:
    numbers = run({"a": POOR, "b": POOR}, baselines={"mean": MEAN, "input": 0.1})
    assert what_was_not_learnt(numbers, PARAMS) == ""


@pytest.mark.parametrize(
    ("losses", "target", "params", "cause", "first_step"),
    [
        (FALLING, (129, 22.2), RAW, "the series is not standardized (`dataset.standardize: true`): its target has mean "
         "129 and standard deviation 22.2, and", "set `dataset.standardize: true`"),
        (FALLING, (0, 0.01), RAW, "the series is not standardized", "set `dataset.standardize: true`"),
        (FALLING, (129, 22.2), PARAMS, "the training was too short (`training.epochs`)", "train for more epochs"),
        (FALLING, (0.5, 1.5), RAW, "the training was too short (`training.epochs`)", "train for more epochs"),
        (RISING, (0, 1), PARAMS, "the learning rate is too high (`optimizer.learning_rate`)", "lower"),
        (UP_AND_DOWN, (0, 1), PARAMS, "the learning rate is too high (`optimizer.learning_rate`)", "lower"),
        (FLAT, (0, 1), PARAMS, "the learning rate is too low (`optimizer.learning_rate`): the loss fell by less than",
         "raise `optimizer.learning_rate`"),
    ],
)  # fmt: skip
def test_the_likely_cause_is_named_with_the_parameter_to_change(
    losses: list[float], target: tuple[float, float], params: dict[str, Any], cause: str, first_step: str
) -> None:
    numbers = run({"a": BAD, "b": BAD}, losses, params, *target, prediction=0)
    assert f"The likely cause is that {cause}" in first_paragraph(numbers, params)
    assert to_do(numbers, params).startswith(f"First {first_step}")
    assert to_do(numbers, params).endswith(", and run again. Until then, forecast by the last known value.")


def test_a_loss_that_has_levelled_off_tells_whether_the_training_part_was_learnt() -> None:
    by_heart, little = (run({"a": BAD, "b": BAD}, prediction=prediction) for prediction in (None, 0.0))
    assert "They predict the training part better than a constant, but" in first_paragraph(by_heart)
    assert to_do(by_heart).startswith("First compare the held-out part with the training part, or make the network ")
    assert "The loss fell and then no further, so more epochs will not help" in first_paragraph(little)
    assert to_do(little).startswith(
        "First choose other `dataset.inputs`, or change the network (`model.units`, `model."
    )


def test_what_fell_within_the_first_epoch_was_not_learnt_too_slowly() -> None:
    text = first_paragraph(run({"a": BAD, "b": BAD}, [*FLAT[:-1], 0.99]))
    assert "learning rate" not in text
    assert "They predict the training part better than a constant" in text


def test_no_better_than_the_last_value_is_not_called_learnt_by_heart() -> None:
    levelled, falling, little = (
        run({"a": POOR, "b": POOR}, losses, prediction=prediction)
        for losses, prediction in ((LEVELLED, None), (FALLING, None), (LEVELLED, 0.0))
    )
    assert "They may have learnt little more than to repeat the last value, which" in first_paragraph(levelled)
    assert to_do(levelled).startswith("First choose other `dataset.inputs`, or a longer `dataset.horizon`, and run ")
    assert to_do(falling).startswith("First train for more epochs")
    assert "The loss fell and then no further" in first_paragraph(little)


def test_for_a_network_of_your_own_the_keys_that_it_ignores_are_not_named() -> None:
    params = PARAMS | {"model": PARAMS["model"] | {"build": "models/mine.py"}}
    for prediction, change in ((None, "make the network smaller"), (0.0, "change the network")):
        numbers = run({"a": BAD, "b": BAD}, params=params, prediction=prediction)
        assert f"{change} (`models/mine.py`), and run again." in to_do(numbers, params)
        assert "(`models/mine.py`)." in first_paragraph(numbers, params)
        assert "`model." not in verdict(numbers, params)


def test_what_others_have_learnt_with_the_same_parameters_is_not_blamed_on_these() -> None:
    numbers = run({"a": BAD, "b": GOOD})
    assert "the likely cause is what these have otherwise: when the states are reset." in first_paragraph(numbers)
    assert not learnt_nothing(numbers, PARAMS)
    assert to_do(numbers).startswith("Call `fit` once."), "the others may be used"


def test_one_epoch_is_too_few_whatever_its_loss() -> None:
    params = PARAMS | {"training": {"epochs": 1, "loss": "mse"}}
    numbers = run({"a": BAD, "b": BAD}, [1.0])
    for found in numbers["cases"].values():
        found |= {"final_loss": 1.0, "best_loss": 1.0, "best_epoch": 1}
    assert "The likely cause is that the training was too short" in first_paragraph(numbers, params)


def without_seeds(errors: dict[str, float], losses: list[float] = LEVELLED) -> dict[str, Any]:
    """The details of a run without replicates."""
    numbers = run({"a": BAD, "b": BAD}, losses)
    del numbers["replicates"]
    cases = {name: {states: error + place for place, states in enumerate(STATES)} for name, error in errors.items()}
    baselines = {"mean": MEAN, "last_known": LAST_KNOWN}
    return numbers | {"held_out": {"samples": 9, "baselines": baselines, "cases": cases}}


def test_without_replicates_the_errors_of_the_cases_tell() -> None:
    numbers = without_seeds({"a": 6, "b": 7}, FALLING)
    assert first_paragraph(numbers).startswith(f"{NOTHING} On unseen data, no network {THAN_MEAN} (never reset, ")
    assert "seeds" not in first_paragraph(numbers)
    assert "the loss was still falling at its end" in first_paragraph(numbers)
    assert "the loss was still falling" not in first_paragraph(without_seeds({"a": 6, "b": 7}))
    assert first_paragraph(without_seeds({"a": 6, "b": 1})).startswith(SOME)
    assert "learnt nothing" not in verdict(without_seeds({"a": 1, "b": 1}), PARAMS)


def test_without_unseen_data_the_training_part_tells() -> None:
    for prediction, params in ((0.0, PARAMS), (-20.0, SINE)):
        numbers = run({}, params=params, prediction=prediction)
        assert first_paragraph(numbers, params).startswith(
            f"{NOTHING} After training, no network predicts the training part clearly better than a constant would. "
        )
        assert to_do(numbers, params).endswith("and run again."), "there is no forecast to use until then"
    assert "learnt nothing" not in verdict(run({}), PARAMS)


def test_a_target_that_never_changes_is_nothing_to_learn() -> None:
    assert what_was_not_learnt(run({}, deviation=0), PARAMS) == ""


def test_claims_that_hold_come_after_it_and_are_said_to_be_no_good_news() -> None:
    params = PARAMS | {
        "claims": {"identical": [], "different": [["a", "b"]]},
        "model": PARAMS["model"] | {"batch_size": 2},
    }
    text = verdict(run({"a": BAD, "b": BAD}, params=params), params)
    claims = "**All claims hold, 1 of 1.** The claims say which trainings are the same, not that a forecast is good."
    assert text.index(NOTHING) < text.index(claims)
