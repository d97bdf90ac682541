"""Independent sequences: nothing crosses the border between two, neither a window nor a state nor a naive forecast."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training import ADAM, Setting, weights_of
from hypothesis import given
from hypothesis import strategies as st

from carryover.comparison.claims import why_the_same
from carryover.forecasts.held_out import held_out_windows, root_mean_squared_error, targets_and_baselines
from carryover.forecasts.ways import STATES, column
from carryover.job.errors import UserError
from carryover.replicates.series import Parts
from carryover.replicates.settings import Settings
from carryover.replicates.shards import Shard
from carryover.series.batches import batch_order, cut_windows, target_samples
from carryover.series.csv_format import CsvFormat
from carryover.series.lags import longest_lag
from carryover.series.notes import Notes, read_notes, write_notes
from carryover.series.rows import Rows, computed, read_rows
from carryover.series.scales import AS_IT_IS
from carryover.series.sequences import Sequences
from carryover.series.splitting import Divided, divide
from carryover.series.windows import windows_per_sequence
from carryover.training.behaviours import TRAININGS, Training
from carryover.training.cases import Case, case_of

# ---- reading

TABLE = "machine,day,load\na,2020-01-01,1\na,2020-01-02,\na,2020-01-04,3\nb,2020-01-01,10\nb,2020-01-02,20\n"


def read(folder: Path, text: str = TABLE, horizon: int = 0, **form: Any) -> Rows:
    (folder / "series.csv").write_text(text)
    keys: dict[str, Any] = {"sequence": "machine", "time": ["day"], "missing": "forward_fill"} | form
    return read_rows(folder / "series.csv", ["load"], "load", CsvFormat(**keys), horizon)


def test_filling_in_and_the_horizon_stay_within_a_sequence_and_times_may_start_again(tmp_path: Path) -> None:
    rows = read(tmp_path)
    assert rows.sequences == {"a": 3, "b": 2}
    assert rows.values[:, 0].tolist() == [1, 1, 3, 10, 20]
    ahead = read(tmp_path, horizon=1)
    assert ahead.sequences == {"a": 2, "b": 1}
    assert ahead.values.tolist() == [[1, 1], [1, 3], [10, 20]]
    assert ahead.times.astype(str).tolist() == [f"2020-01-0{day}T00:00:00.000" for day in (2, 4, 2)]


def test_the_newest_row_may_come_first(tmp_path: Path) -> None:
    header, *lines = TABLE.splitlines(keepends=True)
    rows = read(tmp_path, header + "".join(lines[::-1]), order="newest_first")
    assert rows.sequences == {"b": 2, "a": 3}
    assert [*rows.sequences] == ["b", "a"], "sequences stay in the order of the file"
    assert rows.values[:, 0].tolist() == [10, 20, 1, 1, 3]


@pytest.mark.parametrize(
    ("text", "horizon", "form", "message"),
    [
        (
            f"{TABLE}a,2020-01-05,4\n",
            0,
            {},
            "line 7: the sequence 'a' comes back after line 4; put the rows of a sequence together (dataset.sequence)",
        ),
        (f"{TABLE},2020-01-05,4\n", 0, {}, "line 7: it is not said which sequence the row is of; fill in the cell"),
        (TABLE.replace("b,2020-01-02", "b,2020-01-01"), 0, {}, "line 6 (2020-01-01) has the same time as line 5"),
        (TABLE.replace("b,2020-01-01,10", "b,2020-01-01,"), 0, {}, "line 5, column 'load': the value is missing, and"),
        (TABLE, 0, {"missing": "refuse"}, "line 3, column 'load': the cell is empty"),
        (TABLE, 2, {}, "the sequence 'b' has 2 rows, and dataset.horizon is 2; lower it, or leave the sequence out"),
        (TABLE, 0, {"sequence": "motor"}, "line 1: there is no column 'motor'"),
    ],
)
def test_a_mistake_in_the_file_is_reported_in_one_line(
    tmp_path: Path, text: str, horizon: int, form: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, text, horizon, **form)
    assert str(error.value).startswith(f"{tmp_path}/series.csv: {message}")
    assert "\n" not in str(error.value)


# ---- dividing


def numbered(lengths: Mapping[str, int]) -> Rows:
    """Rows whose input is the number of the sequence and whose target is that of the row within it, from the end."""
    values = [(number, row) for number, rows in enumerate(lengths.values()) for row in range(rows - 1, -1, -1)]
    return computed(["x", "y"], np.array(values, float))._replace(sequences=lengths)


@given(
    lengths=st.lists(st.integers(5, 9), min_size=4, max_size=12),
    held_out=st.sampled_from([0, 0.1, 0.25, 0.5]),
    time_steps=st.integers(1, 5),
    batch_size=st.integers(1, 2),
)
def test_every_sequence_has_the_newest_whole_windows_of_the_shortest_one_and_none_is_in_both_parts(
    lengths: list[int], held_out: float, time_steps: int, batch_size: int
) -> None:
    samples = min(lengths) // time_steps * time_steps
    rows = numbered({str(number): length for number, length in enumerate(lengths)})
    if 2 * samples * len(lengths) < sum(lengths):
        with pytest.raises(UserError, match="rows would be left over; leave out short sequences"):
            divide(rows, None, held_out, time_steps, batch_size, standardized=False)
        return
    parts = divide(rows, None, held_out, time_steps, batch_size, standardized=False)
    last = max(1, round(held_out * len(lengths))) if held_out else 0
    first = (len(lengths) - last) % batch_size
    numbers = np.arange(first, len(lengths)).repeat(samples).reshape(-1, samples)
    whole = np.concatenate([parts.training.values, parts.held_out.values]).reshape(-1, samples, 2)
    np.testing.assert_array_equal(whole[..., 0], numbers)
    np.testing.assert_array_equal(whole[..., 1], np.broadcast_to(np.arange(samples)[::-1], numbers.shape))
    assert len(parts.held_out.y) == last * samples
    sequences = Sequences(samples, len(lengths) - last - first, last, first)
    assert parts.notes.sequences == sequences
    assert parts.notes.samples == sum(lengths) == sum(parts.notes[1:4])
    x, _ = cut_windows(parts.training, time_steps, batch_size, "window_end")
    order = batch_order(len(x), batch_size, "interleaved")
    batches = x[order].reshape(-1, samples // time_steps, batch_size, time_steps)
    assert (batches == batches[:, :1, :, :1]).all(), "until the borders, each row is one sequence"
    assert (np.diff(order.reshape(-1, samples // time_steps, batch_size), axis=1) == 1).all(), "window by window"


def test_the_notes_say_where_the_sequences_went(tmp_path: Path) -> None:
    rows = numbered({"a": 9, "b": 6, "c": 7, "d": 6, "e": 7})._replace(without_target=1)
    notes = divide(rows, None, 0.4, time_steps=3, batch_size=2, standardized=False).notes
    assert notes.in_words == (
        "35 samples: 12 to train on, 12 held out, 11 left over; the newest 6 samples of each sequence: 2 sequences to "
        "train on, 2 held out, the first 1 left over; the target is 1 row ahead, so the last row of each sequence "
        "has none"
    )
    write_notes(tmp_path / "notes.json", notes)
    assert read_notes(tmp_path / "notes.json") == notes
    assert (notes.samples_per_sequence, windows_per_sequence(notes.samples_per_sequence, 3)) == (6, 2)
    assert "sequences" not in Notes(1, 1, 0, 0, 0, 0, {}, None, []).as_json()


@pytest.mark.parametrize(
    ("lengths", "held_out", "batch_size", "message"),
    [
        (
            [6, 2, 6],
            0,
            1,
            "the sequence '1' has 2 rows, fewer than one window of 3; leave it out, or lower model.time_steps",
        ),
        (
            [20, 3, 20],
            0,
            1,
            "the sequence '1' has only 3 rows, and the others would be cut to its length: 34 of 43 rows would be left "
            "over; leave out short sequences",
        ),
        (
            [6, 6, 6, 6],
            0.5,
            3,
            "4 sequences, 2 of them held out, leave 2 to train on, fewer than model.batch_size 3; set model.batch_size "
            "to 2 or less, lower dataset.held_out, or add sequences",
        ),
        (
            [6],
            0.5,
            1,
            "1 sequences, 1 of them held out, leave 0 to train on, fewer than model.batch_size 1; lower "
            "dataset.held_out, or add sequences",
        ),
    ],
)
def test_sequences_that_cannot_be_divided_are_refused_in_one_line(
    lengths: list[int], held_out: float, batch_size: int, message: str
) -> None:
    rows = numbered({str(number): length for number, length in enumerate(lengths)})
    with pytest.raises(UserError) as error:
        divide(rows, None, held_out, 3, batch_size, standardized=False)
    assert str(error.value) == message


def test_times_are_for_figures_only_if_they_increase_and_their_steps_do_not_cross_a_border(tmp_path: Path) -> None:
    days = "".join(f"{m},2020-01-{day:02},{day}.5\n" for m in "ab" for day in range(1, 9))
    parts = divide(read(tmp_path, f"machine,day,load\n{days}"), None, 0, 2, 1, standardized=False)
    assert parts.notes.times is not None
    assert tuple(parts.notes.times) == ("2020-01-01", "2020-01-08", "1 day", True)
    assert not [warning for warning in parts.notes.warnings if "not regular" in warning]
    assert not len(parts.times)
    days = "".join(f"{m},2020-0{month}-{day:02},{day}.5\n" for m, month in ("a1", "b3") for day in range(1, 9))
    assert len(divide(read(tmp_path, f"machine,day,load\n{days}"), None, 0, 2, 1, standardized=False).times) == 16


# ---- training

SETTING = Setting([4, 3], 2, 2, inputs=2, optimizer=ADAM, epochs=3)
LENGTH = 6
"""Samples of each sequence, which are three windows."""


def machines(sequences: int = 6, seed: int = 1) -> Divided:
    """Four sequences to train on and two held out, which all begin in the same way and then differ."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(sequences * LENGTH, 3))
    rows = computed(["a", "b", "y"], values)._replace(sequences={str(n): LENGTH for n in range(sequences)})
    return divide(rows, None, 2 / sequences, SETTING.time_steps, SETTING.batch_size, standardized=False)


