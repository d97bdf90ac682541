"""Replicates of the network, trained at once: one network whose weights have a leading axis of replicates.

Its input has the shape (replicates, time_steps, inputs, batch_size), so Keras's own recurrent layer takes the
replicates for its batch. Only the loss adds up over the replicates, and its gradient with respect to one replicate's
weights depends on that replicate alone. With an optimizer that works element by element, each replicate is therefore
trained as if it were alone.

The equations are those of training.model.build_model, arranged for speed, which changes the rounding. The batch comes
last, so that each gate is one block of memory. The weights of a layer are one matrix, so that each step is one product.
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
    # This is clip(slope z + 0.5, 0, 1) in a form whose gradient TensorFlow computes many times faster.
    return lambda z: keras.ops.relu6(6 * slope * z + 3) / 6


RECURRENT_ACTIVATIONS = {
    "hard_sigmoid_2017": _hard_sigmoid(0.2),
    "hard_sigmoid": _hard_sigmoid(1 / 6),
    "sigmoid": keras.ops.sigmoid,
}
"""The activations of the gates, equal to those in training.model.ACTIVATIONS up to rounding."""


def _affine(kernel: Any, *inputs: Any) -> Any:
    """Return each replicate's kernel, (R, outputs, features + 1), times its inputs, (R, features, B), and a row of 1s.

    The result has the shape (R, outputs, B).
    """
    ones = keras.ops.ones_like(inputs[0][:, :1])
    return keras.ops.matmul(kernel, keras.ops.concatenate([*inputs, ones], axis=1))


class ReplicatedLSTMCell(keras.layers.LSTMCell):  # type: ignore[misc]  # Keras has no types
    """Keras's LSTM cell for replicates.

    Args:
        units: as for keras.layers.LSTMCell.
        replicates: how many replicates there are, R.
        batch_size: the batch size of each replicate, B.
        others: as for keras.layers.LSTMCell.
    """

    def __init__(self, units: int, replicates: int, batch_size: int, **others: Any) -> None:
        super().__init__(units, **others)
        self.state_shape = (replicates, units, batch_size)

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Add the kernel, (R, 4 units, features + units + 1): kernel, recurrent kernel and bias side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, 4 * self.units, features + self.units + 1), name="kernel")

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:  # noqa: ARG002  # Keras's name for R
        """Return the hidden state and the cell state, zeros of shape (R, units, B)."""
        return [keras.ops.zeros(self.state_shape) for _ in range(2)]

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:  # noqa: ARG002
        """Compute one step for inputs of shape (R, features, B), by Keras's own equations of the gates."""
        hidden, carry = states
        z = _affine(self.kernel, inputs, hidden)
        carry, output = self._compute_carry_and_output_fused(keras.ops.split(z, 4, axis=1), carry)
        hidden = output * self.activation(carry)
        return hidden, [hidden, carry]


class ReplicatedLSTM(keras.layers.RNN):  # type: ignore[misc]
    """Keras's RNN layer with a ReplicatedLSTMCell; maps (R, time_steps, features, B) to (R, [time_steps,] units, B)."""

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:  # noqa: ARG002
        """Return the shape of the output with the batch axis, which Keras's own method lacks."""
        replicates, time_steps, _, batch_size = sequences_shape
        steps = (time_steps,) if self.return_sequences else ()
        return (replicates, *steps, self.cell.units, batch_size)


class ReplicatedDense(keras.layers.Layer):  # type: ignore[misc]
    """Dense(1) for replicates; maps (R, features, B) to (R, 1, B)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Add the kernel, (R, 1, features + 1): kernel and bias side by side."""
        replicates, features, _ = input_shape
        self.kernel = self.add_weight(shape=(replicates, 1, features + 1), name="kernel")

    def call(self, inputs: Any) -> Any:
        """Compute one product per replicate."""
        return _affine(self.kernel, inputs)


