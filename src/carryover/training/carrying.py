"""Carrying the states from batch to batch in `fit`, `evaluate` and `predict`, which is another matter on each backend.

What differs between TensorFlow, JAX and PyTorch is here, so that the rest of the library need not know the backend.
"""

from types import SimpleNamespace

import keras

from carryover.training.recurrent import recurrent_layers, require_states, state_variables


def carry_states(model: keras.Model) -> None:
    """Make `fit`, `evaluate` and `predict` carry the states of all stateful recurrent layers. Call it before them.

    On JAX, Keras forgets the states after each batch, without a word. On PyTorch, its `fit` raises a RuntimeError if an
    LSTM or GRU layer is stateful. On TensorFlow there is nothing to do, so the same program works on every backend.

    >>> import keras, numpy as np
    >>> from carryover import carry_states
    >>> model = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    >>> carry_states(model)
    >>> first, second = (model.predict(np.ones((1, 1, 1)), verbose=0) for _ in range(2))
    >>> bool((first == second).all())
    False

    You may call it before or after `compile`, between calls of `fit`, and more than once. The weights and the saved
    files stay as they are: they have no states. A model that you load or clone is another model, which needs its own
    call.

    Args:
        model: a model whose stateful layers are built. On PyTorch, their `use_cudnn` becomes False.

    Raises:
        ValueError: if there is nothing to carry, because no recurrent layer is stateful or one is not built yet.
        TypeError: if the model is not a model of Keras 3.
    """
    require_states(model, "carry")
    layers = [layer for layer in recurrent_layers(model) if layer.stateful]
    if keras.backend.backend() == "jax":
        _register(model, layers)
    take_general_path(layers)


def take_general_path(layers: list[keras.layers.RNN]) -> None:
    """On PyTorch, put LSTM and GRU layers on the path of all recurrent layers, which rounds otherwise than their own.

    Their own changes states in place, which their gradients need: keras#23462. The general one copies them first. A
    layer that is not stateful may take either, and only on the general one it is a stateful layer to the last bit.
    """
    if keras.backend.backend() == "torch":
        for layer in layers:
            if hasattr(layer, "use_cudnn"):
                layer.use_cudnn = False


def _register(model: keras.Model, layers: list[keras.layers.RNN]) -> None:
    """Make the states variables of the model, because JAX's trainer hands on no others from batch to batch.

    They become such variables as the seeds of random layers are, and not weights: so they are neither in `get_weights`
    nor in saved files, and whoever loads a file need not know whether states were carried.
    """
    known = {id(variable) for variable in model.variables}
    for layer in layers:
        for number, state in enumerate(keras.tree.flatten(layer.states), start=1):
            if id(state) not in known:
                state._path = f"{state.path}_{number}"  # `get_state_tree` needs unique paths
                layer._seed_generators.append(SimpleNamespace(state=state))


def require_carried(model: keras.Model) -> None:
    """Check that `fit`, `evaluate` and `predict` would not silently forget the states.

    Raises:
        ValueError: if they would, which happens on JAX unless carry_states has been called.
    """
    if keras.backend.backend() != "jax":
        return
    known = {id(variable) for variable in model.variables}
    for name, state in state_variables(model).items():
        if id(state) not in known:
            raise ValueError(
                f"model {model.name!r} would forget {name!r} after each batch, because Keras carries no states on JAX: "
                "call carryover.carry_states(model) first"
            )


def write_back(model: keras.Model) -> None:
    """Let the variables of a model have their values, also within an epoch.

    JAX's trainer takes the values out of the variables at the first batch of an epoch and puts them back after the
    last. It takes what it finds there if they are put back before, so that a change between two batches takes effect.

    Raises:
        ValueError: if the values are with the trainer of another model, of which this one is a part.
    """
    if keras.backend.backend() != "jax":
        return
    model.jax_state_sync()
    if any(variable._value is None for variable in [*model.variables, *state_variables(model).values()]):
        raise ValueError(
            f"model {model.name!r} is being trained as part of another model, which has its weights and states until "
            "the end of the epoch: give that model"
        )
