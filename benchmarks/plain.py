"""The experiment of 2017 as people usually write it: one script, `fit` on NumPy arrays, Keras's default settings.

    python benchmarks/plain.py loop_with_reset

The pipeline's speed is compared with this script, and its training is tested against it, bit for bit. The script does
not use the library, only the reference's data.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

REFERENCE = Path(__file__).parents[1] / "data/reference/keras-2.0.4-theano-0.9.0"


def hard_sigmoid(z: Any) -> Any:
    return keras.ops.clip(0.2 * z + 0.5, 0.0, 1.0)


def build(weights: dict[str, Any], units: list[int], time_steps: int, batch_size: int, stateful: bool) -> keras.Model:
    model = keras.Sequential([keras.Input(batch_shape=(batch_size, time_steps, 1))])
    for number, count in enumerate(units, start=1):
        model.add(
            keras.layers.LSTM(
                count,
                recurrent_activation=hard_sigmoid,
                return_sequences=number < len(units),
                stateful=stateful,
            )
        )
    model.add(keras.layers.Dense(1))
    model.set_weights(list(weights.values()))
    model.compile(loss="mse", optimizer=keras.optimizers.Adadelta(learning_rate=1.0, rho=0.95, epsilon=1e-8))
    return model


def reset(model: keras.Model) -> None:
    for layer in model.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()


def fit(case: str, model: keras.Model, x: Any, y: Any, batch_size: int, epochs: int) -> list[float]:
    """Train the model, and return the loss of each epoch."""
    if not case.startswith("loop"):
        callbacks = {
            "single_fit_with_reset": [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reset(model))],
            "single_fit_with_batch_reset": [
                keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: reset(model))
            ],
        }.get(case)
        history = model.fit(x, y, epochs=epochs, batch_size=batch_size, shuffle=False, callbacks=callbacks, verbose=0)
        return list(history.history["loss"])
    losses: list[float] = []
    for _ in range(epochs):
        losses += model.fit(x, y, epochs=1, batch_size=batch_size, shuffle=False, verbose=0).history["loss"]
        if case == "loop_with_reset":
            reset(model)
    return losses


def main() -> None:
    case = sys.argv[1]
    series = np.loadtxt(REFERENCE / "noisy_sine.csv", delimiter=",", skiprows=1, dtype=np.float32)
    x, y = series[:, 0].reshape(-1, 1, 1), series[:, 1].reshape(-1, 1)
    with np.load(REFERENCE / "initial_weights.npz") as archive:
        weights = {name: archive[name] for name in archive.files}
    model = build(weights, units=[10, 10], time_steps=1, batch_size=100, stateful=case != "stateless_fit")
    losses = fit(case, model, x, y, batch_size=100, epochs=70)
    predictions = model.predict(x, batch_size=100, verbose=0)
    print(f"{case}: final loss {losses[-1]:.9g}, last prediction {predictions[-1, 0]:.9g}")


if __name__ == "__main__":
    main()
