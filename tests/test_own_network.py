"""A network that a file of the user builds: the claims hold for it, and mistakes in the file are told in one line."""

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.engines import dvc_graph, planned_steps, snakemake_graph
from helpers.project import ENGINES, ONE_SHARD, ROOT, TINY, TWO_SHARDS, Project
from helpers.training import ADAM, Setting, data_of

from carryover.comparison.partings import first_parting
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.params.build_file import check_build
from carryover.series.noisy_sine import noisy_sine
from carryover.series.scales import AS_IT_IS
from carryover.training.case_results import CaseResults
from carryover.training.cases import Case
from carryover.training.network import STACKED, OwnNetwork

SIZE = Setting([], time_steps=3, batch_size=10, epochs=3)
BATCH_SHAPE = (SIZE.batch_size, SIZE.time_steps, SIZE.inputs)
EXAMPLE = "models/gru_with_dropout.py"

RICH = """
import keras


def build(batch_shape, stateful):
    inputs = keras.Input(batch_shape=batch_shape)
    both = keras.layers.Bidirectional(keras.layers.LSTM(2, stateful=stateful, unroll=True, recurrent_dropout=0.2))
    hidden = keras.layers.BatchNormalization()(both(inputs))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dropout(0.3)(hidden)))
"""
"""Random layers, weights that are not trained, and states in two nested layers."""

SMALL = """
import keras


def build(batch_shape, stateful):
    return keras.Sequential([
        keras.Input(batch_shape=batch_shape),
        keras.layers.SimpleRNN(2, stateful=stateful, unroll=True),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1),
    ])
"""

CASES = {
    "loop": Case("loop", "never", stateful=True),
    "single": Case("single", "never", stateful=True),
    "loop_with_reset": Case("loop", "every_epoch", stateful=True),
    "single_with_reset": Case("single", "every_epoch", stateful=True),
    "batch_reset": Case("single", "every_batch", stateful=True),
    "stateless": Case("single", "never", stateful=False),
    "stateless_loop": Case("loop", "never", stateful=False),
}
SAME = [["loop", "single"], ["loop_with_reset", "single_with_reset"], ["batch_reset", "stateless", "stateless_loop"]]


def network_in(folder: Path, text: str) -> OwnNetwork:
    (folder / "mine.py").write_text(text)
    return OwnNetwork(str(folder / "mine.py"), BATCH_SHAPE)


def train_cases(network: OwnNetwork, cases: dict[str, Case], seed: int = 3) -> dict[str, CaseResults]:
    """Train cases from the weights of a seed; those that Keras executes alike share what is compiled."""
    from carryover.replicates.restart import Restartable
    from carryover.training.fitting import compile_model, make_batches, train_case
    from carryover.training.model import build_model, random_weights, set_weights
    from carryover.training.optimizers import build_optimizer

    weights = random_weights(network, seed)
    batches = make_batches(*data_of(SIZE), SIZE.batch_size)
    compiled: dict[Any, Restartable] = {}
    results = {}
    for name, case in cases.items():
        key = case.stateful, case.reset == "every_batch"
        if key not in compiled:
            model = build_model(network, SIZE.time_steps, SIZE.batch_size, case.stateful)
            compile_model(model, build_optimizer(**ADAM), "mse", case, len(batches))
            compiled[key] = Restartable(model)
        model = compiled[key].restarted()
        model.steps_per_execution = 1 if case.reset == "every_batch" else len(batches)  # a prediction sets it to 1
        set_weights(model, weights, network)
        results[name] = train_case(name, model, batches, SIZE.epochs, case, AS_IT_IS, SIZE.targets)
    return results


@pytest.fixture(scope="module")
def rich(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResults]:
    return train_cases(network_in(tmp_path_factory.mktemp("rich"), RICH), CASES)


def test_the_spellings_of_one_training_are_bit_identical_with_dropout_and_normalization(
    rich: dict[str, CaseResults],
) -> None:
    for first, *others in SAME:
        for other in others:
            assert first_parting(rich[first], rich[other]) is None, (first, other)
    assert len({rich[names[0]].history["weights_sha256"].iloc[-1] for names in SAME}) == 3
    assert len({rich[names[0]].history["loss"].iloc[-1] for names in SAME}) == 3


def test_the_random_layers_draw_and_the_states_of_nested_layers_are_carried(rich: dict[str, CaseResults]) -> None:
    final = rich["single"].final
    seeds = [array for name, array in final.items() if "seed_generator" in name]
    # A draw for each batch; the other two, of recurrent layers without dropout of their inputs, draw as often.
    assert seeds
    assert all(seed[1] > 0 for seed in seeds)
    states = [array for name, array in final.items() if name.startswith("states/")]
    assert len(states) == 4
    assert all(np.any(state) for state in states)
    assert any("moving_mean" in name and np.any(array) for name, array in final.items())


