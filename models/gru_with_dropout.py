"""Two GRU layers with dropout and layer normalization.

Copy this file, change it, and name the copy in `model.build`. docs/own_network.md says what it may and must do.
"""

import keras


def build(batch_shape: tuple[int, int, int], stateful: bool) -> keras.Model:
    """Return a network, not compiled, that maps (batch_size, time_steps, inputs) to (batch_size, 1).

    That is for `model.targets: window_end`. For every_step it must be (batch_size, time_steps, 1): give the last GRU
    return_sequences=True too.
    """
    return keras.Sequential(
        [
            keras.Input(batch_shape=batch_shape),
            keras.layers.GRU(16, return_sequences=True, stateful=stateful),
            keras.layers.LayerNormalization(),
            keras.layers.Dropout(0.1),
            keras.layers.GRU(8, stateful=stateful),
            keras.layers.Dense(1),
        ]
    )
