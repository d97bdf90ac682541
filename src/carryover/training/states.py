"""Resetting the states of all stateful recurrent layers of a model, which Keras 3 does not offer."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import keras


def require_keras_model(model: object) -> None:
    """Check that a model is one of Keras 3.

    Raises:
        TypeError: if it is something else.
    """
    if isinstance(model, keras.Model):
        return
    if any(ancestor.__module__.startswith("tf_keras") for ancestor in type(model).__mro__):
        name = getattr(model, "name", type(model).__name__)
        raise TypeError(
            f"model {name!r} is of tf_keras (Keras 2); Carryover needs Keras 3: "
            "unset TF_USE_LEGACY_KERAS, or build it with keras instead of tf_keras"
        )
    raise TypeError(f"model is of type {type(model).__name__}, expected a keras.Model")


def recurrent_layers(model: keras.Model) -> list[keras.layers.RNN]:
    """Return the recurrent layers of a model, including nested ones and both directions of Bidirectional layers.

    They are chosen by class, because other layers (some for preprocessing) have a `reset_state` too.

    Raises:
        TypeError: if the model is not a model of Keras 3.
    """
    require_keras_model(model)
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def state_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the states of the stateful recurrent layers that are built, by name.

    A name has the name of the layer, then of the cell if the layer has several: `lstm_1/cell_state`,
    `rnn/gru_cell/hidden_state`. It does not have the names of the models and layers around the layer, because Keras
    drops some of them from `layer.path` when it loads a model.
    """
    layers = [layer for layer in recurrent_layers(model) if layer.stateful and layer.states]
    return unique_names(pair for layer in layers for pair in _named_states(layer.name, layer.cell, layer.states))


def _named_states(prefix: str, cell: Any, states: Any) -> Iterator[tuple[str, keras.Variable]]:
    if isinstance(cell, keras.layers.StackedRNNCells):
        for one, its_states in zip(cell.cells, states, strict=True):
            # Keras takes a cell that is not a layer too, and it may have no name.
            yield from _named_states(f"{prefix}/{getattr(one, 'name', type(one).__name__)}", one, its_states)
    else:
        variables = keras.tree.flatten(states)
        names = ["hidden_state", "cell_state", *(f"state_{number}" for number in range(3, len(variables) + 1))]
        for name, variable in zip(names, variables, strict=False):
            yield f"{prefix}/{name}", variable


def unique_names(variables: Iterable[tuple[str, keras.Variable]]) -> dict[str, keras.Variable]:
    """Return variables by name, where the second of a name is called `name#2`.

    Two layers of a subclassed model may have the same name.
    """
    named: dict[str, keras.Variable] = {}
    for given, variable in variables:
        name, twin = given, 1
        while name in named:
            twin += 1
            name = f"{given}#{twin}"
        named[name] = variable
    return named


def _require_states(model: keras.Model, purpose: str) -> None:
    layers = [layer for layer in recurrent_layers(model) if layer.stateful]
    if not layers:
        raise ValueError(f"model {model.name!r} has no stateful recurrent layer: nothing to {purpose}")
    for layer in layers:
        if not layer.states:
            raise ValueError(f"layer {layer.name!r} is not built yet: it has no states to {purpose}")


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
        TypeError: if the model is not a model of Keras 3.
    """
    _require_states(model, "reset")
    # Keras's own reset_state of a layer fails if the layer has several cells.
    for state in state_variables(model).values():
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
