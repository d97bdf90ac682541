"""Resetting and setting the states of all stateful recurrent layers of a model, which Keras 3 does not offer."""

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike

from carryover.training.carrying import require_carried, write_back
from carryover.training.recurrent import recurrent_layers, require_keras_model, require_states, state_variables


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
            that case, Keras's own `reset_state` of a layer silently does nothing. On JAX, also if carry_states has not
            been called: a reset would make no difference.
        TypeError: if the model is not a model of Keras 3.
    """
    require_states(model, "reset")
    require_carried(model)
    write_back(model)
    # Keras's own reset_state of a layer fails if the layer has several cells.
    for state in state_variables(model).values():
        state.assign(keras.ops.zeros(state.shape, dtype=state.dtype))


def set_states(model: keras.Model, states: Mapping[str, ArrayLike]) -> None:
    """Set the states of every stateful recurrent layer, for example to those that `training_state` has kept.

    >>> import keras, numpy as np
    >>> from carryover import set_states, training_state
    >>> model = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    >>> kept = training_state(model).states
    >>> first = model.predict(np.ones((1, 1, 1)), verbose=0)
    >>> set_states(model, kept)  # as if the prediction had not been
    >>> second = model.predict(np.ones((1, 1, 1)), verbose=0)
    >>> bool((first == second).all())
    True

    The model may also be another one, loaded from a file or built with another batch size, if its recurrent layers have
    the same names and units. Name the layers yourself, because Keras numbers the automatic names within a process.

    Args:
        model: a model whose stateful layers are built.
        states: one array for each state, by the names and in the shapes of `training_state(model).states`:
            (batch size, units) for LSTM, GRU and SimpleRNN layers.

    Raises:
        ValueError: if a state is missing, not one of the model, of another shape or no numbers; no state is changed;
            or if there is nothing to set, because no recurrent layer is stateful or one is not built yet. On JAX, also
            if carry_states has not been called.
        TypeError: if the model is not a model of Keras 3, or if `states` is not a dictionary.
    """
    require_states(model, "set")
    require_carried(model)
    if not isinstance(states, Mapping):
        raise TypeError(
            f"states is of type {type(states).__name__}, expected a dictionary such as training_state(model).states"
        )
    variables = state_variables(model)
    arrays = {name: np.asarray(array) for name, array in states.items()}
    for name in sorted(variables.keys() ^ arrays.keys()):
        problem = "is missing" if name in variables else "is not a state of the model"
        raise ValueError(f"states: {name!r} {problem}; model {model.name!r} has the states {', '.join(variables)}")
    for name, variable in variables.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(f"states: {name!r} has shape {arrays[name].shape}, expected {tuple(variable.shape)}")
        if arrays[name].dtype.kind not in "biuf":
            raise ValueError(f"states: {name!r} has dtype {arrays[name].dtype}, expected numbers")
    write_back(model)
    for name, variable in variables.items():
        variable.assign(arrays[name])


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
        every: when to reset.

            - "epoch": at the beginning and at the end of each epoch of `fit`. The first epoch starts from zero too,
              whatever `predict` has left before it. Callbacks that come later in the list of callbacks see the states
              after the reset. `validation_data` is evaluated before the reset, from the states that the epoch has left.
            - "batch": before each batch of `fit`, `evaluate` and `predict`, so that a stateful network computes what a
              stateless one does.
            - a whole number n of batches: before the batches 0, n, 2n, ... of each epoch of `fit`, `validation_data`,
              `evaluate` and `predict`. Use it if the samples are several sequences one after another, each of n
              batches.
            - a function: before each batch for whose number it returns True rather than False. Batches are counted from
              0, in each epoch anew. Use it if the sequences differ in length.

    A model that is built by its first batch has no states before that batch, so nothing is reset before it.

    Raises:
        ValueError: if there is nothing to reset; on JAX, if carry_states has not been called; for every="epoch" in
            `evaluate` and `predict`, which have no epochs; and for all else if the model was compiled with
            steps_per_execution above 1, because Keras then calls the callbacks only once for several batches.
        TypeError: if the model is not a model of Keras 3, or if the function does not return True or False.
    """

    def __init__(self, every: Literal["epoch", "batch"] | int | Callable[[int], bool]) -> None:
        super().__init__()
        whole = isinstance(every, Integral) and not isinstance(every, bool) and every >= 1
        if every not in ("epoch", "batch") and not whole and not callable(every):
            raise ValueError(
                f"every is {every!r}, expected 'epoch', 'batch', a whole number of batches (1 or more), "
                "or a function of a batch's number"
            )
        self.every = every
        self._fitting = False

    def set_model(self, model: keras.Model) -> None:
        require_keras_model(model)
        require_carried(model)
        super().set_model(model)
        # Keras calls this at the start of each `fit`, `evaluate` and `predict`, but not of the validation in `fit`.
        self._fitting = False

    def _reset(self) -> None:
        layers = recurrent_layers(self.model)
        # If the model is built by its first batch, it has no states yet, and may not have its layers either.
        if self.model.built or (layers and not any(layer.stateful for layer in layers)):
            reset_states(self.model)

    def _is_due(self, batch: int) -> bool:
        if not callable(self.every):
            return self.every == "batch" or batch % self.every == 0  # type: ignore[operator]  # it is a number
        due = self.every(batch)
        if not isinstance(due, bool | np.bool_):
            raise TypeError(f"the function of ResetStates returned {due!r} for batch {batch}, expected True or False")
        return bool(due)

    def _before_batch(self, batch: int) -> None:
        if self.every == "epoch":
            return
        if self.model.steps_per_execution != 1:
            raise ValueError(
                f"steps_per_execution is {self.model.steps_per_execution}: "
                "resetting before batches needs a model compiled with steps_per_execution=1"
            )
        if self._is_due(batch):
            self._reset()

    def _refuse_epochs(self, method: str) -> None:
        if self.every == "epoch":
            raise ValueError(
                f"{method} has no epochs: ResetStates(every='epoch') would do nothing; "
                "call reset_states(model) before it, or use every='batch'"
            )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._fitting = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._fitting = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.every == "epoch":
            self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.every == "epoch":
            self._reset()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch(batch)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if not self._fitting:  # `validation_data` has come with the epochs of `fit`
            self._refuse_epochs("evaluate")

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch(batch)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._refuse_epochs("predict")

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._before_batch(batch)
