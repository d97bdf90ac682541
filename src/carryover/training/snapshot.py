"""The whole training state of a Keras model."""

from collections.abc import Iterable
from typing import NamedTuple

import keras
import numpy as np

from carryover.job.arrays import Arrays
from carryover.job.digests import digest
from carryover.training.carrying import write_back
from carryover.training.recurrent import require_keras_model, state_variables, unique_names


class TrainingState(NamedTuple):
    """Everything that the next training step depends on, besides the data.

    Attributes:
        weights: `model.weights` by Keras's path (`lstm_1/lstm_cell/kernel`), trainable or not.
        seeds: the seeds of random layers by path (`seed_generator/seed_generator_state`), which `model.variables` has
            and `model.weights` has not. A recurrent layer has one even if its dropout is 0; then it does not matter.
        optimizer: the optimizer's variables by path (`adadelta/iteration`); empty before `compile`.
        states: the states of the stateful recurrent layers (`lstm_1/hidden_state`, `lstm_1/cell_state`, and
            `rnn/gru_cell/hidden_state` if a layer has several cells), which are neither in `model.weights` nor in a
            saved file; empty if there are none. `set_states` puts them back.
    """

    weights: Arrays
    seeds: Arrays
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

    Raises:
        TypeError: if the model is not a model of Keras 3.
        ValueError: if it is not built yet: it has no weights that could be compared.
    """
    require_keras_model(model)
    if not model.built:
        raise ValueError(
            f"model {model.name!r} is not built yet: it has no training state; call it, or use keras.Input"
        )
    write_back(model)
    variables = _weights_and_seeds(model)
    weights = {id(variable) for variable in model.weights}
    optimizer = getattr(model, "optimizer", None)
    return TrainingState(
        weights=_copy_all({name: variable for name, variable in variables.items() if id(variable) in weights}),
        seeds=_copy_all({name: variable for name, variable in variables.items() if id(variable) not in weights}),
        optimizer=_copy_all(by_path(optimizer.variables)) if optimizer else {},
        states=_copy_all(state_variables(model)),
    )


def recorded_state(model: keras.Model) -> dict[str, Arrays]:
    """Return the training state in the parts that history.csv and final.npz have, case_results.PARTS.

    There, the seeds are among the weights, in the order of `model.variables`.
    """
    state = training_state(model)
    variables = state.weights | state.seeds
    weights = {name: variables[name] for name in _weights_and_seeds(model)}
    return {"weights": weights, "optimizer": state.optimizer, "states": state.states}


def _weights_and_seeds(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the variables of a model by path, without the states, which carry_states adds to them on JAX."""
    states = {id(state) for state in state_variables(model).values()}
    return by_path(variable for variable in model.variables if id(variable) not in states)


def by_path(variables: Iterable[keras.Variable]) -> dict[str, keras.Variable]:
    """Return variables by Keras's path, such as `lstm_1/lstm_cell/kernel`; the second of a path gets `#2`."""
    return unique_names((variable.path, variable) for variable in variables)


def _copy_all(variables: dict[str, keras.Variable]) -> Arrays:
    # On TensorFlow, keras.ops.convert_to_numpy takes twice as long, and this runs for each variable at each epoch.
    return {name: np.array(variable.numpy()) for name, variable in variables.items()}


def training_state_digests(model: keras.Model) -> dict[str, str]:
    """Return the digests of the parts of a model's training state, by the field names of TrainingState.

    >>> import keras
    >>> from carryover import training_state_digests
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> list(training_state_digests(model))
    ['weights', 'seeds', 'optimizer', 'states']

    Raises:
        TypeError, ValueError: as training_state.
    """
    return {part: digest(tensors) for part, tensors in training_state(model)._asdict().items()}
