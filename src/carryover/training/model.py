"""The network in Keras: stacked recurrent layers and Dense(1)."""

from collections.abc import Callable
from typing import Any

import keras

from carryover.training.network import Network
from carryover.training.weights import Weights

UNROLLED_AT_MOST = 16
"""Windows of up to this many steps are unrolled, because a while loop costs more; the bits are the same."""


def hard_sigmoid_2017(z: Any) -> Any:
    """Return Keras 2's hard sigmoid, clip(0.2 z + 0.5, 0, 1), its default activation of the gates; same shape as z.

    Keras 3's hard_sigmoid is another function, clip(z / 6 + 0.5, 0, 1).
    Source: keras 2.0.4, keras/backend/theano_backend.py, which calls Theano's hard_sigmoid.
    """
    return keras.ops.clip(0.2 * z + 0.5, 0.0, 1.0)


ACTIVATIONS: dict[str, str | Callable[[Any], Any]] = {
    "hard_sigmoid_2017": hard_sigmoid_2017,
    "hard_sigmoid": "hard_sigmoid",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "linear": "linear",
}

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}


def build_layers(network: Network, time_steps: int, stateful: bool, sequences: bool = False) -> list[Any]:
    """Return the layers of the network, not built yet; the arguments are those of build_model."""
    gates = {} if network.cell == "simple_rnn" else {"recurrent_activation": ACTIVATIONS[network.recurrent_activation]}
    recurrent = [
        CELLS[network.cell](
            count,
            activation=ACTIVATIONS[network.activation],
            **gates,
            return_sequences=sequences or name != network.layer_names[-1],
            stateful=stateful,
            unroll=time_steps <= UNROLLED_AT_MOST,
            name=name,
        )
        for name, count in zip(network.layer_names, network.units, strict=True)
    ]
    return [*recurrent, keras.layers.Dense(1, name="dense")]


def build_model(
    network: Network, time_steps: int, batch_size: int, stateful: bool, sequences: bool = False
) -> keras.Model:
    """Build a network that maps (batch_size, time_steps, inputs) to (batch_size, 1).

    The layers have the names that network.weight_shapes uses.

    Args:
        network: the architecture.
        time_steps: steps per window.
        batch_size: windows per batch, which stateful layers need to be fixed.
        stateful: whether the layers carry their states from one batch to the next.
        sequences: whether to output every step of a window, (batch_size, time_steps, 1), instead of the last one only.
    """
    inputs = keras.Input(batch_shape=(batch_size, time_steps, network.inputs))
    hidden = inputs
    for layer in build_layers(network, time_steps, stateful, sequences):
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def random_weights(network: Network, seed: int) -> Weights:
    """Draw the weights of a network by Keras's initializers; its activations and windows do not matter.

    Args:
        network: the architecture.
        seed: the seed of Keras's random generators.
    """
    keras.utils.set_random_seed(seed)
    weights: Weights = {}
    inputs = network.inputs
    layers = build_layers(network, time_steps=1, stateful=False)
    for layer, count in zip(layers, [*network.units, 1], strict=True):
        # Building the layers alone takes a tenth of the time of building the network.
        layer.build((None, 1, inputs))
        weights |= {name: keras.ops.convert_to_numpy(variable.value) for name, variable in _named(layer).items()}
        inputs = count
    return weights


def _named(layer: keras.layers.Layer) -> dict[str, Any]:
    return {f"{layer.name}/{weight.name}": weight for weight in layer.weights}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Set the weights of a model that build_model has built."""
    for layer in model.layers:
        for name, variable in _named(layer).items():
            variable.assign(weights[name])
