"""Reading the weights of a network: those from which every case starts, and those with which a case ends."""

from pathlib import Path

import numpy as np

from carryover.job.arrays import Arrays, read_arrays
from carryover.job.errors import UserError
from carryover.training.network import Network, OwnNetwork, misfit, weight_shapes

Weights = Arrays
"""float32 arrays by the names of network.weight_shapes. Order of the gates: i, f, c, o (LSTM) or z, r, h (GRU).
Those of an OwnNetwork are by Keras's paths, and have the seeds of its random layers too."""


def read_weights(path: Path, network: Network | OwnNetwork) -> Weights:
    """Read the weights of a network.

    Raises:
        UserError: if the file is not an archive, or if a weight is missing, superfluous or not finite, or has another
            shape or dtype.
        OSError: if the file is missing or cannot be read.
    """
    return _checked(path, read_arrays(path), network)


def read_trained_weights(path: Path, network: Network | OwnNetwork) -> Weights:
    """Read the weights of a network from the final training state of a case, its final.npz.

    Raises:
        UserError, OSError: as read_weights.
    """
    weights: Weights = {}
    for name, array in read_arrays(path).items():
        part, *own, weight = name.split("/")  # weights/lstm_1/lstm_cell/kernel
        if part != "weights":
            continue
        if isinstance(network, OwnNetwork):
            weights["/".join([*own, weight])] = array
        elif not own[0].startswith("seed_generator"):  # a layer has one for dropout
            weights[f"{own[0]}/{weight}"] = array
    return _checked(path, weights, network)


def _checked(path: Path, weights: Weights, network: Network | OwnNetwork) -> Weights:
    if isinstance(network, OwnNetwork):
        names = list(weights)  # only Keras knows its weights: model.set_weights compares them
    elif problem := misfit({name: weight.shape for name, weight in weights.items()}, network):
        raise UserError(f"{path}: {problem}")
    else:
        names = list(weight_shapes(network))
    for name, weight in weights.items():
        if weight.dtype != np.float32 and not isinstance(network, OwnNetwork):  # which may have whole numbers
            raise UserError(f"{path}: {name} has dtype {weight.dtype}, expected float32")
        if not np.isfinite(weight).all():
            raise UserError(f"{path}: {name} has a value that is not finite")
    return {name: weights[name] for name in names}
