"""A network that a Python file of the user builds: its model, checked, and its weights by Keras's paths.

Mistakes in the file are reported in one line, with the line of the file.
"""

import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from carryover.job.errors import UserError
from carryover.series.dataset import Floats
from carryover.series.windows import target_shape
from carryover.training.network import OwnNetwork
from carryover.training.recurrent import recurrent_layers
from carryover.training.snapshot import by_path
from carryover.training.weights import Weights

Build = Callable[[tuple[int, int, int], bool], keras.Model]


def build_own_model(network: OwnNetwork, batch_size: int, stateful: bool) -> keras.Model:
    """Build the network, and check that it can be trained and compared.

    Keras numbers names within a process; they begin anew here, so that the same layers always have the same names.

    Args:
        network: the network.
        batch_size: windows per batch, instead of those of network.batch_shape.
        stateful: whether the recurrent layers carry their states from one batch to the next.

    Raises:
        UserError: if the file fails, or builds something else than what it should.
    """
    batch_shape = (batch_size, *network.batch_shape[1:])
    build = _load(network.file)
    keras.backend.clear_session()
    with _mistakes_in(network.file):
        model = build(batch_shape, stateful)
    output_shape = batch_size, *target_shape(batch_shape[1], network.targets)
    if problem := _problem(model, batch_shape, output_shape, stateful):
        raise UserError(f"{network.file}: build({batch_shape}, stateful={stateful}) {problem}")
    return model


def draw_weights(network: OwnNetwork, seed: int) -> Weights:
    """Draw the weights by the network's own initializers, after seeding Keras.

    Returns:
        Every variable of the model by its path: weights, trainable or not, and the seeds of random layers.
    """
    keras.utils.set_random_seed(seed)
    return _values(build_own_model(network, network.batch_shape[0], stateful=True))


def check_own_network(network: OwnNetwork) -> None:
    """Build the network in every way in which it is trained or forecasts, and check what a single one cannot show.

    Raises:
        UserError: as build_own_model; or if these networks have different weights, if one fails in training, if an
            output of every_step depends on later steps, or if another seed would not draw all weights anew.
    """
    batch_size = network.batch_shape[0]
    shapes = _shapes(build_own_model(network, batch_size, stateful=True))
    for size, stateful in ((batch_size, False), (1, True), (1, False)):
        model = build_own_model(network, size, stateful)
        if differ := sorted(shapes.items() ^ _shapes(model).items()):
            raise UserError(
                f"{network.file}: the weight {differ[0][0]} is not the same in build({network.batch_shape}, True) and "
                f"build({(size, *network.batch_shape[1:])}, {stateful}); build the same layers in both"
            )
        with _mistakes_in(network.file):
            _trace_training(model)
    if network.targets == "every_step" and _sees_the_future(network):
        raise UserError(
            f"{network.file}: an output depends on later steps of its window, but may only depend on the steps up to "
            "its own; use no Bidirectional and no attention without a causal mask, or set model.targets: window_end"
        )
    if fixed := _fixed_weight(network):
        raise UserError(
            f"{network.file}: {fixed} is the same from every seed, so that replicates would not be independent; remove "
            "fixed seeds such as set_random_seed(42) or seed=1, or set trainable=False for weights that are to be fixed"
        )


def set_own_weights(model: keras.Model, weights: Weights) -> None:
    """Set every variable of a model that build_own_model has built, by its path.

    Raises:
        UserError: if a weight is missing or superfluous, because the file builds other layers at each call.
    """
    variables = by_path(model.variables)
    if differ := sorted(variables.keys() ^ weights.keys()):
        raise UserError(
            f"model.build: {differ[0]} is not a weight in every model that the file builds; build the same layers "
            "each time, and run the pipeline again"
        )
    for name, variable in variables.items():
        variable.assign(weights[name])


def _load(file: str) -> Build:
    """Run the file, and return its function `build`. It is compiled here, so that no bytecode is read or written."""
    module = ModuleType(f"models.{Path(file).stem}")
    module.__file__ = file
    sys.modules[module.__name__] = module  # dataclasses look their module up
    with _mistakes_in(file):
        exec(compile(Path(file).read_bytes(), file, "exec", dont_inherit=True), vars(module))
    if not callable(build := getattr(module, "build", None)):
        raise UserError(f"{file}: there is no function build(batch_shape, stateful); define it")
    return build  # type: ignore[no-any-return]


