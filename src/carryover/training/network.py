"""The architecture of the network and the shapes of its weights, without Keras and NumPy."""

from collections.abc import Mapping
from typing import NamedTuple


class Network(NamedTuple):
    """Stacked recurrent layers with Dense(1) on top.

    Attributes:
        units: the units of each recurrent layer, from the input to the output.
        recurrent_activation: the activation of the gates, a key of model.ACTIVATIONS; a simple_rnn has no gates.
        cell: the kind of the recurrent layers: "lstm", "gru" or "simple_rnn".
        activation: the activation of a cell's output, a key of model.ACTIVATIONS.
        inputs: how many numbers the network gets at each step.
        targets: at which steps of a window it has an output, one of series.windows.TARGETS.
    """

    units: list[int]
    recurrent_activation: str
    cell: str = "lstm"
    activation: str = "tanh"
    inputs: int = 1
    targets: str = "window_end"

    @property
    def layer_names(self) -> list[str]:
        """The names of the recurrent layers: lstm_1, lstm_2, ..."""
        return [f"{self.cell}_{number}" for number in range(1, len(self.units) + 1)]


class OwnNetwork(NamedTuple):
    """A network that a Python file builds.

    Attributes:
        file: the file, with a function build(batch_shape, stateful) that returns a model of Keras.
        batch_shape: (batch_size, time_steps, inputs).
        targets: as of a Network.
    """

    file: str
    batch_shape: tuple[int, int, int]
    targets: str = "window_end"


STACKED = "models/stacked.py"
"""What `model.build` names for a Network; any other file builds an OwnNetwork."""

GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
"""How many blocks of `units` columns the kernels of each cell have."""


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight by name, in Keras's order.

    That is kernel, recurrent_kernel and bias of each recurrent layer, then kernel and bias of Dense.
    """
    expected: dict[str, tuple[int, ...]] = {}
    inputs = network.inputs
    for name, count in zip(network.layer_names, network.units, strict=True):
        columns = GATES[network.cell] * count
        expected[f"{name}/kernel"] = (inputs, columns)
        expected[f"{name}/recurrent_kernel"] = (count, columns)
        # Keras's GRU has a bias for each of its two kernels.
        expected[f"{name}/bias"] = (2, columns) if network.cell == "gru" else (columns,)
        inputs = count
    return expected | {"dense/kernel": (inputs, 1), "dense/bias": (1,)}


def misfit(shapes: Mapping[str, tuple[int, ...]], network: Network) -> str | None:
    """Say which of some weights, given by their shapes, does not fit a network; None if all do.

    >>> misfit({}, Network([10], "sigmoid"))
    'dense/bias is missing; the network has model.cell lstm, model.units [10] and 1 input(s)'
    """
    expected = weight_shapes(network)
    wanted = f"the network has model.cell {network.cell}, model.units {network.units} and {network.inputs} input(s)"
    for name in sorted(shapes.keys() ^ expected.keys()):
        return f"{name} is {'missing' if name in expected else 'not a weight of this network'}; {wanted}"
    for name, shape in expected.items():
        if shapes[name] != shape:
            return f"{name} has shape {shapes[name]}, expected {shape}; {wanted}"
    return None


ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear")
"""The activations that the output of a cell may have."""

RECURRENT_ACTIVATIONS = ("hard_sigmoid_2017", "hard_sigmoid", "sigmoid")
"""The activations that the gates of a cell may have: Keras 2's hard sigmoid, Keras 3's hard sigmoid, the sigmoid."""
