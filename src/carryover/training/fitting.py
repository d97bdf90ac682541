"""Training a case, spelled as a loop of `fit` or as one `fit`, with the states reset or carried over."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from carryover.job.digests import digest
from carryover.job.epoch_line import Epoch, print_epoch
from carryover.job.errors import UserError
from carryover.series.batches import batch_order, target_samples
from carryover.series.dataset import Floats
from carryover.series.scales import AS_IT_IS, Scale, in_own_units
from carryover.training.case_results import CaseResults
from carryover.training.cases import Case
from carryover.training.snapshot import recorded_state
from carryover.training.states import ResetStates, reset_states

BETWEEN_BATCHES = ("every_batch", "every_sequence")
"""The resets, as in `reset` of a case, that come between the batches of an epoch."""


def make_batches(inputs: Floats, targets: Floats, batch_size: int, order: str = "contiguous") -> Any:
    """Return the windows in batches, cached in memory, in the form that `fit` and `predict` take most quickly.

    Args:
        inputs: float32 of shape (windows, time_steps, inputs).
        targets: float32 of shape (windows, ...).
        batch_size: windows per batch; a divisor of the number of windows.
        order: a key of behaviours.BATCH_ORDERS.
    """
    indices = batch_order(len(inputs), batch_size, order)
    if keras.backend.backend() != "tensorflow":
        return Batches(inputs[indices], targets[indices], batch_size)
    import tensorflow as tf  # here, because the other backends need not load it

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    in_order = tf.data.Dataset.from_tensor_slices((inputs[indices], targets[indices]))
    return in_order.batch(batch_size, drop_remainder=True).cache().with_options(options)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Windows in batches, for the backends other than TensorFlow.

    Args:
        inputs, targets: of the windows, in their order.
        batch_size: windows per batch; a divisor of their number.
    """

    def __init__(self, inputs: Floats, targets: Floats, batch_size: int) -> None:
        super().__init__()
        self.windows, self.batch_size = (inputs, targets), batch_size

    def __len__(self) -> int:
        return len(self.windows[0]) // self.batch_size

    def __getitem__(self, batch: int) -> tuple[Floats, ...]:
        return tuple(part[batch * self.batch_size : (batch + 1) * self.batch_size] for part in self.windows)


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: str | keras.losses.Loss,
    case: Case,
    batches: int,
    metrics: Sequence[keras.metrics.Metric] = (),
) -> None:
    """Compile a model for speed without changing a bit: on TensorFlow, a whole epoch is one execution of the graph.

    A case that resets between batches needs Keras's callbacks there, so it executes them one by one.
    XLA stays off on TensorFlow, because it generates code for the CPU it runs on; JAX has nothing else.

    Args:
        model, optimizer, loss, metrics: as for keras.Model.compile.
        case: the case that the model is for.
        batches: batches per epoch.
    """
    backend = keras.backend.backend()
    model.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=list(metrics),
        jit_compile=backend == "jax",
        steps_per_execution=batches if backend == "tensorflow" and case.reset not in BETWEEN_BATCHES else 1,
    )
    # If `fit` has to build the optimizer, Keras traces the training step twice.
    model.optimizer.build(model.trainable_variables)


def train(
    model: keras.Model,
    batches: Any,
    epochs: int,
    case: Case,
    record: Callable[[int, dict[str, Any]], Any],
    sequence: int | None = None,
) -> None:
    """Train a compiled model as the case says.

    Args:
        model: a model that compile_model has compiled.
        batches: the result of make_batches.
        epochs: how many epochs to train, at least 1.
        case: how to call `fit`, and when to reset.
        record: a function called as record(epoch, logs) at the end of each epoch, counted from 1, after any reset at
            the epoch's end: the model is in the state in which the next epoch starts. `logs` has `loss` and each metric
            by its name.
        sequence: windows per independent sequence, for a case that resets between them.
    """
    between_batches = _resets_between_batches(case, sequence)
    # The end of an epoch is that of a sequence too.
    at_the_end = case.reset in ("every_epoch", "every_sequence")
    if case.calls == "loop":
        for epoch in range(1, epochs + 1):
            history = model.fit(batches, epochs=1, shuffle=False, callbacks=between_batches, verbose=0)
            if at_the_end:
                reset_states(model)
            record(epoch, {name: values[0] for name, values in history.history.items()})
    else:
        after_epochs = [ResetStates(every="epoch")] if at_the_end else []
        # Keras calls callbacks in order, so the recorder sees the model after the reset.
        recorder = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: record(epoch + 1, logs))
        callbacks = [*between_batches, *after_epochs, recorder]
        model.fit(batches, epochs=epochs, shuffle=False, callbacks=callbacks, verbose=0)