def windows_of(parts: Divided) -> tuple[Any, Any]:
    return cut_windows(parts.training, SETTING.time_steps, SETTING.batch_size, SETTING.targets)


CASES = {
    "single": Case("single", "every_sequence", True, "interleaved"),
    "loop": Case("loop", "every_sequence", True, "interleaved"),
    "never": Case("single", "never", True, "interleaved"),
    "every_epoch": Case("single", "every_epoch", True, "interleaved"),
    "every_batch": Case("single", "every_batch", True, "interleaved"),
}


@pytest.fixture(scope="module")
def results(keras: Any) -> dict[str, Any]:
    """What the job `train` would leave of each case."""
    return {name: train_here(keras, case, machines()) for name, case in CASES.items()}


def train_here(keras: Any, case: Case, parts: Divided) -> Any:
    from carryover.training.fitting import compile_model, make_batches, train_case
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer

    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build_model(SETTING.network, SETTING.time_steps, SETTING.batch_size, case.stateful)
    set_weights(model, weights_of(SETTING), SETTING.network)
    sequence = windows_per_sequence(parts.notes.samples_per_sequence, SETTING.time_steps)
    batches = make_batches(*windows_of(parts), SETTING.batch_size, case.batches)
    compile_model(model, build_optimizer(**SETTING.optimizer), SETTING.loss, case, len(batches))
    return train_case("x", model, batches, SETTING.epochs, case, AS_IT_IS, SETTING.targets, sequence)


