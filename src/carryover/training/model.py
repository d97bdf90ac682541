"""The network in Keras: stacked recurrent layers and Dense(1)."""

from collections.abc import Callable
from typing import Any

import keras

from carryover.training.network import Network, OwnNetwork
from carryover.training.own_network import build_own_model, check_own_network, draw_weights, set_own_weights
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


def build_layers(network: Network, time_steps: int, stateful: bool) -> list[Any]:
    """Return the layers of the network, not built yet; the arguments are those of build_model."""
    gates = {} if network.cell == "simple_rnn" else {"recurrent_activation": ACTIVATIONS[network.recurrent_activation]}
    recurrent = [
        CELLS[network.cell](
            count,
            activation=ACTIVATIONS[network.activation],
            **gates,
            return_sequences=network.targets == "every_step" or name != network.layer_names[-1],
            stateful=stateful,
            unroll=time_steps <= UNROLLED_AT_MOST,
            name=name,
        )
        for name, count in zip(network.layer_names, network.units, strict=True)
    ]
    return [*recurrent, keras.layers.Dense(1, name="dense")]


def build_model(network: Network | OwnNetwork, time_steps: int, batch_size: int, stateful: bool) -> keras.Model:
    """Build a network that maps (batch_size, time_steps, inputs) to (batch_size, *target_shape).

    The layers have the names that network.weight_shapes uses.

    Args:
        network: the architecture.
        time_steps: steps per window; an OwnNetwork has its own.
        batch_size: windows per batch, which stateful layers need to be fixed.
        stateful: whether the layers carry their states from one batch to the next.
    """
    if isinstance(network, OwnNetwork):
        return build_own_model(network, batch_size, stateful)
    inputs = keras.Input(batch_shape=(batch_size, time_steps, network.inputs))
    hidden = inputs
    for layer in build_layers(network, time_steps, stateful):
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def random_weights(network: Network | OwnNetwork, seed: int) -> Weights:
    """Draw the weights of a network by Keras's initializers; the activations and windows of a Network do not matter.

    Args:
        network: the architecture.
        seed: the seed of Keras's random generators.

    Raises:
        UserError: if an OwnNetwork cannot be trained; see check_own_network.
    """
    if isinstance(network, OwnNetwork):
        check_own_network(network)
        return draw_weights(network, seed)
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


def set_weights(model: keras.Model, weights: Weights, network: Network | OwnNetwork) -> None:
    """Set the weights of a model that build_model has built of a network."""
    if isinstance(network, OwnNetwork):
        set_own_weights(model, weights)
        return
    for layer in model.layers:
        for name, variable in _named(layer).items():
            variable.assign(weights[name])
