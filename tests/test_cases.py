"""The claims on real training: which spellings are the same training to the last bit, and which are not."""

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.once import Once
from helpers.project import REFERENCE, ROOT
from helpers.training import (
    ADADELTA,
    ADAM,
    RMSPROP,
    SGD,
    Setting,
    StartingModel,
    Trained,
    build,
    data_of,
    train_case,
    weights_of,
)

from carryover.job.yaml_file import read_yaml
from carryover.series.batches import batch_order, cut_windows
from carryover.series.windows import TARGETS
from carryover.training.behaviours import BATCH_ORDERS
from carryover.training.cases import Case
from carryover.training.network import ACTIVATIONS, GATES, RECURRENT_ACTIVATIONS, Network
from carryover.training.optimizers import OPTIMIZERS
from carryover.training.options import LOSSES

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


SETTINGS = {
    "of 2017": Setting([10, 10], time_steps=1, batch_size=20),
    "windows": Setting([8, 6, 4], time_steps=3, batch_size=10, recurrent_activation="sigmoid"),
    # Windows of 20 steps are too long to be unrolled.
    "long windows": Setting([8], time_steps=20, batch_size=2, recurrent_activation="hard_sigmoid"),
    "interleaved": Setting([5], 2, 10, "hard_sigmoid", optimizer=ADAM, loss="huber", batches="interleaved"),
    "gru": Setting([6], 2, 5, "sigmoid", cell="gru", inputs=2, optimizer=ADAM, loss="mae", batches="interleaved"),
    "long gru, every step": Setting(
        [3, 3], 20, 2, cell="gru", activation="sigmoid", optimizer=RMSPROP, targets="every_step"
    ),
    "simple_rnn": Setting([5, 4], 1, 10, "sigmoid", cell="simple_rnn", inputs=3, optimizer=SGD, loss="huber"),
    "relu": Setting([4], 3, 4, "sigmoid", cell="simple_rnn", activation="relu", loss="mae", batches="interleaved"),
    "every step": Setting([6, 4], 4, 5, "sigmoid", optimizer=ADAM, batches="interleaved", targets="every_step"),
    "linear": Setting([3], 1, 30, "hard_sigmoid", activation="linear", optimizer=RMSPROP, batches="interleaved"),
}
"""Every cell, activation, optimizer, loss and arrangement of batches; windows and inputs of one and of more."""


def test_the_settings_are_all_that_the_parameters_may_say() -> None:
    settings = SETTINGS.values()
    assert {s.cell for s in settings} == set(GATES)
    assert {s.recurrent_activation for s in settings if s.cell != "simple_rnn"} == set(RECURRENT_ACTIVATIONS)
    assert {s.activation for s in settings} == set(ACTIVATIONS)
    assert {s.optimizer["name"] for s in settings} == set(OPTIMIZERS)
    assert {s.loss for s in settings} == set(LOSSES)
    assert {s.batches for s in settings} == set(BATCH_ORDERS)
    assert {s.targets for s in settings} == set(TARGETS)


@pytest.fixture(scope="module")
def train_all(once: Once, keras: Any) -> Callable[[str], dict[str, Trained]]:
    """What trains every case of a setting, once for all tests."""

    def make(folder: Path, setting: Setting) -> None:
        models: dict[Any, StartingModel] = {}
        results = {}
        for name, spelling in CASES.items():
            case = Case(**spelling)._replace(batches=setting.batches)
            # Spellings of one network share it, but for one setting, in which each has its own, as a job has.
            key = name if setting is SETTINGS["of 2017"] else (case.stateful, case.reset == "every_batch")
            if key not in models:
                models[key] = build(case, setting)
            results[name] = train_case(case, setting, models[key].started())
        folder.mkdir()
        (folder / "results").write_bytes(pickle.dumps(results))

    def train(chosen: str) -> dict[str, Trained]:
        folder = once(f"cases {chosen}", lambda folder: make(folder, SETTINGS[chosen]))
        results: dict[str, Trained] = pickle.loads((folder / "results").read_bytes())
        return results

    return train


@pytest.fixture(params=SETTINGS)
def trained(request: pytest.FixtureRequest, train_all: Callable[[str], dict[str, Trained]]) -> dict[str, Trained]:
    return train_all(request.param)


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


def test_windows_of_one_step_are_the_same_training_whichever_the_targets(
    keras: Any, train_all: Callable[[str], dict[str, Trained]]
) -> None:
    case, setting = Case(**CASES["single_fit"]), SETTINGS["of 2017"]._replace(targets="every_step")
    other = train_case(case, setting, build(case, setting).started())
    one = train_all("of 2017")["single_fit"]
    assert (other.losses, other.digests, other.predictions) == (one.losses, one.digests, one.predictions)


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
                return_sequences=setting.targets == "every_step" or number < len(setting.units),
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
    if setting is not SETTINGS["of 2017"]:
        optimizer.build(model.trainable_variables)  # otherwise Keras traces the training step twice
    return model


# All cases for the network of 2017; for the others a loop with resets, and for half of them a reset before each batch.
PLAIN = [(setting, name) for setting in SETTINGS for name in (OF_2017 if setting == "of 2017" else OF_2017[:1])]
PLAIN += [(setting, "single_fit_with_batch_reset") for setting in list(SETTINGS)[1::2]]


@pytest.mark.parametrize(("chosen", "name"), PLAIN)
def test_the_fast_path_is_bit_identical_to_plain_fit_calls_on_arrays(
    keras: Any, train_all: Callable[[str], dict[str, Trained]], chosen: str, name: str
) -> None:
    from carryover import training_state_digests

    setting = SETTINGS[chosen]
    fast = train_all(chosen)[name]
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
        assert fast.predictions == predictions[np.argsort(order)].tobytes()


def test_the_committed_run_is_within_a_millionth_of_the_stack_of_2017() -> None:
    """The committed results are what DVC tracks; .ci/run makes them again and compares the bytes."""
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
    from carryover.training.fitting import compile_model, make_batches, predict, train
    from carryover.training.model import build_model, set_weights
    from carryover.training.optimizers import build_optimizer
    from carryover.training.weights import read_weights

    case = Case(**CASES[name])
    inputs, targets = cut_windows(read_series(REFERENCE / "noisy_sine.csv"), 1, 100, "window_end")
    network = Network([10, 10], "hard_sigmoid_2017")
    model = build_model(network, 1, 100, case.stateful)
    set_weights(model, read_weights(REFERENCE / "initial_weights.npz", network), network)
    compile_model(model, build_optimizer(**ADADELTA), "mse", case, 10)
    losses: list[float] = []
    batches = make_batches(inputs, targets, 100)
    train(model, batches, 70, case, lambda _, logs: losses.append(logs["loss"]))
    expected = pd.read_csv(REFERENCE / "losses.csv")[name].to_numpy()
    assert abs(np.array(losses) / expected - 1).max() < 1e-6
    if case.reset != "every_batch":  # Keras 2 could not reset before a predicted batch
        expected = pd.read_csv(REFERENCE / "predictions.csv")[name].to_numpy()
        assert abs(predict(model, batches, case) - expected).max() < 1e-6
