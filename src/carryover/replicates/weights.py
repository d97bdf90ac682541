"""The initial weights of replicates: those that Keras draws for each seed."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from carryover.training.model import build_layers
from carryover.training.network import Network, weight_shapes
from carryover.training.weights import Weights


def random_weights_of_each(network: Network, seeds: Sequence[int]) -> Weights:
    """Return the weights that training.model.random_weights draws for each seed, along a leading axis of seeds.

    Drawing them by one compiled function takes a tenth of the time of building the layers again for each seed.
    """
    shapes = weight_shapes(network)
    generator = keras.random.SeedGenerator(0)
    drawn = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        initializers = _initializers(network)
        drawn.append([initializer.seed for initializer in initializers.values()])
    for initializer in initializers.values():
        initializer.seed = generator

    @tf.function(jit_compile=False)  # type: ignore[untyped-decorator]
    def draw(seeds: Any) -> list[Any]:
        values = []
        for place, (name, initializer) in enumerate(initializers.items()):
            generator.state.assign(tf.stack([seeds[place], 0]))  # the state of a new generator with this seed
            values.append(initializer(shapes[name]))
        return values

    samples = [draw(tf.constant(row, generator.state.dtype)) for row in drawn]
    random = {name: np.stack(values) for name, values in zip(initializers, zip(*samples, strict=True), strict=True)}
    constant = {name: np.zeros((len(seeds), *shape), np.float32) for name, shape in shapes.items()}
    if network.cell == "lstm":
        for layer, count in zip(network.layer_names, network.units, strict=True):
            constant[f"{layer}/bias"][:, count : 2 * count] = 1  # unit_forget_bias
    return constant | random


def _initializers(network: Network) -> dict[str, Any]:
    """Return the initializers of the random weights of a new network, by the names of the weights."""
    *recurrent, dense = build_layers(network, time_steps=1, stateful=False)
    initializers = {}
    for layer in recurrent:
        initializers[f"{layer.name}/kernel"] = layer.cell.kernel_initializer
        initializers[f"{layer.name}/recurrent_kernel"] = layer.cell.recurrent_initializer
    return initializers | {f"{dense.name}/kernel": dense.kernel_initializer}
