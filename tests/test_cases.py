"""The claims on real training: which spellings are the same training to the last bit, and which are not."""

import importlib.util
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE, ROOT

from carryover.dataset import cut_windows, noisy_sine
from carryover.yaml_file import read_yaml

OF_2017 = pd.read_csv(REFERENCE / "losses.csv").columns[1:].tolist()
CASES: dict[str, dict[str, Any]] = {
    name: case for name, case in read_yaml(ROOT / "params.yaml")["cases"].items() if name in OF_2017
}
CASES |= {
    "loop_with_batch_reset": {"calls": "loop", "reset": "every_batch", "stateful": True},
    "stateless_loop": {"calls": "loop", "reset": "never", "stateful": False},
}

BEHAVIOURS = [
    ["loop_without_reset", "single_fit"],
    ["loop_with_reset", "single_fit_with_reset"],
    ["single_fit_with_batch_reset", "stateless_fit", "loop_with_batch_reset", "stateless_loop"],
]


class Setting(NamedTuple):
    units: list[int]
    time_steps: int
    batch_size: int
    recurrent_activation: str = "hard_sigmoid_2017"
    epochs: int = 4


SETTINGS = [
    Setting([10, 10], time_steps=1, batch_size=20),
    Setting([4], time_steps=3, batch_size=10, recurrent_activation="sigmoid"),
    Setting([8, 6, 4], time_steps=20, batch_size=2, recurrent_activation="hard_sigmoid"),
]
"""The last one has windows too long to be unrolled."""


class Trained(NamedTuple):
    losses: list[float]
    digests: list[dict[str, str]]
    predictions: bytes
    weights: list[Any]


def weights_of(setting: Setting) -> dict[str, Any]:
    from carryover.initial_weights import shapes

    generator = np.random.default_rng(0)
    return {name: generator.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes(setting.units).items()}


def data_of(setting: Setting) -> tuple[Any, Any]:
    series = noisy_sine(samples=120, step=0.1, noise=0.1, seed=1)
    return cut_windows(series, setting.time_steps, setting.batch_size)


def train_case(name: str, setting: Setting) -> Trained:
    import keras

    from carryover import training_state_digests
    from carryover.model import build_model, build_optimizer, set_weights
    from carryover.training import Case, compile_model, make_batches, predict, train

    # A job starts in a fresh interpreter; without this, seeds and names would count on from the case before.
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    case = Case(**CASES[name])
    inputs, targets = data_of(setting)
    model = build_model(
        setting.units, setting.recurrent_activation, setting.time_steps, setting.batch_size, case.stateful
    )
    set_weights(model, weights_of(setting))
    compile_model(model, build_optimizer(1.0, 0.95, 1e-8), "mse", case, len(inputs) // setting.batch_size)
    losses: list[float] = []
    digests: list[dict[str, str]] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        assert epoch == len(losses) + 1
        losses.append(logs["loss"])
        digests.append(training_state_digests(model))

    batches = make_batches(inputs, targets, setting.batch_size)
    train(model, batches, setting.epochs, case, record)
    return Trained(losses, digests, predict(model, batches, case).tobytes(), model.get_weights())


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def trained(request: pytest.FixtureRequest, keras: Any) -> dict[str, Trained]:
    return {name: train_case(name, request.param) for name in CASES}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda names: names[0])
def test_the_spellings_of_one_behaviour_are_bit_identical(trained: dict[str, Trained], behaviour: list[str]) -> None:
    first, *others = (trained[name] for name in behaviour)
    for other in others:
        assert other.losses == first.losses
        assert other.predictions == first.predictions
        for mine, theirs in zip(first.digests, other.digests, strict=True):
            assert mine["weights"] == theirs["weights"]
            assert mine["optimizer"] == theirs["optimizer"]
            assert mine["states"] == theirs["states"] or "" in (mine["states"], theirs["states"])


def test_the_three_behaviours_are_three_different_trainings(trained: dict[str, Trained]) -> None:
    firsts = [trained[names[0]] for names in BEHAVIOURS]
    assert len({tuple(result.losses) for result in firsts}) == 3
    assert len({result.digests[-1]["weights"] for result in firsts}) == 3
    assert len({result.predictions for result in firsts}) == 3