def test_a_loop_with_a_reset_every_sequence_is_the_single_fit_and_no_other_training(results: dict[str, Any]) -> None:
    assert results["loop"].history.equals(results["single"].history)
    assert results["loop"].predictions.equals(results["single"].predictions)
    for name, tensor in results["single"].final.items():
        assert tensor.tobytes() == results["loop"].final[name].tobytes()
    for a, b in combinations(["single", "never", "every_epoch", "every_batch"], 2):
        assert results[a].history["loss"].iloc[-1] != results[b].history["loss"].iloc[-1]


def test_an_epoch_ends_with_states_of_zero_as_one_that_resets_every_epoch_does(results: dict[str, Any]) -> None:
    for name in ("single", "loop", "every_epoch"):
        states = [tensor for key, tensor in results[name].final.items() if key.startswith("states/")]
        assert states
        assert not any(tensor.any() for tensor in states)


def test_a_reset_every_sequence_is_one_by_hand_in_plain_keras(keras: Any, results: dict[str, Any]) -> None:
    from carryover.training.model import build_model, set_weights

    keras.backend.clear_session()
    model = build_model(SETTING.network, SETTING.time_steps, SETTING.batch_size, stateful=True)
    set_weights(model, weights_of(SETTING), SETTING.network)
    optimizer = keras.optimizers.Adam(**{key: value for key, value in ADAM.items() if key != "name"})
    model.compile(optimizer, "mse", jit_compile=False)
    x, y = windows_of(machines())
    losses = []
    for _ in range(SETTING.epochs):
        of_batches = []
        for first, second in ((0, 2), (1, 3)):  # the sequences that go side by side
            for layer in model.layers:
                if isinstance(layer, keras.layers.RNN):
                    layer.reset_state()
            for window in range(3):
                rows = [3 * first + window, 3 * second + window]
                of_batches.append(model.train_on_batch(x[rows], y[rows]))
                model.reset_metrics()
        losses.append(np.mean(of_batches))
    np.testing.assert_allclose(results["single"].history["loss"], losses, rtol=1e-6)


