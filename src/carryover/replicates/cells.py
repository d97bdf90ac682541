"""The recurrent cells of replicates: Keras's equations for many networks at once, whose weights have a leading axis.

The arrays have the axes (replicates, features, batch), so Keras's own recurrent layer takes the replicates for its
batch. The equations are those of the cells of training.model, arranged for speed, which changes the rounding. The batch
comes last, so that each gate is one block of memory. The bias is a column of the kernel, so that each step is one
product. A cell that is called without states has states that are known to be zero, which saves the products with them.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np

from carryover.job.arrays import Arrays
from carryover.series.dataset import Floats
from carryover.training.model import ACTIVATIONS
from carryover.training.network import GATES, Network


def _hard_sigmoid(slope: float) -> Callable[[Any], Any]:
    # This is clip(slope z + 0.5, 0, 1) in a form whose gradient TensorFlow computes many times faster.
    return lambda z: keras.ops.relu6(6 * slope * z + 3) / 6


RECURRENT_ACTIVATIONS = {
    "hard_sigmoid_2017": _hard_sigmoid(0.2),
    "hard_sigmoid": _hard_sigmoid(1 / 6),
    "sigmoid": keras.ops.sigmoid,
}
"""The activations of the gates, equal to those in training.model.ACTIVATIONS up to rounding."""


def affine(kernel: Any, *inputs: Any) -> Any:
    """Return each replicate's bias plus its kernel times its inputs, of shape (R, outputs, B).

    Args:
        kernel: the result of side_by_side.
        inputs: of shape (R, features, B). They may be fewer than the kernel has columns for, if the others are zero;
            without any, the result is the bias, of shape (R, outputs, 1).
    """
    if not inputs:
        return kernel[:, :, :1]
    ones = keras.ops.ones_like(inputs[0][:, :1])
    rows = keras.ops.concatenate([ones, *inputs], axis=1)
    return keras.ops.matmul(kernel[:, :, : rows.shape[1]], rows)


def side_by_side(bias: Floats, *kernels: Floats) -> Floats:
    """Join the weights of a layer as one kernel, of shape (R, outputs, 1 + features).

    Args:
        bias: of shape (R, outputs).
        kernels: of shape (R, features, outputs).
    """
    return np.concatenate([bias[:, None], *kernels], axis=1).swapaxes(1, 2)


class ReplicatedCell(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A recurrent cell for replicates; a subclass has the equations of one kind of cell.

    Args:
        units: of each replicate.
        replicates: how many replicates there are, R.
        batch_size: the batch size of each replicate, B.
        network: the architecture, of which the activations are used.
    """

    state_count: ClassVar[int] = 1
    """How many states the cell has."""

    def __init__(self, units: int, replicates: int, batch_size: int, network: Network) -> None:
        super().__init__()
        self.units = units
        self.rows = GATES[network.cell] * units
        self.state_shape = (replicates, units, batch_size)
        self.state_size = [units] * self.state_count  # Keras's recurrent layer asks for it
        self.activation = keras.activations.get(ACTIVATIONS[network.activation])
        self.gate = RECURRENT_ACTIVATIONS[network.recurrent_activation]

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:  # noqa: ARG002  # Keras's name for R
        """Return the states, zeros of shape (R, units, B)."""
        return [keras.ops.zeros(self.state_shape) for _ in range(self.state_count)]

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Add the kernel, (R, rows, 1 + features + units): bias, kernel and recurrent kernel side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, self.rows, 1 + features + self.units), name="kernel")

    @staticmethod
    def pack(weights: Arrays) -> list[Floats]:
        """Return the values of the cell's variables.

        Args:
            weights: `kernel`, `recurrent_kernel` and `bias` of Keras's own cell, with a leading axis of replicates.
        """
        return [side_by_side(weights["bias"], weights["kernel"], weights["recurrent_kernel"])]


class ReplicatedLSTM(ReplicatedCell):
    """An LSTM."""

    state_count = 2

    def call(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Compute one step for inputs of shape (R, features, B)."""
        i, f, c, o = keras.ops.split(affine(self.kernel, inputs, *states[:1]), 4, axis=1)
        carry = self.gate(i) * self.activation(c)
        if states:
            carry += self.gate(f) * states[1]
        hidden = self.gate(o) * self.activation(carry)
        return hidden, [hidden, carry]


class ReplicatedGRU(ReplicatedCell):
    """A GRU as Keras has it: the reset gate acts after the recurrent product (reset_after=True)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Add the kernel, (R, rows, 1 + features), and the recurrent kernel, (R, rows, 1 + units), biases first."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, self.rows, 1 + features), name="kernel")
        self.recurrent = self.add_weight(shape=(replicates, self.rows, 1 + self.units), name="recurrent_kernel")

    @staticmethod
    def pack(weights: Arrays) -> list[Floats]:
        """Return the values of the cell's variables; see ReplicatedCell.pack."""
        of_input, of_hidden = weights["bias"].swapaxes(0, 1)
        return [side_by_side(of_input, weights["kernel"]), side_by_side(of_hidden, weights["recurrent_kernel"])]

    def call(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Compute one step for inputs of shape (R, features, B)."""
        z, r, h = keras.ops.split(affine(self.kernel, inputs), 3, axis=1)
        recurrent_z, recurrent_r, recurrent_h = keras.ops.split(affine(self.recurrent, *states), 3, axis=1)
        update = self.gate(z + recurrent_z)
        candidate = self.activation(h + self.gate(r + recurrent_r) * recurrent_h)
        hidden = (1 - update) * candidate
        if states:
            hidden += update * states[0]
        return hidden, [hidden]


class ReplicatedSimpleRNN(ReplicatedCell):
    """A SimpleRNN."""

    def call(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Compute one step for inputs of shape (R, features, B)."""
        hidden = self.activation(affine(self.kernel, inputs, *states))
        return hidden, [hidden]


CELLS: dict[str, type[ReplicatedCell]] = {
    "lstm": ReplicatedLSTM,
    "gru": ReplicatedGRU,
    "simple_rnn": ReplicatedSimpleRNN,
}
