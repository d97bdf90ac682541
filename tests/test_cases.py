"""The claims on real training: which spellings are the same training to the last bit, and which are not."""

import importlib.util
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from helpers.project import REFERENCE, ROOT

from carryover.job.yaml_file import read_yaml
from carryover.series.batches import batch_order, cut_windows
from carryover.series.noisy_sine import noisy_sine
from carryover.training.network import Network, weight_shapes

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


ADADELTA = {"name": "adadelta", "learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-8}


class Setting(NamedTuple):
    units: list[int]
    time_steps: int
    batch_size: int
    recurrent_activation: str = "hard_sigmoid_2017"
    cell: str = "lstm"
    activation: str = "tanh"
    inputs: int = 1
    optimizer: dict[str, Any] = ADADELTA
    loss: str = "mse"
    batches: str = "contiguous"
    epochs: int = 4

    @property
    def network(self) -> Network:
        return Network(self.units, self.recurrent_activation, self.cell, self.activation, self.inputs)


ADAM = {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-7}
SGD = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}

SETTINGS = {
    "of 2017": Setting([10, 10], time_steps=1, batch_size=20),
    "windows": Setting([4], time_steps=3, batch_size=10, recurrent_activation="sigmoid"),
    # Windows of 20 steps are too long to be unrolled.
    "long windows": Setting([8, 6, 4], time_steps=20, batch_size=2, recurrent_activation="hard_sigmoid"),
    "interleaved": Setting([5], 2, 10, "hard_sigmoid", optimizer=ADAM, loss="huber", batches="interleaved"),
    "gru": Setting([6], 2, 5, "sigmoid", cell="gru", inputs=2, optimizer=ADAM, loss="mae", batches="interleaved"),
    "long gru": Setting([3, 3], 20, 2, "hard_sigmoid_2017", cell="gru", activation="sigmoid", optimizer=RMSPROP),
    "simple_rnn": Setting([5, 4], 1, 10, "sigmoid", cell="simple_rnn", inputs=3, optimizer=SGD, loss="huber"),
    "relu": Setting([4], 3, 4, "sigmoid", cell="simple_rnn", activation="relu", loss="mae", batches="interleaved"),
    "linear": Setting([3], 1, 30, "hard_sigmoid", activation="linear", optimizer=RMSPROP, batches="interleaved"),
}
"""Every cell, activation, optimizer, loss and arrangement of batches; windows and inputs of one and of more."""


def test_the_settings_are_all_that_the_schema_allows() -> None:
    schema = read_yaml(ROOT / "workflow/schemas/params.schema.yaml")["properties"]
    settings = SETTINGS.values()
    assert {s.cell for s in settings} == set(schema["model"]["properties"]["cell"]["enum"])
    gated = {s.recurrent_activation for s in settings if s.cell != "simple_rnn"}
    assert gated == set(schema["model"]["properties"]["recurrent_activation"]["enum"])
    assert {s.activation for s in settings} == set(schema["model"]["properties"]["activation"]["enum"])
    assert {s.optimizer["name"] for s in settings} == set(schema["optimizer"]["properties"]["name"]["enum"])
    assert {s.loss for s in settings} == set(schema["training"]["properties"]["loss"]["enum"])
    batches = schema["cases"]["additionalProperties"]["properties"]["batches"]["enum"]
    assert {s.batches for s in settings} == set(batches)


class Trained(NamedTuple):
    losses: list[float]
    digests: list[dict[str, str]]
    predictions: bytes
    weights: list[Any]


def weights_of(setting: Setting) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {
        name: generator.normal(0, 0.4, shape).astype(np.float32)
        for name, shape in weight_shapes(setting.network).items()
    }


def data_of(setting: Setting) -> tuple[Any, Any]:
    series = noisy_sine(samples=120, step=0.1, noise=0.1, seed=1)
    # Further inputs are the first one, some samples later.
    series = series._replace(x=np.column_stack([np.roll(series.x, shift) for shift in range(setting.inputs)]))
    return cut_windows(series, setting.time_steps, setting.batch_size)


