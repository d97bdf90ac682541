"""Forecasts of a trained network as you would deploy it: with batch size 1, along the series, sample by sample."""

import math
from collections.abc import Mapping
from functools import cache

import keras
import numpy as np

from carryover.forecasts.held_out import HeldOutWindows
from carryover.forecasts.ways import STATES, column
from carryover.job.digests import digest
from carryover.job.errors import UserError
from carryover.series.dataset import Floats
from carryover.series.scales import Scale, in_own_units
from carryover.training.fitting import smaller_steps
from carryover.training.model import build_model, set_weights
from carryover.training.network import Network, OwnNetwork
from carryover.training.states import ResetStates
from carryover.training.weights import Weights

STEPS_AT_ONCE = 1000
"""The largest number of samples in one execution of the graph: more would need more memory and be no faster."""


UNBOUNDED = ("relu", "linear")
"""The activations whose outputs have no bound: carried along a series, states can grow until they overflow."""


def forecast_cases(
    network: Network | OwnNetwork, trained: Mapping[str, Weights], windows: HeldOutWindows, scale: Scale
) -> dict[str, Floats]:
    """Forecast the held-out part with the network of each case; cases with equal weights are forecast only once.

    Args:
        network: the architecture of each network.
        trained: the weights of each case.
        windows: the windows to forecast.
        scale: the scale of the target.

    Returns:
        The forecasts in the series' own units, float32 of the shape of windows.samples, by the names of ways.column.

    Raises:
        UserError: if a forecast is not finite.
    """
    forecaster = Forecaster(network)

    def forecast(case: str, weights: Weights) -> dict[str, Floats]:
        made = {
            "carried": forecaster.with_carried_states(weights, windows.sequences)[windows.samples],
            "reset": forecaster.with_reset_states(weights, windows.windows),
        }
        for states, forecasts in made.items():
            if not np.isfinite(forecasts).all():
                raise not_finite(f"case {case}", states, network, scale)
        print(f"{case}: forecast {len(windows.samples)} samples", flush=True)
        return {states: in_own_units(forecasts, scale) for states, forecasts in made.items()}

    of_weights: dict[str, dict[str, Floats]] = {}
    result: dict[str, Floats] = {}
    for case, weights in trained.items():
        key = digest(weights)
        if key not in of_weights:
            of_weights[key] = forecast(case, weights)
        result |= {column(case, states): forecasts for states, forecasts in of_weights[key].items()}
    return result


def not_finite(whose: str, states: str, network: Network | OwnNetwork, scale: Scale) -> UserError:
    """Return the error that says which forecast is not finite, and what to do about it.

    Args:
        whose: the network, in words.
        states: how its states were used, a key of ways.STATES.
        network: its architecture.
        scale: the scale of the target.
    """
    return UserError(
        f"{whose}: a forecast of unseen data with the states {STATES[states]} is not finite; "
        f"{_bounded(network, scale)}, or set dataset.held_out: 0"
    )


def _bounded(network: Network | OwnNetwork, scale: Scale) -> str:
    """Say what keeps the outputs of a network bounded."""
    if isinstance(network, Network) and network.activation in UNBOUNDED:
        return f"set model.activation: tanh, because outputs of {network.activation} may grow without bound"
    return smaller_steps(scale)


class Forecaster:
    """A network that forecasts along a series. It is built once and used with different weights.

    Args:
        network: its architecture.
    """

    def __init__(self, network: Network | OwnNetwork) -> None:
        self.network = network
        self._model = cache(self._build)

    def with_carried_states(self, weights: Weights, inputs: Floats) -> Floats:
        """Forecast every sample, with the states carried from the start of its sequence.

        Args:
            weights: the weights of the trained network, which may have had any batch size.
            inputs: the inputs of the whole series, of shape (sequences, samples, inputs).

        Returns:
            The forecasts, of shape (sequences * samples,). An OwnNetwork forecasts whole windows, so a last partial one
            has none; if it has one output for a window, all samples of the window have this forecast.
        """
        sequences, samples, _ = inputs.shape
        if isinstance(self.network, OwnNetwork):
            time_steps = self.network.batch_shape[1]
            whole = samples // time_steps
            stretches = inputs[:, : whole * time_steps].reshape(sequences, whole, time_steps, -1)
        else:
            stretches = equal_parts(inputs, STEPS_AT_ONCE).swapaxes(0, 1)
        _, of_a_sequence, size, _ = stretches.shape
        model = self._model(size, "every_step", stateful=True)
        border = ResetStates(every=of_a_sequence)  # also before the first one: the previous weights have left states
        forecasts = _predict(model, weights, np.concatenate(stretches), self.network, border)
        forecasts = forecasts.reshape(sequences * of_a_sequence, -1)
        at_each_step = np.repeat(forecasts, size // forecasts.shape[1], axis=1).reshape(sequences, -1)
        return at_each_step[:, :samples].reshape(-1)

    def with_reset_states(self, weights: Weights, windows: Floats) -> Floats:
        """Forecast the targets of each window, with the states reset before each window.

        Args:
            weights: the weights of the trained network.
            windows: the inputs, of shape (windows, time_steps, inputs).

        Returns:
            The forecasts, of shape (targets,), in the order of the series.
        """
        model = self._model(windows.shape[1], self.network.targets, stateful=False)
        return _predict(model, weights, windows, self.network).reshape(-1)

    def _build(self, time_steps: int, targets: str, stateful: bool) -> keras.Model:
        network = self.network
        if isinstance(network, Network):
            network = network._replace(targets=targets)
        model = build_model(network, time_steps, batch_size=1, stateful=stateful)
        model.compile(jit_compile=False)  # XLA generates code for the CPU it runs on
        return model


def equal_parts(series: Floats, at_most: int) -> Floats:
    """Cut series into parts of equal length; the last part is filled up with zeros, whose forecasts are to be dropped.

    >>> equal_parts(np.ones((1, 5)), at_most=3).tolist()
    [[[1.0, 1.0, 1.0]], [[1.0, 1.0, 0.0]]]

    Args:
        series: of shape (series, length, ...).
        at_most: the largest length of a part.

    Returns:
        The parts, float32 of shape (parts, series, length of a part, ...).
    """
    count, length, *rest = series.shape
    parts = math.ceil(length / at_most)
    size = math.ceil(length / parts)
    padded = np.zeros((count, parts * size, *rest), np.float32)
    padded[:, :length] = series
    return np.moveaxis(padded.reshape(count, parts, size, *rest), 1, 0)


def _predict(
    model: keras.Model,
    weights: Weights,
    inputs: Floats,
    network: Network | OwnNetwork,
    *callbacks: keras.callbacks.Callback,
) -> Floats:
    set_weights(model, weights, network)
    predictions: Floats = model.predict(inputs, batch_size=1, callbacks=[*callbacks], verbose=0)
    return predictions
