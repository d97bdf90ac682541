"""Forecasts along the series: those of the network's own equations, and of nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from carryover.forecasts.held_out import HeldOutWindows, held_out_windows, read_forecasts, scores, targets_and_baselines
from carryover.forecasts.ways import STATES, column
from carryover.job.errors import UserError
from carryover.series.dataset import Series
from carryover.series.rows import ahead, computed
from carryover.series.scales import AS_IT_IS, Scale
from carryover.series.splitting import divide
from carryover.series.windows import TARGETS
from carryover.training.network import Network, weight_shapes


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def lstm_by_hand(network: Network, weights: dict[str, Any], inputs: Any, reset_every: int | None) -> Any:
    """Return the forecasts at every sample, by the equations of Hochreiter and Schmidhuber in float64."""
    layers = list(zip(network.layer_names, network.units, strict=True))
    zeros = {name: (np.zeros(count), np.zeros(count)) for name, count in layers}
    states = dict(zeros)
    forecasts = []
    for number, x in enumerate(inputs.astype(np.float64)):
        if reset_every and number % reset_every == 0:
            states = dict(zeros)
        for name in network.layer_names:
            hidden, cell = states[name]
            z = x @ weights[f"{name}/kernel"] + hidden @ weights[f"{name}/recurrent_kernel"] + weights[f"{name}/bias"]
            i, f, c, o = np.split(z, 4)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
            x = sigmoid(o) * np.tanh(cell)
            states[name] = (x, cell)
        forecasts.append((x @ weights["dense/kernel"] + weights["dense/bias"])[0])
    return np.array(forecasts)


NETWORK = Network([4, 3], "sigmoid", inputs=2)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {name: generator.normal(0, 0.8, shape).astype(np.float32) for name, shape in weight_shapes(NETWORK).items()}


INPUTS = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)


@pytest.mark.parametrize("at_once", [60, 25, 7])
def test_carried_states_go_along_the_whole_series(
    keras: Any, monkeypatch: pytest.MonkeyPatch, weights: dict[str, Any], at_once: int
) -> None:
    from carryover.forecasts import scoring

    monkeypatch.setattr(scoring, "STEPS_AT_ONCE", at_once)
    made = scoring.Forecaster(NETWORK).with_carried_states(weights, INPUTS[None])
    np.testing.assert_allclose(made, lstm_by_hand(NETWORK, weights, INPUTS, None), atol=1e-5)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("steps", [1, 3, 20])
def test_reset_states_know_their_window_alone(keras: Any, weights: dict[str, Any], steps: int, targets: str) -> None:
    from carryover.forecasts.scoring import Forecaster

    network = NETWORK._replace(targets=targets)
    made = Forecaster(network).with_reset_states(weights, INPUTS.reshape(-1, steps, 2))
    by_hand = lstm_by_hand(NETWORK, weights, INPUTS, steps)
    np.testing.assert_allclose(made, by_hand if targets == "every_step" else by_hand[steps - 1 :: steps], atol=1e-5)
    assert steps > 1 or abs(made - lstm_by_hand(NETWORK, weights, INPUTS, None)).max() > 0.1


TRAINING = Series(np.array([[1], [2], [3]], np.float32), np.array([10, 20, 60], np.float32))
HELD_OUT = Series(np.array([[4], [5]], np.float32), np.array([40, 50], np.float32))


def test_the_naive_forecasts_and_what_is_forecast() -> None:
    made = targets_and_baselines(TRAINING, HELD_OUT, np.array([3, 4]), horizon=0, season=0)
    assert {name: values.tolist() for name, values in made.items()} == {
        "sample": [3, 4],
        "target": [40, 50],
        "input": [4, 5],
        "mean": [30, 30],
    }
    two = [part._replace(x=np.repeat(part.x, 2, axis=1)) for part in (TRAINING, HELD_OUT)]
    assert "input" not in targets_and_baselines(*two, np.array([3]), horizon=0, season=0)


@pytest.mark.parametrize(
    ("horizon", "season", "lags"),
    [
        (1, 0, {"last_known": 1}),
        (2, 3, {"last_known": 2, "season": 3}),
        (0, 2, {"season": 2}),
        (3, 3, {"last_known": 3}),
    ],
)
def test_a_naive_forecast_repeats_only_what_is_known_when_it_is_due(
    horizon: int, season: int, lags: dict[str, int]
) -> None:
    column = np.random.default_rng(1).normal(10, 5, 41)
    rows = ahead(computed(["y", "y"], np.column_stack([column, column])), horizon)
    parts = divide(rows, 30, 41 - horizon - 30, time_steps=1, batch_size=1, standardized=False)
    samples = np.arange(30, len(rows.values))
    made = targets_and_baselines(parts.training, parts.held_out, samples, horizon, season)
    np.testing.assert_array_equal(made["target"], column[samples + horizon].astype(np.float32))
    naive = {"mean", *lags} if horizon else {"mean", "input", *lags}
    assert set(made) == {"sample", "target"} | naive
    for name, lag in lags.items():
        assert lag >= horizon  # the row of the inputs is the last that is known
        np.testing.assert_array_equal(made[name], column[samples + horizon - lag].astype(np.float32))


PARAMS: dict[str, Any] = {"cases": {"a": {}}}
TABLE = "sample,target,mean,last_known,a/carried,a/reset\n3,40,30,60,41,39\n4,50,30,40,48,50\n"


def test_the_scores_are_root_mean_squared_errors(tmp_path: Path) -> None:
    (tmp_path / "forecasts.csv").write_text(TABLE)
    numbers = scores(read_forecasts(tmp_path / "forecasts.csv", PARAMS), PARAMS)
    assert numbers == {
        "samples": 2,
        "baselines": {"mean": pytest.approx(np.sqrt(250)), "last_known": pytest.approx(np.sqrt(250))},
        "cases": {"a": {"carried": pytest.approx(np.sqrt(2.5)), "reset": pytest.approx(np.sqrt(0.5))}},
    }


def test_a_table_without_rows_is_none_held_out(tmp_path: Path) -> None:
    (tmp_path / "forecasts.csv").write_text(TABLE.splitlines()[0] + "\n")
    assert read_forecasts(tmp_path / "forecasts.csv", PARAMS).empty


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "missing; score the cases again"),
        ("", "No columns to parse from file; score the cases again"),
        (TABLE.replace("a/reset", "b/reset"), "there is no column a/reset; score the cases again"),
        (
            TABLE.replace("41", "nan"),
            "line 2, column a/carried: the value is not a finite number; score the cases again",
        ),
    ],
)
def test_a_broken_table_is_reported_in_one_line(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "forecasts.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as error:
        read_forecasts(path, PARAMS)
    assert str(error.value) == f"{path}: {message}"


def test_the_table_can_be_read_by_anybody(tmp_path: Path) -> None:
    (tmp_path / "forecasts.csv").write_text(TABLE)
    assert pd.read_csv(tmp_path / "forecasts.csv")["a/carried"].tolist() == [41, 48]


def test_cases_of_equal_weights_are_forecast_once(
    keras: Any, weights: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from carryover.forecasts.scoring import forecast_cases

    other = {name: -weight for name, weight in weights.items()}
    halves = [Series(part, part[:, 0]) for part in (INPUTS[:40], INPUTS[40:])]
    windows = held_out_windows(*halves, time_steps=5, targets="window_end")
    made = forecast_cases(NETWORK, {"a": weights, "b": dict(weights), "c": other}, windows, AS_IT_IS)
    assert capsys.readouterr().out.splitlines() == ["a: forecast 4 samples", "c: forecast 4 samples"]
    for states in STATES:
        a, b, c = (made[column(case, states)] for case in "abc")
        assert a.tobytes() == b.tobytes() != c.tobytes()
    by_hand = lstm_by_hand(NETWORK, weights, INPUTS, None)[[44, 49, 54, 59]]
    np.testing.assert_allclose(made["a/carried"], by_hand, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "scale", "remedy"),
    [
        (Network([1], "sigmoid", "simple_rnn", "linear"), AS_IT_IS, "set model.activation: tanh"),
        (Network([1], "sigmoid"), Scale(100.0, 20.0), "lower optimizer.learning_rate"),
        (Network([1], "sigmoid"), AS_IT_IS, "set dataset.standardize: true"),
    ],
)
def test_a_forecast_that_is_not_finite_is_reported_with_what_can_help(
    keras: Any, network: Network, scale: Scale, remedy: str
) -> None:
    from carryover.forecasts.scoring import forecast_cases

    # The state of the simple network is squared at each step; the dense layer of the others overflows at once.
    weights = {name: np.full(shape, 3e38, np.float32) for name, shape in weight_shapes(network).items()}
    windows = HeldOutWindows(np.ones((1, 3, 1), np.float32), np.ones((1, 1, 1), np.float32), np.array([2]))
    with pytest.raises(UserError) as error:
        forecast_cases(network, {"a": weights}, windows, scale)
    start = f"case a: a forecast of unseen data with the states {STATES['carried']} is not finite; {remedy}"
    assert str(error.value).startswith(start)
    assert str(error.value).endswith(", or set dataset.held_out: 0")