def train_case(name: str, setting: Setting) -> Trained:
    import keras

    from carryover import training_state_digests
    from carryover.training.cases import Case
    from carryover.training.fitting import compile_model, make_batches, predict, train
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer

    # A job starts in a fresh interpreter; without this, seeds and names would count on from the case before.
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    case = Case(**CASES[name])._replace(batches=setting.batches)  # type: ignore[arg-type]
    inputs, targets = data_of(setting)
    model = build_model(setting.network, setting.time_steps, setting.batch_size, case.stateful)
    set_weights(model, weights_of(setting))
    compile_model(model, build_optimizer(**setting.optimizer), setting.loss, case, len(inputs) // setting.batch_size)
    losses: list[float] = []
    digests: list[dict[str, str]] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        assert epoch == len(losses) + 1
        losses.append(logs["loss"])
        digests.append(training_state_digests(model))

    batches = make_batches(inputs, targets, setting.batch_size, case.batches)
    train(model, batches, setting.epochs, case, record)
    return Trained(losses, digests, predict(model, batches, case).tobytes(), model.get_weights())


@pytest.fixture(scope="module", params=SETTINGS)
def trained(request: pytest.FixtureRequest, keras: Any) -> dict[str, Trained]:
    return {name: train_case(name, SETTINGS[request.param]) for name in CASES}


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


def build_plain(setting: Setting, stateful: bool) -> Any:
    """The network of a setting as people write it."""
    import keras

    from carryover.training.model import hard_sigmoid_2017

    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}[setting.cell]
    own = {"hard_sigmoid_2017": hard_sigmoid_2017}
    gates = {"recurrent_activation": own.get(setting.recurrent_activation, setting.recurrent_activation)}
    model = keras.Sequential([keras.Input(batch_shape=(setting.batch_size, setting.time_steps, setting.inputs))])
    for number, units in enumerate(setting.units, start=1):
        model.add(
            layer(
                units,
                activation=setting.activation,
                return_sequences=number < len(setting.units),
                stateful=stateful,
                **({} if setting.cell == "simple_rnn" else gates),
            )
        )
    model.add(keras.layers.Dense(1))
    model.set_weights(list(weights_of(setting).values()))
    optimizers = {"adadelta": "Adadelta", "adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
    parameters = {key: value for key, value in setting.optimizer.items() if key != "name"}
    optimizer = getattr(keras.optimizers, optimizers[setting.optimizer["name"]])(**parameters)
    model.compile(loss=setting.loss, optimizer=optimizer)
    return model


# All cases for the network of 2017; for the others a loop with resets, and for half of them a reset before each batch.
PLAIN = [(setting, name) for setting in SETTINGS for name in (OF_2017 if setting == "of 2017" else OF_2017[:1])]
PLAIN += [(setting, "single_fit_with_batch_reset") for setting in list(SETTINGS)[1::2]]


@pytest.mark.parametrize(("chosen", "name"), PLAIN)
def test_the_fast_path_is_bit_identical_to_plain_fit_calls_on_arrays(keras: Any, chosen: str, name: str) -> None:
    from carryover import training_state_digests

    setting = SETTINGS[chosen]
    fast = train_case(name, setting)
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build_plain(setting, CASES[name]["stateful"])
    inputs, targets = data_of(setting)
    order = batch_order(len(inputs), setting.batch_size, setting.batches)
    arrays = inputs[order], targets[order]
    losses = load_plain().fit(name, model, *arrays, setting.batch_size, setting.epochs)
    assert fast.losses == losses
    assert [weight.tobytes() for weight in fast.weights] == [weight.tobytes() for weight in model.get_weights()]
    digests = training_state_digests(model)
    assert {part: fast.digests[-1][part] for part in ("optimizer", "states")} == {
        part: digests[part] for part in ("optimizer", "states")
    }
    if CASES[name]["reset"] != "every_batch":
        predictions = model.predict(arrays[0], batch_size=setting.batch_size, verbose=0)
        assert fast.predictions == predictions[np.argsort(order), 0].tobytes()


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
    from carryover.series.dataset import read_series
    from carryover.training.cases import Case
    from carryover.training.fitting import compile_model, make_batches, predict, train
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer
    from carryover.training.weights import read_weights

    case = Case(**CASES[name])
    inputs, targets = cut_windows(read_series(REFERENCE / "noisy_sine.csv"), 1, 100)
    network = Network([10, 10], "hard_sigmoid_2017")
    model = build_model(network, 1, 100, case.stateful)
    set_weights(model, read_weights(REFERENCE / "initial_weights.npz", network))
    compile_model(model, build_optimizer(**ADADELTA), "mse", case, 10)
    losses: list[float] = []
    batches = make_batches(inputs, targets, 100)
    train(model, batches, 70, case, lambda _, logs: losses.append(logs["loss"]))
    expected = pd.read_csv(REFERENCE / "losses.csv")[name].to_numpy()
    assert abs(np.array(losses) / expected - 1).max() < 1e-6
    if case.reset != "every_batch":  # Keras 2 could not reset before a predicted batch
        expected = pd.read_csv(REFERENCE / "predictions.csv")[name].to_numpy()
        assert abs(predict(model, batches, case) - expected).max() < 1e-6
