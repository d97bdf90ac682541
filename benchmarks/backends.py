"""Time the training of the experiment on each backend of Keras, and write benchmarks/backends.json.

    python benchmarks/backends.py

PyTorch is measured if `make torch` has set it up. The backends take turns, each in a process of its own on one core,
and every ratio is between two medians of this run. The times are those of the processor, so that other work on the
machine does not count.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
REPEATS = 3
BACKENDS = {"tensorflow": sys.executable, "jax": sys.executable, "torch": str(ROOT / ".venv-torch/bin/python")}
UNITS, BATCH_SIZE, BATCHES, EPOCHS = 10, 100, 16, 70


def measure() -> dict[str, float]:
    """Time the first epoch of a model, which compiles it, the loop, and the single call, in seconds."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before a backend counts the cores
    import keras
    import numpy as np

    from carryover import ResetStates, carry_states, reset_states

    x = np.random.default_rng(0).normal(size=(BATCH_SIZE * BATCHES, 1, 1)).astype(np.float32)
    options: dict[str, Any] = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
    inputs = keras.Input(batch_shape=(BATCH_SIZE, 1, 1))
    hidden = keras.layers.LSTM(UNITS, stateful=True, return_sequences=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.LSTM(UNITS, stateful=True)(hidden)))
    model.compile(loss="mse", optimizer="adadelta")
    carry_states(model)

    def loop() -> None:
        for _ in range(EPOCHS):
            model.fit(x, x[:, 0], **options)
            reset_states(model)

    return {
        "first_epoch": timed(lambda: model.fit(x, x[:, 0], **options)),
        "loop": timed(loop),
        "single": timed(lambda: model.fit(x, x[:, 0], epochs=EPOCHS, callbacks=[ResetStates("epoch")], **options)),
    }


def timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def measure_in_a_process(backend: str) -> dict[str, float]:
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": str(ROOT / "src"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
    }
    command = [BACKENDS[backend], __file__, "--in-this-process"]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    backends = [name for name, python in BACKENDS.items() if Path(python).exists()]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in backends}
    for number in range(1, REPEATS + 1):
        print(f"{' '.join(backends)}: {number} of {REPEATS} ...", flush=True)
        for name in backends:
            runs[name].append(measure_in_a_process(name))
    medians = {name: {what: median(run[what] for run in of_it) for what in of_it[0]} for name, of_it in runs.items()}
    found = {
        "seconds": {name: {what: round(time, 2) for what, time in of_it.items()} for name, of_it in medians.items()},
        "relative_to_tensorflow": {
            name: {what: round(time / medians["tensorflow"][what], 2) for what, time in of_it.items()}
            for name, of_it in medians.items()
        },
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if sys.argv[1:] == ["--in-this-process"]:
        print(json.dumps(measure()))
    else:
        main()
