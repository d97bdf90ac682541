"""The weights from which every case starts."""

from pathlib import Path

import numpy as np

from carryover.arrays import Arrays, read_arrays
from carryover.errors import UserError

Weights = Arrays
"""float32 arrays by name: `lstm_1/kernel` (inputs, 4 units), `lstm_1/recurrent_kernel` (units, 4 units), `lstm_1/bias`
(4 units,), and so on for each layer, then `dense/kernel` (units, 1), `dense/bias` (1,). Gate order: i, f, c, o."""


def shapes(units: list[int], features: int = 1) -> dict[str, tuple[int, ...]]:
    """The name and shape of each weight of a stack of LSTM layers with Dense(1) on top, in Keras's order.

    Args:
        units: of each layer.
        features: inputs at each step.
    """
    expected: dict[str, tuple[int, ...]] = {}
    for number, count in enumerate(units, start=1):
        expected[f"lstm_{number}/kernel"] = (features, 4 * count)
        expected[f"lstm_{number}/recurrent_kernel"] = (count, 4 * count)
        expected[f"lstm_{number}/bias"] = (4 * count,)
        features = count
    return expected | {"dense/kernel": (features, 1), "dense/bias": (1,)}


def read_weights(path: Path, units: list[int]) -> Weights:
    """Read the weights of a network of these units.

    Raises:
        UserError: where the file is no archive, or a weight is missing, superfluous, misshapen or not finite.
    """
    weights = read_arrays(path)
    expected = shapes(units)
    for name in sorted(weights.keys() ^ expected.keys()):
        state = "missing" if name in expected else "not a weight of this network"
        raise UserError(f"{path}: {name} is {state}; model.units is {units}")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise UserError(f"{path}: {name} has shape {weights[name].shape}, expected {shape}; model.units is {units}")
        if weights[name].dtype != np.float32:
            raise UserError(f"{path}: {name} has dtype {weights[name].dtype}, expected float32")
        if not np.isfinite(weights[name]).all():
            raise UserError(f"{path}: {name} holds a value that is not finite")
    return {name: weights[name] for name in expected}
