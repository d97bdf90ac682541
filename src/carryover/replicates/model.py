"""Replicates of the network, trained at once: one network whose weights carry a leading axis of replicates.

Its input has the shape (replicates, time_steps, inputs, batch_size), so that Keras's own recurrent layer, which knows
of no replicates, takes them for its batch. Nothing adds up over the replicates but the loss, whose gradient in one
replicate's weights is that replicate's own; with an optimizer that works element by element, each is trained as if it
were alone.

The equations are those of model.build_model, written for speed, which changes the rounding: the batch comes last, so
that the gates are whole blocks of memory, and the weights of a layer are one matrix, so that each step is one product.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from carryover.job.errors import UserError
from carryover.training.model import ACTIVATIONS, UNROLLED_AT_MOST, build_layers
from carryover.training.network import Network, weight_shapes
from carryover.training.weights import Weights


def _hard_sigmoid(slope: float) -> Callable[[Any], Any]:
    # clip(slope z + 0.5, 0, 1), whose gradient TensorFlow computes many times faster in this form.
    return lambda z: keras.ops.relu6(6 * slope * z + 3) / 6


RECURRENT_ACTIVATIONS = {
    "hard_sigmoid_2017": _hard_sigmoid(0.2),
    "hard_sigmoid": _hard_sigmoid(1 / 6),
    "sigmoid": keras.ops.sigmoid,
}
"""Of the gates, as in model.ACTIVATIONS."""


def _affine(kernel: Any, *inputs: Any) -> Any:
    """Of each replicate its kernel, (R, outputs, features + 1), times its inputs, (R, features, B), and 1 below."""
    ones = keras.ops.ones_like(inputs[0][:, :1])
    return keras.ops.matmul(kernel, keras.ops.concatenate([*inputs, ones], axis=1))


class ReplicatedLSTMCell(keras.layers.LSTMCell):  # type: ignore[misc]  # Keras has no types
    """Keras's LSTM cell for replicates.

    Args:
        replicates: how many, R.
        batch_size: of each replicate, B.
        others: as for keras.layers.LSTMCell.
    """

    def __init__(self, units: int, replicates: int, batch_size: int, **others: Any) -> None:
        super().__init__(units, **others)
        self.state_shape = (replicates, units, batch_size)

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the kernel, (R, 4 units, features + units + 1): kernel, recurrent kernel and bias side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, 4 * self.units, features + self.units + 1), name="kernel")

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:  # noqa: ARG002  # Keras's name for R
        """The hidden and the cell state, zeros of shape (R, units, B)."""
        return [keras.ops.zeros(self.state_shape) for _ in range(2)]

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:  # noqa: ARG002
        """One step: inputs of shape (R, features, B), and Keras's own equations of the gates."""
        hidden, carry = states
        z = _affine(self.kernel, inputs, hidden)
        carry, output = self._compute_carry_and_output_fused(keras.ops.split(z, 4, axis=1), carry)
        hidden = output * self.activation(carry)
        return hidden, [hidden, carry]


class ReplicatedLSTM(keras.layers.RNN):  # type: ignore[misc]
    """Keras's layer of a ReplicatedLSTMCell, from (R, time_steps, features, B) to (R, [time_steps,] units, B)."""

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:  # noqa: ARG002
        """With the batch, of which Keras's own does not know."""
        replicates, time_steps, _, batch_size = sequences_shape
        steps = (time_steps,) if self.return_sequences else ()
        return (replicates, *steps, self.cell.units, batch_size)