def test_other_dropout_without_states_is_found_and_the_verdict_names_epoch_and_layer(
    keras: Any, tmp_path: Path
) -> None:
    from carryover.comparison.claims import claims
    from carryover.comparison.explanation import explain, summary
    from carryover.comparison.verdict import _claims

    network = network_in(tmp_path, SMALL.replace("0.3", "0.5 if stateful else 0.3"))
    found = train_cases(network, {name: CASES[name] for name in ("batch_reset", "stateless")})
    pair = ["batch_reset", "stateless"]
    (name,) = claims({"claims": {"identical": [pair], "different": []}})
    text = _claims({"claims": {name: {"holds": False} | summary(explain(*found.values()))}})
    (row,) = (line for line in text.splitlines() if line.startswith("| `batch_reset`"))
    assert "| **no** | part at epoch 1 (loss, weights, optimizer); loss from epoch 1" in row
    assert "; at the end most in `weights/sequential/dense/kernel` |" in row


def test_a_seed_draws_the_same_weights_each_time_and_another_seed_others(keras: Any, tmp_path: Path) -> None:
    from carryover.training.model import random_weights

    network = network_in(tmp_path, RICH)
    first, again, other = (random_weights(network, seed) for seed in (1, 1, 2))
    assert first.keys() == again.keys() == other.keys()
    assert {name for name in first if "kernel" in name} and {name for name in first if "seed_generator" in name}
    for name in first:
        assert first[name].tobytes() == again[name].tobytes()
        assert ("kernel" in name or "seed_generator" in name) == (first[name].tobytes() != other[name].tobytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py"], "no bytecode beside it"


LINES = "import keras\n\n\ndef build(batch_shape, stateful):\n    inputs = keras.Input(batch_shape=batch_shape)\n"
RECURRENT = "    hidden = keras.layers.SimpleRNN(2, stateful=stateful)(inputs)\n"
END = "    return keras.Model(inputs, keras.layers.Dense(1)(hidden))\n"

MISTAKES = {
    "no function": ("BUILD = 1\n", "mine.py: there is no function build(batch_shape, stateful); define it"),
    "syntax": (f"{LINES}    retrun\n  x\n", "mine.py, line 7: IndentationError: unindent does not match"),
    "at import": ("import nothing_of_that_name\n", "mine.py, line 1: ModuleNotFoundError: No module named"),
    "in the function": (f"{LINES}    return hiden\n", "mine.py, line 6: NameError: name 'hiden' is not defined"),
    "in keras": (f"{LINES}    keras.layers.LSTM(-1)(inputs)\n", "mine.py, line 6: ValueError: Received an invalid"),
    "other arguments": ("def build(batch_shape):\n    pass\n", "mine.py: TypeError: build() takes 1 positional"),
    "nothing": (LINES, "returns no model of Keras 3: model is of type NoneType, expected a keras.Model"),
    "tf_keras": (
        "class Model:\n    __module__ = 'tf_keras.models'\n    name = 'old'\n\n\ndef build(*_):\n    return Model()\n",
        "returns no model of Keras 3: model 'old' is of tf_keras (Keras 2)",
    ),
    "compiled": (
        f"{LINES}{RECURRENT}{END}".replace("return", "model =") + "    model.compile()\n    return model\n",
        "returns a compiled model; do not compile it",
    ),
    "other inputs": (
        f"{LINES}{RECURRENT}{END}".replace("batch_shape=batch_shape", "batch_shape=(2, 3, 1)"),
        "takes inputs of shape (2, 3, 1); begin with keras.Input(batch_shape=batch_shape)",
    ),
    "not built": (
        "import keras\n\n\ndef build(batch_shape, stateful):\n    return keras.Sequential([keras.layers.LSTM(2)])\n",
        "takes inputs of shape None; begin with keras.Input(batch_shape=batch_shape)",
    ),
    "other outputs": (
        f"{LINES}{RECURRENT}{END}".replace("Dense(1)", "Dense(2)"),
        "puts out the shape (10, 2), expected (10, 1); end with keras.layers.Dense(1)",
    ),
    "other precision": (
        f"{LINES}{RECURRENT}{END}".replace("Dense(1)", "Dense(1, dtype='float64')"),
        "computes in float64 in layer dense; use float32 everywhere",
    ),
    "never stateful": (
        f"{LINES}{RECURRENT}{END}".replace("stateful=stateful", "stateful=False"),
        "build((10, 3, 1), stateful=True) has a recurrent layer that is not stateful, simple_rnn; give each recurrent",
    ),
    "one not stateful": (
        f"{LINES}{RECURRENT}{END}".replace("(inputs)\n", "(keras.layers.GRU(2, return_sequences=True)(inputs))\n"),
        "has a recurrent layer that is not stateful, gru; give each recurrent layer stateful=stateful",
    ),
    "nothing recurrent": (
        f"{LINES}    hidden = keras.layers.Flatten()(inputs)\n{END}",
        "has no recurrent layer; add one with stateful=stateful",
    ),
    "fixed seed at the top": (
        f"{LINES}{RECURRENT}{END}".replace("keras\n", "keras\n\nkeras.utils.set_random_seed(42)\n", 1),
        "mine.py: simple_rnn/simple_rnn_cell/kernel is the same from every seed",
    ),
    "fixed seed of an initializer": (
        f"{LINES}{RECURRENT}{END}".replace("Dense(1", "Dense(1, kernel_initializer=keras.initializers.HeNormal(7)"),
        "mine.py: dense/kernel is the same from every seed, so that replicates would not be independent; remove",
    ),
    "fixed seed of dropout": (
        f"{LINES}{RECURRENT}    hidden = keras.layers.Dropout(0.3, seed=1)(hidden)\n{END}",
        "seed_generator_state is the same from every seed",
    ),
    "always stateful": (
        f"{LINES}{RECURRENT}{END}".replace("stateful=stateful", "stateful=True"),
        "build((10, 3, 1), stateful=False) has a stateful layer, simple_rnn; give each recurrent layer stateful=",
    ),
    "other layers without states": (
        f"{LINES}{RECURRENT}    if stateful:\n        hidden = keras.layers.Dense(3)(hidden)\n{END}",
        "mine.py: the weight dense/bias is not the same in build((10, 3, 1), True) and build((10, 3, 1), False); "
        "build the same layers in both",
    ),
    "other layers with batch size 1": (
        f"{LINES}{RECURRENT}    if batch_shape[0] == 1:\n        hidden = keras.layers.Dense(3)(hidden)\n{END}",
        "is not the same in build((10, 3, 1), True) and build((1, 3, 1), True)",
    ),
    "only in training": (
        "import keras\n\n\nclass Odd(keras.layers.Layer):\n    def call(self, inputs, training=None):\n"
        "        if training:\n            raise RuntimeError('not\\nready')\n        return inputs\n\n\n"
        f"{LINES}{RECURRENT}    hidden = Odd()(hidden)\n{END}",
        "mine.py, line 7: RuntimeError: ",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_file_is_one_line_before_any_training(keras: Any, tmp_path: Path, name: str) -> None:
    from carryover.training.model import random_weights

    text, message = MISTAKES[name]
    with pytest.raises(UserError) as error:
        random_weights(network_in(tmp_path, text), seed=1)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "mine.py"))
    assert "\n" not in str(error.value)


EVERY_STEP = """
import keras

class Noise(keras.layers.Layer):
    def build(self, shape):
        fixed = keras.initializers.RandomNormal(seed=1)
        self.scale = self.add_weight(shape=shape[1:], initializer=fixed, trainable=False)
        self.seeds = keras.random.SeedGenerator()

    def call(self, inputs):
        return inputs + self.scale * keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)

def build(batch_shape, stateful):
    inputs = keras.Input(batch_shape=batch_shape)
    hidden = keras.layers.Conv1D(4, 2, padding="causal")(inputs)
    layer = keras.layers.LSTM(4, stateful=stateful, return_sequences=True, recurrent_initializer="identity")
    hidden = Noise()(layer(hidden))
    hidden = keras.layers.MultiHeadAttention(2, 2)(hidden, hidden, use_causal_mask=True)
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(hidden))
"""
"""Outputs that depend on earlier steps only, random in forecasts too, and weights that no seed need change."""


def test_with_a_target_at_every_step_no_output_may_depend_on_later_steps(keras: Any, tmp_path: Path) -> None:
    from carryover.training.own_network import check_own_network

    check_own_network(network_in(tmp_path, EVERY_STEP)._replace(targets="every_step"))
    both = EVERY_STEP.replace("hidden = Noise()(layer(", "hidden = Noise()(keras.layers.Bidirectional(layer)(")
    for text in (
        both,
        EVERY_STEP.replace("causal_mask=True", "causal_mask=False"),
        EVERY_STEP.replace('"causal"', '"same"'),
    ):
        with pytest.raises(
            UserError, match=r"mine\.py: an output depends on later steps of its window, but may"
        ) as error:
            check_own_network(network_in(tmp_path, text)._replace(targets="every_step"))
        assert "\n" not in str(error.value)
    check_own_network(OwnNetwork(str(tmp_path / "mine.py"), (10, 1, 1), "every_step"))  # one step has no later ones


def test_with_a_target_at_every_step_the_error_says_how_to_get_an_output_at_each(keras: Any, tmp_path: Path) -> None:
    from carryover.training.own_network import check_own_network

    hint = r"expected \(10, 3, 1\); .* return_sequences=True in every recurrent layer, or model.targets: window_end$"
    with pytest.raises(UserError, match=hint):
        check_own_network(network_in(tmp_path, SMALL)._replace(targets="every_step"))


@pytest.mark.parametrize("where", [EXAMPLE, "docs/own_network.md"])
def test_what_people_copy_is_right(keras: Any, tmp_path: Path, where: str) -> None:
    from carryover.training.own_network import check_own_network

    text = (ROOT / where).read_text()
    check_own_network(network_in(tmp_path, text.split("```python\n")[1].split("```")[0] if "docs" in where else text))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "models").mkdir()
    shutil.copy(ROOT / STACKED, tmp_path / STACKED)
    (tmp_path / "models/mine.py").write_text(SMALL)
    yield tmp_path