def test_predictions_of_a_sequence_do_not_depend_on_the_others(keras: Any) -> None:
    """A network that is not trained predicts the second sequence of each row alike, whatever the first one is."""
    from carryover.training.fitting import make_batches, predict
    from carryover.training.model import build_model, set_weights

    model = build_model(SETTING.network, SETTING.time_steps, SETTING.batch_size, stateful=True)
    set_weights(model, weights_of(SETTING), SETTING.network)
    model.compile(jit_compile=False)
    x, y = windows_of(machines())
    second = np.arange(12) // 3 % 2 == 1
    other = np.where(second[:, None, None], x, x + 1)
    made = {
        case: [
            predict(model, make_batches(inputs, y, 2, "interleaved"), CASES[case], 3)[second].tolist()
            for inputs in (x, other)
        ]
        for case in ("single", "never")
    }
    assert made["single"][0] == made["single"][1]
    assert made["never"][0] != made["never"][1]


# ---- on unseen data


@pytest.mark.parametrize("targets", ["window_end", "every_step"])
@given(time_steps=st.integers(1, 3), windows=st.integers(2, 5), data=st.data())
def test_all_forecasts_are_compared_on_samples_whose_naive_forecasts_are_of_their_own_sequence(
    targets: str, time_steps: int, windows: int, data: Any
) -> None:
    length = time_steps * windows
    horizon = data.draw(st.integers(0, length - time_steps))
    rows = numbered(dict.fromkeys("abcd", length))
    parts = divide(rows, None, 0.5, time_steps, 1, standardized=False)
    lag = longest_lag(horizon, 0)
    found = held_out_windows(parts.training, parts.held_out, time_steps, targets, length, lag)
    assert len(found.samples)
    assert found.sequences.shape == (4, length, 1)
    places = np.arange(4 * length)
    for window, samples in zip(found.windows, found.samples.reshape(len(found.windows), -1), strict=True):
        assert (window == samples[0] // length).all()
        assert samples[-1] % time_steps == time_steps - 1
    own = places[found.samples] // length == (found.samples - lag) // length
    assert own.all()
    assert found.samples.min() >= 2 * length
    expected = [
        sample
        for sample in target_samples(4 * windows, time_steps, targets)
        if sample >= 2 * length
        and (sample % length if targets == "window_end" else sample % length // time_steps * time_steps) >= lag
    ]
    assert found.samples.tolist() == expected
    known = targets_and_baselines(parts.training, parts.held_out, found.samples, horizon, 0)
    if horizon:
        assert (known["last_known"] == known["target"] + horizon).all(), "an earlier row of the same sequence"


@pytest.mark.parametrize("at_once", [1000, 4])
def test_carried_states_start_from_zero_in_each_sequence(
    keras: Any, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    from carryover.forecasts import scoring

    monkeypatch.setattr(scoring, "STEPS_AT_ONCE", at_once)
    weights, forecaster = weights_of(SETTING), scoring.Forecaster(SETTING.network)
    inputs = np.random.default_rng(2).normal(size=(3, LENGTH, 2)).astype(np.float32)
    together = forecaster.with_carried_states(weights, inputs).reshape(3, LENGTH)
    for row, alone in zip(together, inputs, strict=True):
        assert row.tolist() == forecaster.with_carried_states(weights, alone[None]).tolist()
    straight = forecaster.with_carried_states(weights, inputs.reshape(1, -1, 2)).reshape(3, LENGTH)
    assert together[0].tolist() == pytest.approx(straight[0].tolist(), rel=1e-5)
    assert abs(together[1:, 0] - straight[1:, 0]).min() > 1e-3


# ---- replicates

SHARD = Shard(1, 2)
OF_SEQUENCES = [training for training in TRAININGS.values() if training.batches == "interleaved"]


SIZE = SETTING.time_steps, SETTING.batch_size
REPLICATED = Settings(
    SETTING.network, *SIZE, "adam", {k: v for k, v in ADAM.items() if k != "name"}, "mse", SETTING.epochs, 1, 0, LENGTH
)


@pytest.fixture(scope="module")
def shard(keras: Any) -> tuple[Any, Any]:
    """The losses and the weights that the job `train_replicates` has of each training."""
    from carryover.replicates.training import train_shard

    losses, weights = train_shard(SHARD, [machines().training], AS_IT_IS, OF_SEQUENCES, REPLICATED)
    return losses, weights


@pytest.fixture(scope="module")
def alone(keras: Any) -> tuple[dict[Training, list[float]], dict[str, Any]]:
    """The losses that the job `train` has of each training of seed 2, and the errors of the job `score`."""
    from carryover.forecasts.scoring import forecast_cases
    from carryover.training.fitting import compile_model, make_batches, train
    from carryover.training.model import build_model, random_weights, set_weights
    from carryover.training.optimizers import build_optimizer

    divided = machines()
    initial = random_weights(SETTING.network, 2)
    losses: dict[Training, list[float]] = {}
    weights = {}
    for training in OF_SEQUENCES:
        case = case_of(training)
        model = build_model(SETTING.network, *SIZE, case.stateful)
        set_weights(model, initial, SETTING.network)
        batches = make_batches(*windows_of(divided), SETTING.batch_size, case.batches)
        compile_model(model, build_optimizer(**SETTING.optimizer), "mse", case, len(batches))
        of_epochs: list[float] = []
        train(model, batches, SETTING.epochs, case, lambda _, logs, to=of_epochs: to.append(logs["loss"]), 3)
        losses[training] = of_epochs
        weights[training.name] = {
            f"{layer.name}/{one.name}": np.array(one) for layer in model.layers for one in layer.weights
        }
    windows = held_out_windows(divided.training, divided.held_out, SETTING.time_steps, SETTING.targets, LENGTH, lag=1)
    known = targets_and_baselines(divided.training, divided.held_out, windows.samples, 1, 0)
    made: dict[str, Any] = {"last_known": known["last_known"]}
    made |= forecast_cases(SETTING.network, weights, windows, AS_IT_IS)
    return losses, {name: root_mean_squared_error(values, known["target"]) for name, values in made.items()}


def test_replicates_are_trained_as_the_jobs_would(shard: Any, alone: Any) -> None:
    for training in OF_SEQUENCES:
        np.testing.assert_allclose(shard[0][training][1], alone[0][training], rtol=1e-5)


@pytest.mark.parametrize("at_once", [200, 5])
def test_replicates_are_scored_as_the_jobs_would(
    monkeypatch: pytest.MonkeyPatch, shard: Any, alone: Any, at_once: int
) -> None:
    from carryover.replicates import scoring

    monkeypatch.setattr(scoring, "AT_ONCE", at_once)
    divided = machines()
    parts = Parts(divided.training, divided.held_out)
    errors = scoring.score_shard(SHARD, [parts], divided.scales, REPLICATED, shard[1])
    assert alone[1].keys() == {"last_known", *(column(one.name, states) for one in OF_SEQUENCES for states in STATES)}
    for name, error in alone[1].items():
        assert errors[name][1] == pytest.approx(error, rel=1e-4), name
    assert errors["last_known"][0] == alone[1]["last_known"]


# ---- claims


def test_a_claim_about_sequences_does_not_apply_where_their_number_or_their_length_rules_it_out() -> None:
    params = {"model": {"batch_size": 4}, "training": {"epochs": 5}}
    every_sequence, every_epoch, every_batch = (
        Training(behaviour, "interleaved") for behaviour in ("every_sequence", "every_epoch", "every_batch")
    )
    reason = why_the_same(every_epoch, every_sequence, params, windows=12, sequence=3)
    assert reason == "with one sequence in each row of the batches, resetting every sequence is resetting every epoch"
    assert not why_the_same(every_epoch, every_sequence, params, windows=24, sequence=3)
    reason = why_the_same(every_batch, every_sequence, params, windows=24, sequence=1)
    assert reason == "with one window per sequence, resetting every sequence is resetting every batch"
    assert not why_the_same(every_batch, every_sequence, params, windows=24, sequence=3)
