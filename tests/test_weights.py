import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.project import REFERENCE
from helpers.steps import run_job
from hypothesis import given
from hypothesis import strategies as st

from carryover.job.array_shapes import read_shapes
from carryover.job.arrays import read_arrays, write_arrays
from carryover.job.errors import UserError
from carryover.training.network import Network, weight_shapes
from carryover.training.weights import read_trained_weights, read_weights

OF_2017 = Network([10, 10], "hard_sigmoid_2017")


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize(("units", "inputs"), [([10, 10], 1), ([3], 2), ([4, 1, 2], 1)])
def test_the_shapes_are_those_of_the_network_that_keras_builds(
    keras: Any, units: list[int], inputs: int, cell: str
) -> None:
    from carryover.training.model import build_model, random_weights

    network = Network(units, "sigmoid", cell, inputs=inputs)
    model = build_model(network, time_steps=2, batch_size=3, stateful=True)
    weights = {f"{layer.name}/{weight.name}": weight.shape for layer in model.layers for weight in layer.weights}
    assert weights == weight_shapes(network)
    assert list(weights) == list(random_weights(network, seed=1)) == list(weight_shapes(network))


def test_the_weights_of_a_final_training_state_are_those_of_its_network(keras: Any, tmp_path: Path) -> None:
    from carryover.training.model import build_model, random_weights, set_weights
    from carryover.training.snapshot import recorded_state

    network = Network([3, 2], "sigmoid", "gru", inputs=2)
    model = build_model(network, time_steps=1, batch_size=2, stateful=True)
    weights = random_weights(network, seed=1)
    set_weights(model, weights, network)
    final = recorded_state(model)
    write_arrays(
        tmp_path / "final.npz", {f"{part}/{n}": t for part, tensors in final.items() for n, t in tensors.items()}
    )
    read = read_trained_weights(tmp_path / "final.npz", network)
    assert {name: w.tobytes() for name, w in read.items()} == {name: w.tobytes() for name, w in weights.items()}
    with pytest.raises(UserError, match=r"gru_1/bias is not a weight of this network; the network has model.cell lstm"):
        read_trained_weights(tmp_path / "final.npz", network._replace(cell="lstm"))


def test_the_weights_of_the_reference_survive_writing_and_reading(tmp_path: Path) -> None:
    weights = read_weights(REFERENCE / "initial_weights.npz", OF_2017)
    write_arrays(tmp_path / "weights.npz", weights)
    again = read_weights(tmp_path / "weights.npz", OF_2017)
    assert {name: w.tobytes() for name, w in again.items()} == {name: w.tobytes() for name, w in weights.items()}


def test_random_weights_are_those_of_keras_after_its_seed(keras: Any, tmp_path: Path) -> None:
    model = "--build models/stacked.py --cell lstm --units 4 3 --activation tanh --recurrent_activation sigmoid"
    model += " --time_steps 1 --targets window_end --batch_size 2"
    files = f"--data {REFERENCE}/noisy_sine.csv --output {tmp_path}/w.npz"
    done = run_job("make_initial_weights", *files.split(), *model.split(), "--initial_weights", "random", "--seed", "5")
    assert done.returncode == 0, done.stderr
    keras.utils.set_random_seed(5)
    layers = [keras.layers.LSTM(4, return_sequences=True), keras.layers.LSTM(3), keras.layers.Dense(1)]
    plain = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), *layers])
    made = read_weights(tmp_path / "w.npz", Network([4, 3], "sigmoid"))
    assert [w.tobytes() for w in made.values()] == [w.tobytes() for w in plain.get_weights()]


@given(st.lists(st.lists(st.integers(0, 3), max_size=4)))
def test_the_shapes_in_an_archive_are_those_that_numpy_reads(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[list[int]]
) -> None:
    arrays = {f"layer_{number}/kernel": np.zeros(shape, np.float32) for number, shape in enumerate(shapes)}
    file = tmp_path_factory.getbasetemp() / "arrays.npz"
    write_arrays(file, arrays)
    assert read_shapes(file) == {name: array.shape for name, array in read_arrays(file).items()}


@pytest.mark.parametrize("content", [b"", b"text", (REFERENCE / "initial_weights.npz").read_bytes()[:-99]])
def test_what_is_no_archive_has_no_shapes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"x.npz: not a NumPy archive"):
        read_shapes(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(UserError, match=r"y.npz: not a NumPy archive"):
        read_shapes(tmp_path / "y.npz")


def good() -> dict[str, Any]:
    with np.load(REFERENCE / "initial_weights.npz") as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({name: w for name, w in good().items() if name != "dense/bias"}, "dense/bias is missing"),
        (good() | {"lstm_3/bias": np.zeros(4, np.float32)}, "lstm_3/bias is not a weight of this network"),
        (good() | {"dense/kernel": np.zeros((9, 1), np.float32)}, "dense/kernel has shape (9, 1), expected (10, 1)"),
        (good() | {"dense/bias": np.zeros(1)}, "dense/bias has dtype float64"),
        (good() | {"dense/bias": np.full(1, np.nan, np.float32)}, "dense/bias has a value that is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_reported_in_one_line(tmp_path: Path, weights: Any, message: str) -> None:
    write_arrays(tmp_path / "weights.npz", weights)
    with pytest.raises(UserError) as error:
        read_weights(tmp_path / "weights.npz", OF_2017)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_archive_is_reported_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a NumPy archive"):
        read_weights(tmp_path / "weights.npz", OF_2017)
