"""Which layers of a model are recurrent, and the states of those that are stateful."""

from collections.abc import Iterable, Iterator
from typing import Any

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


def require_states(model: keras.Model, purpose: str) -> None:
    """Check that there is a stateful recurrent layer, and that all of them have states.

    Args:
        model: the model.
        purpose: what is to be done with the states, for the message, such as "reset".

    Raises:
        ValueError: if no recurrent layer is stateful, or one is not built yet.
        TypeError: if the model is not a model of Keras 3.
    """
    layers = [layer for layer in recurrent_layers(model) if layer.stateful]
    if not layers:
        raise ValueError(f"model {model.name!r} has no stateful recurrent layer: nothing to {purpose}")
    for layer in layers:
        if not layer.states:
            raise ValueError(
                f"layer {layer.name!r} is not built yet: it has no states to {purpose}; "
                "begin the model with keras.Input(batch_shape=...), or call it on a batch"
            )
