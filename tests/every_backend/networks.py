"""Small networks and data, for the questions and the properties."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

BATCH_SIZE, BATCHES, EPOCHS = 2, 4, 3

X = np.random.default_rng(0).normal(size=(BATCH_SIZE * BATCHES, 3, 1)).astype(np.float32)
Y = X[:, -1] * 0.5

FITTING: dict[str, Any] = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
CALLING: dict[str, Any] = {"batch_size": BATCH_SIZE, "verbose": 0}


def build(stateful: bool = True, batch_size: int = BATCH_SIZE) -> Any:
    """A network, from the same initial weights each time."""
    keras.utils.set_random_seed(1)
    # Without states, Keras on PyTorch would take its other path, which rounds differently.
    options = {} if stateful else {"use_cudnn": False}
    layer = keras.layers.LSTM(4, stateful=stateful, name="lstm", **options)
    model = keras.Sequential([keras.Input(batch_shape=(batch_size, 3, 1)), layer, keras.layers.Dense(1, name="dense")])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


class Restartable:
    """A network that goes back to its start, because most of the time of a small training is that of compiling.

    Args:
        prepare: what to do to the network once it is built.
        stateful: whether it carries its states.
    """

    def __init__(self, prepare: Callable[[Any], object], stateful: bool = True) -> None:
        self.model = build(stateful)
        prepare(self.model)
        self.variables = [*self.model.variables, *self.model.optimizer.variables, *(self.model.layers[0].states or [])]
        self.values = [variable.numpy() for variable in self.variables]

    def started(self) -> Any:
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        return self.model


def _nested() -> Any:
    inner = keras.Sequential([keras.Input(batch_shape=(BATCH_SIZE, 3, 1)), keras.layers.LSTM(3, stateful=True)])
    inputs = keras.Input(batch_shape=(BATCH_SIZE, 3, 1))
    hidden = keras.layers.SimpleRNN(2, stateful=True, return_sequences=True)(inputs)
    both = [keras.layers.GRU(2, stateful=True)(hidden), inner(inputs)]
    return keras.Model(inputs, keras.layers.Concatenate()(both))


class Subclassed(keras.Model):  # type: ignore[misc]  # Keras has no types
    def __init__(self) -> None:
        super().__init__()
        self.first = keras.layers.GRU(3, stateful=True, return_sequences=True)
        self.second = keras.layers.LSTM(2, stateful=True)

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs))


def _subclassed() -> Any:
    model = Subclassed()
    model(X[:BATCH_SIZE])  # builds it
    return model


def _stacked_cells() -> Any:
    return keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(2)], stateful=True)


KINDS: dict[str, tuple[Callable[[], Any], int]] = {
    "lstm": (lambda: keras.layers.LSTM(3, stateful=True), 2),
    "gru": (lambda: keras.layers.GRU(3, stateful=True), 1),
    "simple_rnn": (lambda: keras.layers.SimpleRNN(3, stateful=True), 1),
    "bidirectional": (lambda: keras.layers.Bidirectional(keras.layers.LSTM(3, stateful=True)), 4),
    "stacked_cells": (_stacked_cells, 3),
    "nested": (_nested, 4),
    "subclassed": (_subclassed, 3),
}
"""A layer or model of each kind, and how many states it has."""