RANDOM = {"build": "models/mine.py", "initial_weights": "random"}


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        (SMALL, {"build": "models/mien.py"}, "there is no file models/mien.py; put it there, and for `dvc exp run"),
        (SMALL, {"build": "models/mien.py"}, "git add models/mien.py; did you mean models/mine.py?"),
        ("def biuld(): pass\n", {}, "models/mine.py has no function build(batch_shape, stateful); define it"),
        ("x = 1\ndef build(:\n", {}, "model.build: models/mine.py, line 2: SyntaxError: invalid syntax; correct"),
        ("x = '\0'\n", {}, "model.build: models/mine.py"),
        (SMALL, {"initial_weights": "data/reference/x.npz"}, "model.initial_weights: data/reference/x.npz is for"),
    ],
)
def test_a_mistake_about_the_file_is_reported_with_the_parameters(
    root: Path, text: str, change: dict[str, str], message: str
) -> None:
    """The file is not run: that needs Keras, and both engines check the parameters first."""
    (root / "models/mine.py").write_text(f"{text}\nraise SystemExit\n" if text == SMALL else text)
    with pytest.raises(UserError) as error:
        check_build(RANDOM | change, root)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_code_in_the_place_of_the_stacked_network_is_refused_rather_than_ignored(root: Path) -> None:
    stacked = {"build": STACKED, "initial_weights": "data/reference/x.npz"}
    check_build(stacked, root)
    check_build(RANDOM, root)
    (root / STACKED).write_text(SMALL)
    with pytest.raises(UserError, match=r"the code in models/stacked\.py would be ignored"):
        check_build(stacked, root)


