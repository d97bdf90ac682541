import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REFERENCE, ROOT

from carryover.arrays import write_arrays
from carryover.errors import UserError
from carryover.initial_weights import read_weights, shapes


@pytest.mark.parametrize("units", [[10, 10], [3], [4, 1, 2]])
def test_the_shapes_are_those_of_the_network_that_keras_builds(keras: Any, units: list[int]) -> None:
    from carryover.model import build_model, random_weights

    model = build_model(units, "sigmoid", time_steps=2, batch_size=3, stateful=True)
    weights = {f"{layer.name}/{weight.name}": weight.shape for layer in model.layers for weight in layer.weights}
    assert weights == shapes(units)
    assert list(weights) == list(random_weights(units, seed=1)) == list(shapes(units))


def test_the_weights_of_the_reference_survive_writing_and_reading(tmp_path: Path) -> None:
    weights = read_weights(REFERENCE / "initial_weights.npz", [10, 10])
    write_arrays(tmp_path / "weights.npz", weights)
    again = read_weights(tmp_path / "weights.npz", [10, 10])
    assert {name: w.tobytes() for name, w in again.items()} == {name: w.tobytes() for name, w in weights.items()}


def test_random_weights_are_those_of_keras_after_its_seed(keras: Any, tmp_path: Path) -> None:
    script = f"{ROOT}/workflow/scripts/make_initial_weights.py"
    model = "--cell lstm --units 4 3 --recurrent_activation sigmoid --time_steps 1 --batch_size 2"
    command = f"hermetic python {script} --output {tmp_path}/w.npz {model} --initial_weights random --seed 5"
    subprocess.run(command.split(), check=True, env={"PATH": str(Path(sys.executable).parent)})
    keras.utils.set_random_seed(5)
    layers = [keras.layers.LSTM(4, return_sequences=True), keras.layers.LSTM(3), keras.layers.Dense(1)]
    plain = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), *layers])
    made = read_weights(tmp_path / "w.npz", [4, 3])
    assert [w.tobytes() for w in made.values()] == [w.tobytes() for w in plain.get_weights()]


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
        (good() | {"dense/bias": np.full(1, np.nan, np.float32)}, "dense/bias holds a value that is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_told_in_one_line(tmp_path: Path, weights: Any, message: str) -> None:
    write_arrays(tmp_path / "weights.npz", weights)
    with pytest.raises(UserError) as error:
        read_weights(tmp_path / "weights.npz", [10, 10])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_archive_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a NumPy archive"):
        read_weights(tmp_path / "weights.npz", [10, 10])