@contextmanager
def _mistakes_in(file: str) -> Iterator[None]:
    """Report an exception of the file in one line, with the last line of the file that was reached."""
    try:
        yield
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        if isinstance(error, SyntaxError) and error.filename == file:
            lines = [error.lineno]
        place = f"{file}, line {lines[-1]}" if lines else file
        if (backend := keras.backend.backend()) != "tensorflow":
            place += f" (on {backend})"
        message = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
        message = re.sub(r"\x1b\[[0-9;]*m", "", message)  # Keras writes in bold
        raise UserError(f"{place}: {type(error).__name__}: {message}") from error


def _problem(
    model: Any, batch_shape: tuple[int, int, int], output_shape: tuple[int, ...], stateful: bool
) -> str | None:
    """Say what is wrong with a model that `build` has returned; None if nothing is."""
    try:
        recurrent = recurrent_layers(model)
    except TypeError as error:
        return f"returns no model of Keras 3: {error}"
    if model.compiled:
        return "returns a compiled model; do not compile it, because params.yaml has the optimizer and the loss"
    inputs, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if inputs != batch_shape:
        return f"takes inputs of shape {inputs}; begin with keras.Input(batch_shape=batch_shape)"
    if outputs != output_shape:
        every_step = ", and set return_sequences=True in every recurrent layer, or model.targets: window_end"
        hint = every_step if len(output_shape) == 3 else ""
        return f"puts out the shape {outputs}, expected {output_shape}; end with keras.layers.Dense(1){hint}"
    for layer in model._flatten_layers():
        if "float" in layer.compute_dtype and layer.compute_dtype != "float32":
            return f"computes in {layer.compute_dtype} in layer {layer.name}; use float32 everywhere"
    if not recurrent:
        return "has no recurrent layer; add one with stateful=stateful"
    for layer in recurrent:
        if bool(layer.stateful) != stateful:
            kind = "a stateful layer" if layer.stateful else "a recurrent layer that is not stateful"
            return f"has {kind}, {layer.name}; give each recurrent layer stateful=stateful"
    return None


def _trace_training(model: keras.Model) -> None:
    """Make the graph of the model in training, which some layers do otherwise, without running it."""
    import tensorflow as tf  # here, because only the checks need it

    _graph(model, training=True).get_concrete_function(tf.TensorSpec(model.input_shape, tf.float32))


def _graph(model: keras.Model, training: bool) -> Any:
    import tensorflow as tf

    return tf.function(lambda inputs: model(inputs, training=training), autograph=False, jit_compile=False)


def _sees_the_future(network: OwnNetwork) -> bool:
    """Say whether an output of the network changes with a later input, here the last one of a window."""
    model = build_own_model(network, batch_size=1, stateful=False)
    generator = np.random.default_rng(1)
    for variable in model.trainable_variables:  # some start at zero, and would hide it
        variable.assign_add(generator.normal(0, 0.1, variable.shape))
    window = generator.normal(size=model.input_shape).astype(np.float32)
    other = window.copy()
    other[:, -1] += 1
    weights, forecast = _values(model), _graph(model, training=False)

    def earlier_outputs(inputs: Floats) -> Floats:
        set_own_weights(model, weights)  # with the seeds of layers that are random in forecasts too
        with _mistakes_in(network.file):
            return np.asarray(forecast(inputs))[:, :-1]

    return not np.array_equal(earlier_outputs(window), earlier_outputs(other), equal_nan=True)


def _fixed_weight(network: OwnNetwork) -> str | None:
    """Return the name of a weight to train, or of the seed of a random layer, that is the same from two seeds."""
    model = build_own_model(network, network.batch_shape[0], stateful=True)
    not_trained = {id(variable) for variable in model.non_trainable_weights}  # without the seeds of random layers
    first, other = (draw_weights(network, seed) for seed in (1, 2))
    for name, variable in by_path(model.variables).items():
        values = first[name]
        # Zeros, ones, an identity and the bias of an LSTM are alike, but not drawn: they have one value besides 0.
        drawn = "seed_generator" in name or len(np.unique(values[values != 0])) > 1
        if drawn and id(variable) not in not_trained and np.array_equal(values, other[name]):
            return name
    return None


def _values(model: keras.Model) -> Weights:
    return {name: variable.numpy() for name, variable in by_path(model.variables).items()}


def _shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {name: tuple(variable.shape) for name, variable in by_path(model.variables).items()}
