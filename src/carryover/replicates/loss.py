"""The loss of replicates: what `fit` minimizes is their sum, and what is recorded is that of each."""

from typing import Any

import keras


def loss_of_each(loss: str, targets: Any, predictions: Any) -> Any:
    """Return the loss of each replicate, of shape (R,).

    Args:
        loss: Keras's name of the loss.
        targets: of shape (R, 1, targets per batch), or (1, 1, targets per batch) if they are the same for all.
        predictions: of shape (R, 1, targets per batch).
    """
    targets = keras.ops.broadcast_to(targets, keras.ops.shape(predictions))
    return keras.ops.mean(keras.losses.get(loss)(targets, predictions), axis=1)


class SumOfReplicates(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
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
