"""The network: stacked LSTM layers and Dense(1), in Keras."""

from collections.abc import Callable
from typing import Any

import keras

from carryover.initial_weights import Weights

UNROLLED_AT_MOST = 16
"""Windows up to this many steps are unrolled: a while loop costs more than the steps themselves. The bits are equal."""


def hard_sigmoid_2017(z: Any) -> Any:
    """Keras 2's hard sigmoid, clip(0.2 z + 0.5, 0, 1), its default activation of the gates; same shape as z.

    Keras 3's own hard_sigmoid is clip(z / 6 + 0.5, 0, 1), another function.
    Source: keras 2.0.4, keras/backend/theano_backend.py, which calls Theano's hard_sigmoid.
    """
    return keras.ops.clip(0.2 * z + 0.5, 0.0, 1.0)


RECURRENT_ACTIVATIONS: dict[str, str | Callable[[Any], Any]] = {
    "hard_sigmoid_2017": hard_sigmoid_2017,
    "hard_sigmoid": "hard_sigmoid",
    "sigmoid": "sigmoid",
}


def build_layers(
    units: list[int], recurrent_activation: str, time_steps: int, stateful: bool
) -> list[keras.layers.Layer]:
    """The layers of the network, not built yet; arguments as for build_model."""
    recurrent = [
        keras.layers.LSTM(
            count,
            recurrent_activation=RECURRENT_ACTIVATIONS[recurrent_activation],
            return_sequences=number < len(units),
            stateful=stateful,
            unroll=time_steps <= UNROLLED_AT_MOST,
            name=f"lstm_{number}",
        )
        for number, count in enumerate(units, start=1)
    ]
    return [*recurrent, keras.layers.Dense(1, name="dense")]


def build_model(
    units: list[int], recurrent_activation: str, time_steps: int, batch_size: int, stateful: bool
) -> keras.Model:
    """A network that maps (batch_size, time_steps, 1) to (batch_size, 1).

    Args:
        units: of each LSTM layer; the layers are called lstm_1, lstm_2, ..., and dense.
        recurrent_activation: a key of RECURRENT_ACTIVATIONS.
        time_steps: steps per window.
        batch_size: fixed, as stateful layers need it.
        stateful: whether the layers carry their states from one batch to the next.
    """
    inputs = keras.Input(batch_shape=(batch_size, time_steps, 1))
    hidden = inputs
    for layer in build_layers(units, recurrent_activation, time_steps, stateful):
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def random_weights(units: list[int], seed: int) -> Weights:
    """The weights that Keras's initializers give to a network of build_model, whatever its activation and windows.

    Args:
        units: as for build_model.
        seed: of Keras's random generators.
    """
    keras.utils.set_random_seed(seed)
    weights: Weights = {}
    features = 1
    for layer, count in zip(build_layers(units, "sigmoid", time_steps=1, stateful=False), [*units, 1], strict=True):
        # Building a layer alone takes a tenth of the time of building the network.
        layer.build((None, 1, features))
        weights |= {name: keras.ops.convert_to_numpy(variable.value) for name, variable in _named(layer).items()}
        features = count
    return weights


def _named(layer: keras.layers.Layer) -> dict[str, Any]:
    return {f"{layer.name}/{weight.name}": weight for weight in layer.weights}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Give a network of build_model its weights."""
    for layer in model.layers:
        for name, variable in _named(layer).items():
            variable.assign(weights[name])


def build_optimizer(learning_rate: float, rho: float, epsilon: float) -> keras.optimizers.Optimizer:
    """Adadelta (Zeiler 2012, arXiv:1212.5701) with every parameter said: Keras 3 has changed the defaults of 2017."""
    return keras.optimizers.Adadelta(learning_rate=learning_rate, rho=rho, epsilon=epsilon)