def _resets_between_batches(case: Case, sequence: int | None) -> list[keras.callbacks.Callback]:
    """Return the callback that resets the states between batches, if the case does.

    In interleaved batches each row runs along whole sequences, so they end together after as many batches as one has
    windows.
    """
    if case.reset not in BETWEEN_BATCHES:
        return []
    every: Any = sequence if case.reset == "every_sequence" else "batch"
    return [ResetStates(every=every)]


def predict(model: keras.Model, batches: Any, case: Case, sequence: int | None = None) -> Floats:
    """Predict the targets of each window, starting from the states that training has left.

    This advances the states, and sets the model's steps_per_execution to 1.

    Args:
        model, batches, case, sequence: as for train.

    Returns:
        The predictions, float32 of shape (targets,), in the order of the series.
    """
    callbacks = _resets_between_batches(case, sequence)
    # `predict` would unroll several steps into one graph, which takes more time to build than it saves.
    model.steps_per_execution = 1
    predicted = model.predict(batches, callbacks=callbacks, verbose=0)
    predictions: Floats = np.empty_like(predicted)
    predictions[batch_order(len(predicted), model.input_shape[0], case.batches)] = predicted
    return predictions.ravel()


def train_case(
    name: str,
    model: keras.Model,
    batches: Any,
    epochs: int,
    case: Case,
    scale: Scale,
    targets: str,
    sequence: int | None = None,
) -> CaseResults:
    """Train a case, and return its results.

    Args:
        name: the name of the case, for messages.
        model, batches, epochs, case, sequence: as for train.
        scale: the scale of the target.
        targets: at which steps of a window the model has an output, one of series.windows.TARGETS.

    Raises:
        UserError: if the training diverges, or if Keras leaves out epochs or batches.
    """
    history: list[dict[str, Any]] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        if not math.isfinite(logs["loss"]):
            raise diverged(f"case {name}: epoch {epoch}: the loss is {logs['loss']}", model.optimizer, scale)
        print_epoch(Epoch(epoch, epochs, logs["loss"]))
        digests = {f"{part}_sha256": digest(tensors) for part, tensors in recorded_state(model).items()}
        history.append({"epoch": epoch, "loss": logs["loss"]} | digests)

    train(model, batches, epochs, case, record, sequence)
    if len(history) != epochs:
        raise UserError(
            f"case {name}: Keras has trained {len(history)} of {epochs} epochs: KERAS_MAX_EPOCHS is set, or max_epochs "
            "in keras.json; put 'hermetic' before the command (hermetic python ...)"
        )
    # Copied before predicting, which advances the states.
    state = recorded_state(model).items()
    final = {f"{part}/{tensor}": array for part, tensors in state for tensor, array in tensors.items()}
    predictions = predict(model, batches, case, sequence)
    batch_size, time_steps, _ = model.input_shape
    samples = target_samples(len(batches) * batch_size, time_steps, targets)
    if len(predictions) != len(samples):
        raise UserError(
            f"case {name}: Keras has predicted {len(predictions)} of {len(samples)} samples: KERAS_MAX_STEPS_PER_EPOCH "
            "is set, or max_steps_per_epoch in keras.json; start the command with 'hermetic' (hermetic python ...)"
        )
    if not np.isfinite(predictions).all():
        raise diverged(f"case {name}: a prediction after training is not finite", model.optimizer, scale)
    table = pd.DataFrame({"sample": samples, "prediction": in_own_units(predictions, scale)})
    return CaseResults(pd.DataFrame(history), table, final)


def diverged(what: str, optimizer: keras.optimizers.Optimizer, scale: Scale = AS_IT_IS) -> UserError:
    """Return the error that says what became infinite or NaN in training, and what to do about it.

    Args:
        what: what is not finite, and where.
        optimizer: the optimizer; not each has an epsilon to raise.
        scale: the scale of the target, if it is known. That of the noisy sine is that of any series in its own units.
    """
    epsilon = ", or raise optimizer.epsilon" if hasattr(optimizer, "epsilon") else ""
    return UserError(f"{what}: training diverges; {smaller_steps(scale)}{epsilon}")


def smaller_steps(scale: Scale) -> str:
    """Say what makes the numbers of a training smaller, for a target of this scale."""
    standardize = "set dataset.standardize: true if the series is a CSV file, or " if scale == AS_IT_IS else ""
    return f"{standardize}lower optimizer.learning_rate"
