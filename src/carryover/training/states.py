"""Resetting the states of all stateful recurrent layers of a model, which Keras 3 no longer offers."""

from typing import Any, Literal

import keras


def recurrent_layers(model: keras.Model) -> list[keras.layers.RNN]:
    """Return the recurrent layers of a model, including nested ones and both directions of Bidirectional layers.

    They are chosen by class, because other layers (some for preprocessing) have a `reset_state` too.
    """
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def reset_states(model: keras.Model) -> None:
    """Set the states of every stateful recurrent layer to zero.

    >>> import keras, numpy as np
    >>> from carryover import reset_states
    >>> model = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    >>> first, second = (model.predict(np.ones((1, 1, 1)), verbose=0) for _ in range(2))
    >>> reset_states(model)
    >>> third = model.predict(np.ones((1, 1, 1)), verbose=0)
    >>> bool((first == second).all()), bool((first == third).all())
    (False, True)

    Raises:
        ValueError: if there is nothing to reset, because no recurrent layer is stateful or one is not built yet. In
            that case, Keras's own `reset_state` of a layer silently does nothing.
    """
    layers = [layer for layer in recurrent_layers(model) if layer.stateful]
    if not layers:
        raise ValueError(f"model {model.name!r} has no stateful recurrent layer: nothing to reset")
    for layer in layers:
        if not layer.states:
            raise ValueError(f"layer {layer.name!r} is not built yet: it has no states to reset")
        for state in keras.tree.flatten(layer.states):  # Keras's own reset_state fails on a layer of several cells
            state.assign(keras.ops.zeros_like(state))


class ResetStates(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """A callback for `fit`, `evaluate` and `predict` that resets the states of all stateful recurrent layers.

    >>> import keras, numpy as np
    >>> from carryover import ResetStates
    >>> model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    >>> model.compile(loss="mse")
    >>> history = model.fit(
    ...     np.ones((4, 1, 1)), np.ones((4, 2)), batch_size=2, shuffle=False, epochs=3, verbose=0,
    ...     callbacks=[ResetStates(every="epoch")],
    ... )
    >>> [float(abs(state.numpy()).max()) for state in model.layers[0].states]
    [0.0, 0.0]

    Args:
        every: "epoch" resets at the end of each epoch of `fit`; "batch" resets before each batch of `fit`, `evaluate`
            and `predict`, so that a stateful network computes what a stateless one does.

    Raises:
        ValueError: if there is nothing to reset; for every="epoch" in `predict`, which has no epochs; and for
            every="batch" if the model was compiled with steps_per_execution above 1, because Keras then calls the
            callbacks only once for several batches.
    """

    def __init__(self, every: Literal["epoch", "batch"]) -> None:
        super().__init__()
        if every not in ("epoch", "batch"):
            raise ValueError(f"every is {every!r}, expected 'epoch' or 'batch'")
        self.every = every

    def _before_batch(self) -> None:
        if self.every == "batch":
            if self.model.steps_per_execution != 1:
                raise ValueError(
                    f"steps_per_execution is {self.model.steps_per_execution}: "
                    "ResetStates(every='batch') needs a model compiled with steps_per_execution=1"
                )
            reset_states(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.every == "epoch":
            reset_states(self.model)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch()

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch()

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.every == "epoch":
            raise ValueError("predict has no epochs: ResetStates(every='epoch') would do nothing; use every='batch'")

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch()
