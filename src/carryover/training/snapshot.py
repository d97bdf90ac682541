"""The whole training state of a Keras model on TensorFlow."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from carryover.job.arrays import Arrays
from carryover.job.digests import digest
from carryover.training.states import recurrent_layers


class TrainingState(NamedTuple):
    """Everything that the next training step depends on, besides the data.

    Attributes:
        weights: all of `model.variables` by Keras's path (`lstm_1/lstm_cell/kernel`): the weights, trainable or not,
            and the seeds of random layers.
        optimizer: the optimizer's variables by path (`adadelta/iteration`); empty before `compile`.
        states: the states of the stateful recurrent layers (`lstm_1/hidden_state`, `lstm_1/cell_state`), which are
            neither in `model.variables` nor in a saved file; empty if there are none.
    """

    weights: Arrays
    optimizer: Arrays
    states: Arrays


def training_state(model: keras.Model) -> TrainingState:
    """Copy the whole training state of a model into NumPy arrays, each in the shape and dtype of its variable.

    >>> import keras
    >>> from carryover import training_state
    >>> inputs = keras.Input(batch_shape=(1, 1, 1))
    >>> model = keras.Model(inputs, keras.layers.LSTM(2, stateful=True, name="lstm")(inputs))
    >>> sorted(training_state(model).states)
    ['lstm/cell_state', 'lstm/hidden_state']
    """
    optimizer = getattr(model, "optimizer", None)
    return TrainingState(
        weights=_copy_all((variable.path, variable) for variable in model.variables),
        optimizer=_copy_all((variable.path, variable) for variable in optimizer.variables) if optimizer else {},
        states=_copy_all(_states(model)),
    )


def _states(model: keras.Model) -> Iterator[tuple[str, keras.Variable]]:
    for layer in recurrent_layers(model):
        if layer.stateful and layer.states:
            variables = keras.tree.flatten(layer.states)  # a layer of several cells has a list of lists
            names = ["hidden_state", "cell_state", *(f"state_{number}" for number in range(3, len(variables) + 1))]
            for name, variable in zip(names, variables, strict=False):
                yield f"{layer.path or layer.name}/{name}", variable


def _copy_all(variables: Iterable[tuple[str, keras.Variable]]) -> Arrays:
    tensors: Arrays = {}
    for path, variable in variables:
        name, twin = path, 1
        while name in tensors:  # two layers of a subclassed model may have the same name
            twin += 1
            name = f"{path}#{twin}"
        tensors[name] = _copy(variable)
    return tensors


def _copy(variable: keras.Variable) -> NDArray[Any]:
    # keras.ops.convert_to_numpy is slow with NumPy 2, and this runs for each variable at each epoch.
    return np.asarray(variable.value.numpy())


def training_state_digests(model: keras.Model) -> dict[str, str]:
    """Return the digests of a model's weights, optimizer variables and states, by the field names of TrainingState.

    >>> import keras
    >>> from carryover import training_state_digests
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> list(training_state_digests(model))
    ['weights', 'optimizer', 'states']
    """
    return {part: digest(tensors) for part, tensors in training_state(model)._asdict().items()}