def test_a_reset_between_epochs_first_shows_in_the_states_and_one_epoch_later_in_the_loss(
    trained: dict[str, Trained],
) -> None:
    carried, reset = trained["single_fit"], trained["single_fit_with_reset"]
    assert carried.losses[0] == reset.losses[0]
    assert carried.digests[0]["weights"] == reset.digests[0]["weights"]
    assert carried.digests[0]["states"] != reset.digests[0]["states"]
    assert carried.losses[1] != reset.losses[1]


def load_plain() -> Any:
    spec = importlib.util.spec_from_file_location("plain", ROOT / "benchmarks/plain.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", OF_2017)
@pytest.mark.parametrize(
    "setting", [setting._replace(recurrent_activation="hard_sigmoid_2017") for setting in SETTINGS], ids=str
)
def test_the_fast_path_is_bit_identical_to_plain_fit_calls_on_arrays(keras: Any, name: str, setting: Setting) -> None:
    from carryover import training_state_digests

    fast = train_case(name, setting)
    plain = load_plain()
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = plain.build(
        weights_of(setting), setting.units, setting.time_steps, setting.batch_size, CASES[name]["stateful"]
    )
    losses = plain.fit(name, model, *data_of(setting), setting.batch_size, setting.epochs)
    assert fast.losses == losses
    assert [weight.tobytes() for weight in fast.weights] == [weight.tobytes() for weight in model.get_weights()]
    digests = training_state_digests(model)
    assert {part: fast.digests[-1][part] for part in ("optimizer", "states")} == {
        part: digests[part] for part in ("optimizer", "states")
    }
    if CASES[name]["reset"] != "every_batch":
        predictions = model.predict(data_of(setting)[0], batch_size=setting.batch_size, verbose=0)
        assert fast.predictions == predictions[:, 0].tobytes()


def test_the_committed_run_is_within_a_millionth_of_the_stack_of_2017() -> None:
    """The committed results are what DVC tracks; .ci/run makes them anew and compares the bytes."""
    losses = pd.read_csv(ROOT / "results/loss_diffs.csv")
    reference = pd.read_csv(REFERENCE / "losses.csv", index_col="epoch")
    seen = set()
    for side in "ab":
        for case, rows in losses[losses[f"case_{side}"].isin(OF_2017)].groupby(f"case_{side}"):
            expected = reference.loc[rows["epoch"], case].to_numpy()
            assert abs(rows[f"loss_{side}"].to_numpy() / expected - 1).max() < 1e-6
            seen.add(case)
    assert seen == set(OF_2017)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_2017)
def test_each_case_trained_here_is_within_a_millionth_of_the_stack_of_2017(keras: Any, name: str) -> None:
    from carryover.dataset import read_series
    from carryover.initial_weights import read_weights
    from carryover.model import build_model, build_optimizer, set_weights
    from carryover.training import Case, compile_model, make_batches, predict, train

    case = Case(**CASES[name])
    inputs, targets = cut_windows(read_series(REFERENCE / "noisy_sine.csv"), 1, 100)
    model = build_model([10, 10], "hard_sigmoid_2017", 1, 100, case.stateful)
    set_weights(model, read_weights(REFERENCE / "initial_weights.npz", [10, 10]))
    compile_model(model, build_optimizer(1.0, 0.95, 1e-8), "mse", case, 10)
    losses: list[float] = []
    batches = make_batches(inputs, targets, 100)
    train(model, batches, 70, case, lambda _, logs: losses.append(logs["loss"]))
    expected = pd.read_csv(REFERENCE / "losses.csv")[name].to_numpy()
    assert abs(np.array(losses) / expected - 1).max() < 1e-6
    if case.reset != "every_batch":  # Keras 2 could not reset before a predicted batch
        expected = pd.read_csv(REFERENCE / "predictions.csv")[name].to_numpy()
        assert abs(predict(model, batches, case) - expected).max() < 1e-6
