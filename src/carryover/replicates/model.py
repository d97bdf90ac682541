"""The network of replicates: one network whose weights have a leading axis of replicates.

Only its loss adds up over the replicates, and the gradient of that sum with respect to one replicate's weights depends
on that replicate alone. Every optimizer of training.optimizers works element by element. So each replicate is trained
as if it were alone.
"""

from typing import Any

import keras
import numpy as np

from carryover.replicates.cells import CELLS, affine, side_by_side
from carryover.series.dataset import Floats
from carryover.training.model import UNROLLED_AT_MOST
from carryover.training.network import Network
from carryover.training.weights import Weights

Packed = list[Floats]
"""The values of the trainable variables of a network of replicates, each with a leading axis of replicates."""


class ReplicatedRNN(keras.layers.RNN):  # type: ignore[misc]  # Keras has no types
    """Keras's RNN layer with a ReplicatedCell; maps (R, time_steps, features, B) to (R, [time_steps,] units, B)."""

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:  # noqa: ARG002
        """Return the shape of the output with the batch axis, which Keras's own method lacks."""
        replicates, time_steps, _, batch_size = sequences_shape
        steps = (time_steps,) if self.return_sequences else ()
        return (replicates, *steps, self.cell.units, batch_size)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Compute the steps of a window; a network without memory starts without states, which saves products."""
        if self.stateful or not self.unroll:
            return super().inner_loop(sequences, initial_state, mask, training)
        outputs: list[Any] = []
        states: list[Any] = []
        for step in range(sequences.shape[1]):
            output, states = self.cell(sequences[:, step], states)
            outputs.append(output)
        return outputs[-1], keras.ops.stack(outputs, axis=1), states


class ReplicatedDense(keras.layers.Layer):  # type: ignore[misc]
    """Dense(1) for replicates; maps (R, features, B) to (R, 1, B)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Add the kernel, (R, 1, 1 + features): bias and kernel side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, 1, 1 + features), name="kernel")

    def call(self, inputs: Any) -> Any:
        """Compute one product per replicate."""
        return affine(self.kernel, inputs)


def build_replicated_model(
    replicates: int, series: int, network: Network, time_steps: int, batch_size: int, stateful: bool
) -> keras.Model:
    """Build a network that maps (series, time_steps, inputs, batch_size) to (replicates, 1, targets per batch).

    If each step of a window is a target, those of a batch are the targets of the first step of its windows, then those
    of the second step, and so on.

    Args:
        replicates: how many replicates there are.
        series: how many series: one for each replicate, or 1 for all.
        network, time_steps, batch_size, stateful: as for training.model.build_model.
    """
    inputs = keras.Input(batch_shape=(series, time_steps, network.inputs, batch_size))
    hidden = _for_each(inputs, replicates)
    for layer in recurrent_layers(replicates, network, time_steps, batch_size, stateful):
        hidden = layer(hidden)
    if network.targets == "every_step":
        steps_beside_the_batch = (replicates, network.units[-1], time_steps * batch_size)
        hidden = keras.ops.reshape(keras.ops.transpose(hidden, (0, 2, 1, 3)), steps_beside_the_batch)
    return keras.Model(inputs, ReplicatedDense(name="dense")(hidden))


def recurrent_layers(
    replicates: int, network: Network, time_steps: int, batch_size: int, stateful: bool
) -> list[ReplicatedRNN]:
    """Return the recurrent layers, which have the names of those of training.model.build_layers."""
    return [
        ReplicatedRNN(
            CELLS[network.cell](count, replicates, batch_size, network),
            return_sequences=network.targets == "every_step" or name != network.layer_names[-1],
            stateful=stateful,
            unroll=time_steps <= UNROLLED_AT_MOST,
            name=name,
        )
        for name, count in zip(network.layer_names, network.units, strict=True)
    ]


def _for_each(inputs: Any, replicates: int) -> Any:
    series, *window = inputs.shape
    return inputs if series == replicates else keras.ops.broadcast_to(inputs, (replicates, *window))


def pack(weights: Weights, network: Network) -> Packed:
    """Arrange the weights of replicates as the variables of a network of build_replicated_model.

    Args:
        weights: by the names of network.weight_shapes, each with a leading axis of replicates.
        network: the architecture.
    """
    packed: Packed = []
    for layer in network.layer_names:
        own = {name: weights[f"{layer}/{name}"] for name in ("kernel", "recurrent_kernel", "bias")}
        packed += CELLS[network.cell].pack(own)
    return [*packed, side_by_side(weights["dense/bias"], weights["dense/kernel"])]


def packed_values(model: keras.Model) -> Packed:
    """Return the values of the trainable variables of a network of replicates."""
    return [np.asarray(variable) for variable in model.trainable_variables]


def set_packed(model: keras.Model, packed: Packed) -> None:
    """Set the trainable variables of a network of replicates."""
    for variable, value in zip(model.trainable_variables, packed, strict=True):
        variable.assign(value)