def build_replicated_model(replicates: int, network: Network, time_steps: int, batch_size: int) -> keras.Model:
    """Build a stateful network that maps (replicates, time_steps, inputs, batch_size) to (replicates, 1, batch_size).

    The layers have the same names as those of training.model.build_model. The cell is always an LSTM's.

    Args:
        replicates: how many replicates there are.
        network, time_steps, batch_size: as for training.model.build_model.
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
    """Set the weights of a model of build_replicated_model; each weight has a leading axis of replicates."""
    for layer in model.layers:
        for variable in layer.weights:
            parts = [weight for name, weight in weights.items() if name.startswith(f"{layer.name}/")]
            rows = [part if part.ndim == 3 else part[:, None] for part in parts]  # a bias is a row
            variable.assign(np.concatenate(rows, axis=1).swapaxes(1, 2))


def random_weights_of_each(network: Network, seeds: Sequence[int]) -> Weights:
    """Return the weights that training.model.random_weights draws for each seed, along a leading axis of seeds.

    Drawing them by one compiled function takes a tenth of the time of building the layers again for each seed.
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
            generator.state.assign(tf.stack([seeds[place], 0]))  # the state of a new generator with this seed
            values.append(initializer(shapes[name]))
        return values

    samples = [draw(tf.constant(row, generator.state.dtype)) for row in drawn]
    random = {name: np.stack(values) for name, values in zip(initializers, zip(*samples, strict=True), strict=True)}
    constant = {name: np.zeros((len(seeds), *shape), np.float32) for name, shape in shapes.items()}
    for layer, count in zip(network.layer_names, network.units, strict=True):
        constant[f"{layer}/bias"][:, count : 2 * count] = 1  # unit_forget_bias
    return constant | random


def _initializers(network: Network) -> dict[str, Any]:
    """Return the initializers of the random weights of a new network, by the names of the weights."""
    *recurrent, dense = build_layers(network, time_steps=1, stateful=False)
    initializers = {}
    for layer in recurrent:
        initializers[f"{layer.name}/kernel"] = layer.cell.kernel_initializer
        initializers[f"{layer.name}/recurrent_kernel"] = layer.cell.recurrent_initializer
    return initializers | {f"{dense.name}/kernel": dense.kernel_initializer}


ELEMENTWISE = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion")
"""The optimizers of Keras that update an element by that element's own gradients alone."""


def check_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Check that an optimizer can train replicates at once.

    Raises:
        UserError: if the replicates of a shard would affect each other.
    """
    norms = [name for name in ("clipnorm", "global_clipnorm") if getattr(optimizer, name) is not None]
    if norms or type(optimizer).__name__ not in ELEMENTWISE:
        raise UserError(
            f"optimizer: {optimizer.name}{f' with {norms[0]}' if norms else ''} does not work element by element, so "
            "replicates trained at once would affect each other; set replicates.count: 0"
        )


def loss_of_each(loss: str, targets: Any, predictions: Any) -> Any:
    """Return the loss of each replicate, of shape (R,), for targets and predictions of shape (R, 1, batch_size)."""
    return keras.ops.mean(keras.losses.get(loss)(targets, predictions), axis=1)


class SumOfReplicates(keras.losses.Loss):  # type: ignore[misc]
    """The sum over the replicates of their mean losses.

    Args:
        loss: Keras's name of the loss.
    """

    def __init__(self, loss: str) -> None:
        super().__init__(reduction="sum")
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each replicate, which Keras then adds up."""
        return loss_of_each(self.loss, y_true, y_pred)


class LossOfEach(keras.metrics.Metric):  # type: ignore[misc]
    """The loss of each replicate, of shape (R,): its mean over the batches of an epoch, like Keras's own `loss`."""

    def __init__(self, loss: str, replicates: int) -> None:
        super().__init__(name="loss_of_each")
        self.loss = loss
        self.total = self.add_variable((replicates,), "zeros", name="total")
        self.batches = self.add_variable((), "zeros", name="batches")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ARG002
        """Add the losses of a batch."""
        self.total.assign_add(loss_of_each(self.loss, y_true, y_pred))
        self.batches.assign_add(1.0)

    def result(self) -> Any:
        """Return the mean so far."""
        return self.total / self.batches