def test_a_replicate_is_the_ordinary_training_of_its_seed(keras: Any, tmp_path: Path) -> None:
    """To the last bit, on the series of its seed, whatever was trained before it by the same compiled model."""
    from carryover.forecasts.held_out import held_out_windows, root_mean_squared_error
    from carryover.forecasts.scoring import forecast_cases
    from carryover.replicates.one_by_one import train_one_by_one
    from carryover.replicates.series import Parts
    from carryover.replicates.settings import Settings
    from carryover.replicates.shards import Shard

    network = network_in(tmp_path, SMALL)
    series = [noisy_sine(samples=140, step=0.1, noise=0.1, seed=seed) for seed in (1, 2)]
    parts = [Parts(one.part(slice(120)), one.part(slice(120, None))) for one in series]
    adam = {key: value for key, value in ADAM.items() if key != "name"}
    settings = Settings(network, SIZE.time_steps, SIZE.batch_size, "adam", adam, "mse", SIZE.epochs)
    cases = {
        "stateless": CASES["stateless"],
        "single": CASES["single"],
        "single_with_reset": CASES["single_with_reset"],
    }
    trainings = [case.training for case in cases.values()]
    losses, errors = train_one_by_one(Shard(2, 3), [parts[1], parts[0]], [AS_IT_IS] * 2, trainings, settings)
    alone = train_cases(network, cases)  # on the series with seed 1
    windows = held_out_windows(*parts[0], SIZE.time_steps, SIZE.targets)
    weights = {
        name: {key.removeprefix("weights/"): array for key, array in case.final.items() if key.startswith("weights/")}
        for name, case in alone.items()
    }
    forecasts = forecast_cases(network, weights, windows, AS_IT_IS)
    targets = np.concatenate([part.y for part in parts[0]])[windows.samples]
    for name, case in cases.items():
        assert losses[case.training][1].tolist() == alone[name].history["loss"].tolist()
        assert losses[case.training].shape == (2, SIZE.epochs)
        for states in ("carried", "reset"):
            error = root_mean_squared_error(forecasts[f"{name}/{states}"], targets)
            assert errors[f"{case.training.name}/{states}"][1] == error
    assert errors["mean"].shape == (2,)
    assert len({tuple(loss[1]) for loss in losses.values()}) == 3


