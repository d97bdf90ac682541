"""Forecasts of a trained network as it would be deployed: batch size 1, along the series, sample by sample."""

import keras
import numpy as np

from carryover.dataset import Floats
from carryover.model import build_model, set_weights
from carryover.network import Network
from carryover.weights import Weights

STEPS_AT_ONCE = 1000
"""How many samples one execution of the graph goes along: a longer one needs more memory and is no faster."""


def forecast_with_carried_states(network: Network, weights: Weights, inputs: Floats) -> Floats:
    """What a network forecasts at each sample, with the states carried from the start of the series.

    Args:
        network: what it is made of.
        weights: of the trained network, whatever its batch size was.
        inputs: of the whole series, of shape (samples, inputs).

    Returns:
        shape (samples,).
    """
    samples = len(inputs)
    steps = min(samples, STEPS_AT_ONCE)
    stretches = -(-samples // steps)
    # The last stretch is filled up with zeros, whose forecasts are left out.
    padded = np.zeros((stretches * steps, network.inputs), np.float32)
    padded[:samples] = inputs
    model = build_model(network, steps, batch_size=1, stateful=True, sequences=True)
    return _predict(model, weights, padded.reshape(stretches, steps, -1)).reshape(-1)[:samples]


def forecast_with_reset_states(network: Network, weights: Weights, windows: Floats) -> Floats:
    """What a network forecasts at the end of each window, with the states reset before each.

    Args:
        network: what it is made of.
        weights: of the trained network.
        windows: of shape (windows, time_steps, inputs).

    Returns:
        shape (windows,).
    """
    model = build_model(network, windows.shape[1], batch_size=1, stateful=False)
    return _predict(model, weights, windows).reshape(-1)


def _predict(model: keras.Model, weights: Weights, inputs: Floats) -> Floats:
    set_weights(model, weights)
    model.compile(jit_compile=False)  # XLA generates code for the CPU that it finds
    predictions: Floats = model.predict(inputs, batch_size=1, verbose=0)
    return predictions