class ReplicatedDense(keras.layers.Layer):  # type: ignore[misc]
    """Dense(1) for replicates: (R, features, B) to (R, 1, B)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the kernel, (R, 1, features + 1): kernel and bias side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, 1, features + 1), name="kernel")

    def call(self, inputs: Any) -> Any:
        """One product per replicate."""
        return _affine(self.kernel, inputs)


def build_replicated_model(replicates: int, network: Network, time_steps: int, batch_size: int) -> keras.Model:
    """A stateful network that maps (replicates, time_steps, inputs, batch_size) to (replicates, 1, batch_size).

    The layers are called as those of model.build_model, and the arguments are the same; the cell is an LSTM's.
    """
    inputs = keras.Input(batch_shape=(replicates, time_steps, network.inputs, batch_size))
    hidden = inputs
    for name, count in zip(network.layer_names, network.units, strict=True):
        hidden = ReplicatedLSTM(
            ReplicatedLSTMCell(
                count,
                replicates,
                batch_size,
                activation=ACTIVATIONS[network.activation],
                recurrent_activation=RECURRENT_ACTIVATIONS[network.recurrent_activation],
            ),
            return_sequences=name != network.layer_names[-1],
            stateful=True,
            unroll=time_steps <= UNROLLED_AT_MOST,
            name=name,
        )(hidden)
    return keras.Model(inputs, ReplicatedDense(name="dense")(hidden))


def set_replicated_weights(model: keras.Model, weights: Weights) -> None:
    """Give a network of build_replicated_model the weights of each replicate, along a leading axis."""
    for layer in model.layers:
        for variable in layer.weights:
            parts = [weight for name, weight in weights.items() if name.startswith(f"{layer.name}/")]
            rows = [part if part.ndim == 3 else part[:, None] for part in parts]  # a bias is a row
            variable.assign(np.concatenate(rows, axis=1).swapaxes(1, 2))


def random_weights_of_each(network: Network, seeds: Sequence[int]) -> Weights:
    """What model.random_weights gives for each seed, along a leading axis.

    Drawing them by one compiled function takes a tenth of the time that building the layers anew for each seed does.
    """
    shapes = weight_shapes(network)
    generator = keras.random.SeedGenerator(0)
    drawn = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        initializers = _initializers(network)
        drawn.append([initializer.seed for initializer in initializers.values()])
    for initializer in initializers.values():
        initializer.seed = generator

    @tf.function(jit_compile=False)  # type: ignore[untyped-decorator]
    def draw(seeds: Any) -> list[Any]:
        values = []
        for place, (name, initializer) in enumerate(initializers.items()):
            generator.state.assign(tf.stack([seeds[place], 0]))  # as in a generator made of this seed
            values.append(initializer(shapes[name]))
        return values

    samples = [draw(tf.constant(row, generator.state.dtype)) for row in drawn]
    random = {name: np.stack(values) for name, values in zip(initializers, zip(*samples, strict=True), strict=True)}
    constant = {name: np.zeros((len(seeds), *shape), np.float32) for name, shape in shapes.items()}
    for layer, count in zip(network.layer_names, network.units, strict=True):
        constant[f"{layer}/bias"][:, count : 2 * count] = 1  # unit_forget_bias
    return constant | random


def _initializers(network: Network) -> dict[str, Any]:
    """The initializers of the random weights of a new network, by the weight's name."""
    *recurrent, dense = build_layers(network, time_steps=1, stateful=False)
    initializers = {}
    for layer in recurrent:
        initializers[f"{layer.name}/kernel"] = layer.cell.kernel_initializer
        initializers[f"{layer.name}/recurrent_kernel"] = layer.cell.recurrent_initializer
    return initializers | {f"{dense.name}/kernel": dense.kernel_initializer}


ELEMENTWISE = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion")
"""The optimizers of Keras whose update of an element depends on that element's own gradients alone."""


def check_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Hold an optimizer against what replicates need.

    Raises:
        UserError: where it would let the replicates of a shard act on each other.
    """
    norms = [name for name in ("clipnorm", "global_clipnorm") if getattr(optimizer, name) is not None]
    if norms or type(optimizer).__name__ not in ELEMENTWISE:
        raise UserError(
            f"optimizer: {optimizer.name}{f' with {norms[0]}' if norms else ''} does not work element by element, so "
            "that replicates trained at once would act on each other; set replicates.count: 0"
        )


def loss_of_each(loss: str, targets: Any, predictions: Any) -> Any:
    """The loss of each replicate, of shape (R,); targets and predictions of shape (R, 1, batch_size)."""
    return keras.ops.mean(keras.losses.get(loss)(targets, predictions), axis=1)


class SumOfReplicates(keras.losses.Loss):  # type: ignore[misc]
    """The sum over replicates of each one's mean loss.

    Args:
        loss: Keras's name of it.
    """

    def __init__(self, loss: str) -> None:
        super().__init__(reduction="sum")
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each replicate, for Keras to add up."""
        return loss_of_each(self.loss, y_true, y_pred)


class LossOfEach(keras.metrics.Metric):  # type: ignore[misc]
    """The mean over the batches of an epoch of the loss of each replicate, of shape (R,), as Keras's own `loss` is."""

    def __init__(self, loss: str, replicates: int) -> None:
        super().__init__(name="loss_of_each")
        self.loss = loss
        self.total = self.add_variable((replicates,), "zeros", name="total")
        self.batches = self.add_variable((), "zeros", name="batches")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ARG002
        """Add a batch."""
        self.total.assign_add(loss_of_each(self.loss, y_true, y_pred))
        self.batches.assign_add(1.0)

    def result(self) -> Any:
        """The mean so far."""
        return self.total / self.batches