def test_the_states_are_carried_from_window_to_window_and_reset_at_each(keras: Any, tmp_path: Path) -> None:
    from carryover.forecasts.scoring import Forecaster
    from carryover.training.model import random_weights

    network = network_in(tmp_path, SMALL)
    weights = random_weights(network, seed=1)
    inputs = np.random.default_rng(1).normal(size=(14, 1)).astype(np.float32)
    kernel, recurrent, bias, dense, last = (weights[name] for name in weights if "seed_generator" not in name)
    state, by_hand, reset = np.zeros(2), [], []
    for number in range(12):
        state = np.tanh(inputs[number] @ kernel + state @ recurrent + bias)
        by_hand.append(state @ dense + last)
    for window in inputs[:12].reshape(4, 3, 1):
        state = np.zeros(2)
        for one in window:
            state = np.tanh(one @ kernel + state @ recurrent + bias)
        reset.append(state @ dense + last)
    forecaster = Forecaster(network)
    for _ in range(2):  # the second time, from where the first has left the states
        carried = forecaster.with_carried_states(weights, inputs[None])
        np.testing.assert_allclose(carried[2::3], np.ravel(by_hand)[2::3], atol=1e-5)
        np.testing.assert_allclose(
            forecaster.with_reset_states(weights, inputs[:12].reshape(4, 3, 1)), np.ravel(reset), atol=1e-5
        )


OF_EXAMPLE = {"model": TINY["model"] | {"build": EXAMPLE, "initial_weights": "random"}}


def test_both_engines_depend_on_the_file_and_plan_what_reads_it_after_an_edit(project: Project) -> None:
    project.write_params(project.params() | TINY | OF_EXAMPLE | ONE_SHARD)
    graphs = snakemake_graph(project), dvc_graph(project)
    for graph in graphs:
        reading = {job["step"] for job in graph.values() if EXAMPLE in job["inputs"]}
        assert reading - {"check_params"} == {"make_initial_weights", "train", "train_replicates", "score"}


@pytest.mark.slow
def test_the_whole_pipeline_trains_the_example_with_the_same_bytes_by_both_engines(
    project: Project, tmp_path: Path
) -> None:
    """But for the figures, which no network draws; and with a single case."""
    one = {"cases": {"single_fit": TINY["cases"]["single_fit"]}, "claims": {"identical": [], "different": []}}
    project.write_params(project.params() | TINY | OF_EXAMPLE | TWO_SHARDS | one)
    project.put_stand_ins("render_figures")
    project.commit("example")
    other = project.copy(tmp_path / "other")
    project(*ENGINES["snakemake"])
    other(*ENGINES["dvc"])
    assert project.artifacts() == other.artifacts()
    made = project.artifacts()
    assert {f"results/replicates/{seed}-{seed}/errors.csv" for seed in (1, 2)} <= made.keys()
    assert b"gru_1/gru_cell/kernel" in made["results/cases/single_fit/final.npz"]
    for one in (project, other):
        assert not list((one.folder / "models").rglob("*.pyc"))
        one.assert_snakemake_is_content()
    other.assert_dvc_is_content()
    # An edit trains again.
    file = project.folder / EXAMPLE
    file.write_text(file.read_text().replace("GRU(8", "GRU(7"))
    done = project.run("snakemake", "--dry-run", "--nocolor")
    planned = planned_steps(done.stdout + done.stderr)
    assert {"make_initial_weights", "train", "train_replicates", "score", "compare"} <= planned
    assert "models" not in read_yaml(ROOT / "params.yaml")["folders"].values()
    with chdir(other.folder):
        (other.folder / EXAMPLE).write_text(file.read_text())
        assert EXAMPLE in other("dvc", "status")
