"""The weights of a network in files: those from which every case starts, and those with which one ends."""

from pathlib import Path

import numpy as np

from carryover.job.arrays import Arrays, read_arrays
from carryover.job.errors import UserError
from carryover.training.network import Network, weight_shapes

Weights = Arrays
"""float32 arrays by the names of network.weight_shapes. Gate order of an LSTM: i, f, c, o; of a GRU: z, r, h."""


def read_weights(path: Path, network: Network) -> Weights:
    """Read the weights of a network.

    Raises:
        UserError: where the file is no archive, or a weight is missing, superfluous, misshapen or not finite.
    """
    return _checked(path, read_arrays(path), network)


def read_trained_weights(path: Path, network: Network) -> Weights:
    """Read the weights of a network from the final training state of a case, its final.npz.

    Raises:
        UserError: as read_weights.
    """
    weights: Weights = {}
    for name, array in read_arrays(path).items():
        part, layer, *_, weight = name.split("/")  # weights/lstm_1/lstm_cell/kernel
        if part == "weights" and not layer.startswith("seed_generator"):  # which a layer has for dropout
            weights[f"{layer}/{weight}"] = array
    return _checked(path, weights, network)


def _checked(path: Path, weights: Weights, network: Network) -> Weights:
    expected = weight_shapes(network)
    wanted = f"the network has model.cell {network.cell}, model.units {network.units}, inputs: {network.inputs}"
    for name in sorted(weights.keys() ^ expected.keys()):
        state = "missing" if name in expected else "not a weight of this network"
        raise UserError(f"{path}: {name} is {state}; {wanted}")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise UserError(f"{path}: {name} has shape {weights[name].shape}, expected {shape}; {wanted}")
        if weights[name].dtype != np.float32:
            raise UserError(f"{path}: {name} has dtype {weights[name].dtype}, expected float32")
        if not np.isfinite(weights[name]).all():
            raise UserError(f"{path}: {name} holds a value that is not finite")
    return {name: weights[name] for name in expected}
