"""Compute the reference: the experiment on the stack of 2017, one fresh interpreter per case.

    python compute.py OUTPUT_FOLDER

Runs on Python 3.6 with NumPy 1.12.1, SciPy 1.1.0, Keras 2.0.4 and Theano 0.9.0 (README.md says how to install them),
and writes noisy_sine.csv, initial_weights.npz, losses.csv and predictions.csv.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

SAMPLES, STEP, NOISE, UNITS, BATCH_SIZE, EPOCHS, SEED = 1000, 0.01, 0.1, 10, 100, 70, 1

CASES = [
    "loop_with_reset",
    "loop_without_reset",
    "single_fit",
    "single_fit_with_reset",
    "single_fit_with_batch_reset",
    "stateless_fit",
]

WEIGHTS = ["lstm_{}/{}".format(layer, name) for layer in (1, 2) for name in ("kernel", "recurrent_kernel", "bias")]
WEIGHTS += ["dense/kernel", "dense/bias"]


def train(case, output):
    """Train one case, and write all that it gives to the archive `output`. Call it in a fresh interpreter."""
    # The seed is set before Keras is imported: the data, and then the initial weights, are drawn from this one stream.
    np.random.seed(SEED)
    from keras.callbacks import LambdaCallback
    from keras.layers import LSTM, Dense
    from keras.models import Sequential

    sine = np.sin(np.arange(SAMPLES) * STEP)
    x = (sine + np.random.normal(0, NOISE, SAMPLES)).astype(np.float32)
    y = sine.astype(np.float32)
    inputs, targets = x.reshape(SAMPLES, 1, 1), y.reshape(SAMPLES, 1)

    stateful = case != "stateless_fit"
    model = Sequential()
    model.add(LSTM(UNITS, batch_input_shape=(BATCH_SIZE, 1, 1), return_sequences=True, stateful=stateful))
    model.add(LSTM(UNITS, stateful=stateful))
    model.add(Dense(1))
    model.compile(loss="mse", optimizer="adadelta")
    initial = model.get_weights()

    options = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
    if case.startswith("loop"):
        losses = []
        for _ in range(EPOCHS):
            losses += model.fit(inputs, targets, epochs=1, **options).history["loss"]
            if case == "loop_with_reset":
                model.reset_states()
    else:
        callbacks = {
            "single_fit_with_reset": [LambdaCallback(on_epoch_end=lambda epoch, logs: model.reset_states())],
            "single_fit_with_batch_reset": [LambdaCallback(on_batch_begin=lambda batch, logs: model.reset_states())],
        }.get(case, [])
        losses = model.fit(inputs, targets, epochs=EPOCHS, callbacks=callbacks, **options).history["loss"]
    predictions = model.predict(inputs, batch_size=BATCH_SIZE)[:, 0]
    np.savez(output, x=x, y=y, losses=losses, predictions=predictions, **dict(zip(WEIGHTS, initial)))


def write_table(path, header, columns, formats):
    with open(path, "w") as file:
        file.write(header + "\n")
        for row in zip(*columns):
            file.write(",".join(form % value for form, value in zip(formats, row)) + "\n")


def main(folder):
    os.makedirs(folder, exist_ok=True)
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        environment = dict(os.environ, KERAS_BACKEND="theano", HOME=scratch)
        environment["THEANO_FLAGS"] = "device=cpu,floatX=float32,base_compiledir=" + os.path.join(scratch, "theano")
        for case in CASES:
            print("training " + case, flush=True)
            output = os.path.join(scratch, case + ".npz")
            subprocess.check_call([sys.executable, os.path.abspath(__file__), case, output], env=environment)
            results[case] = dict(np.load(output))
    first = results[CASES[0]]
    write_table(os.path.join(folder, "noisy_sine.csv"), "x,y", [first["x"], first["y"]], ["%.9g"] * 2)
    np.savez(os.path.join(folder, "initial_weights.npz"), **{name: first[name] for name in WEIGHTS})
    # Python's own floats print with the fewest digits that carry them exactly.
    for name, number, form in (("losses", "epoch", "%r"), ("predictions", "sample", "%.9g")):
        columns = [results[case][name].tolist() for case in CASES]
        count = range(1, EPOCHS + 1) if number == "epoch" else range(SAMPLES)
        header = ",".join([number] + CASES)
        write_table(os.path.join(folder, name + ".csv"), header, [count] + columns, ["%d"] + [form] * len(CASES))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in CASES:
        train(*sys.argv[1:])
    elif len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        sys.exit(__doc__)
