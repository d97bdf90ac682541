"""The detector sees what it must: trainings that are made to differ part at the first epoch at which they can.

They are plain Keras calls on arrays, in two spellings, so that nothing of the pipeline's own training is in between.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.steps import run_here, train_options
from helpers.training import Setting, StartingModel, weights_of

from carryover.comparison.partings import first_parting
from carryover.job.digests import digest
from carryover.series.batches import cut_windows
from carryover.series.noisy_sine import noisy_sine
from carryover.training.case_results import CaseResults

EPOCHS = 4
SETTING = Setting([5, 4], time_steps=2, batch_size=10)

Change = Callable[[Any, int], None]


@cache
def compiled(**options: Any) -> StartingModel:
    """The model that every training of this file starts with, compiled once for the options of its optimizer."""
    import keras

    from carryover.training.model import build_model, set_weights

    model = build_model(SETTING.network, SETTING.time_steps, SETTING.batch_size, True)
    set_weights(model, weights_of(SETTING), SETTING.network)
    optimizer = keras.optimizers.Adadelta(**{"learning_rate": 1.0} | options)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    return StartingModel(model)


def train(
    keras: Any, calls: str = "loop", change: Change | None = None, shuffle: bool = False, seed: int = 1, **options: Any
) -> CaseResults:
    """Train by plain calls and record what the pipeline records.

    Args:
        change: called as change(model, epoch) before each epoch, counted from 1.
        seed: of the noise in the series.
        options: of the optimizer.
    """
    from carryover.training.snapshot import recorded_state

    series = noisy_sine(samples=120, step=0.1, noise=0.1, seed=seed)
    inputs, targets = cut_windows(series, SETTING.time_steps, SETTING.batch_size, SETTING.targets)
    model = compiled(**options).started()
    keras.utils.set_random_seed(1)
    change = change or (lambda model, epoch: None)
    rows: list[list[Any]] = []

    def record(loss: float) -> None:
        rows.append([len(rows) + 1, loss, *map(digest, recorded_state(model).values())])

    arguments = {"batch_size": SETTING.batch_size, "shuffle": shuffle, "verbose": 0}
    if calls == "loop":
        for epoch in range(1, EPOCHS + 1):
            change(model, epoch)
            record(model.fit(inputs, targets, epochs=1, **arguments).history["loss"][0])
    else:
        callback = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: change(model, epoch + 1),
            on_epoch_end=lambda epoch, logs: record(logs["loss"]),
        )
        model.fit(inputs, targets, epochs=EPOCHS, callbacks=[callback], **arguments)
    final = {f"{part}/{n}": t for part, tensors in recorded_state(model).items() for n, t in tensors.items()}
    predictions = model.predict(inputs, batch_size=SETTING.batch_size, verbose=0)[:, 0]
    columns = ["epoch", "loss", "weights_sha256", "optimizer_sha256", "states_sha256"]
    samples = pd.DataFrame({"sample": range(len(predictions)), "prediction": predictions})
    return CaseResults(pd.DataFrame(rows, columns=columns), samples, final)


@pytest.fixture(scope="module")
def plain(keras: Any) -> CaseResults:
    return train(keras, "loop")


def flip(tensor: str, epoch: int, bit: int = 0) -> Change:
    """Flip a bit of a weight's first element before an epoch."""

    def change(model: Any, now: int) -> None:
        if now == epoch:
            (variable,) = (v for v in model.weights if v.path.endswith(tensor))
            values = variable.numpy().copy()
            values.view(np.uint32).flat[0] ^= 1 << bit
            variable.assign(values)

    return change


@contextmanager
def max_epochs(keras: Any, number: int) -> Iterator[None]:
    """What the variable KERAS_MAX_EPOCHS does when Keras is imported."""
    keras.config.set_max_epochs(number)
    try:
        yield
    finally:
        keras.config.set_max_epochs(None)


@pytest.mark.parametrize("calls", ["loop", "single"])
def test_nothing_parts_where_nothing_was_changed(keras: Any, plain: CaseResults, calls: str) -> None:
    assert first_parting(plain, train(keras, calls)) is None


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("calls", ["loop", "single"])
@pytest.mark.parametrize(
    "tensor", ["lstm_1/lstm_cell/kernel", "lstm_1/lstm_cell/recurrent_kernel", "lstm_2/lstm_cell/bias", "dense/bias"]
)
def test_one_bit_of_one_weight_shows_in_the_epoch_in_which_it_flips(
    keras: Any, plain: CaseResults, tensor: str, calls: str, epoch: int
) -> None:
    parting = first_parting(plain, train(keras, calls, change=flip(tensor, epoch)))
    assert parting
    assert parting.epoch == epoch
    assert "weights" in parting.parts


def test_another_seed_shows_at_the_first_epoch(keras: Any, plain: CaseResults) -> None:
    assert first_parting(plain, train(keras, seed=2)) == (1, ("states", "loss", "weights", "optimizer"))


def test_a_learning_rate_changed_in_its_eighth_digit_shows_at_the_first_epoch(keras: Any, plain: CaseResults) -> None:
    parting = first_parting(plain, train(keras, learning_rate=1.0000001))
    assert parting
    assert parting.epoch == 1
    assert {"weights", "optimizer"} <= set(parting.parts)


@pytest.mark.parametrize("calls", ["loop", "single"])
def test_shuffled_batches_show_at_the_first_epoch(keras: Any, plain: CaseResults, calls: str) -> None:
    parting = first_parting(plain, train(keras, calls, shuffle=True))
    assert parting == (1, ("states", "loss", "weights", "optimizer"))


def test_an_average_of_the_weights_shows_at_the_first_epoch(keras: Any) -> None:
    """Every call of `fit` ends with the weights overwritten by their average."""
    assert first_parting(train(keras, "loop", use_ema=True), train(keras, "single", use_ema=True)) == (1, ("weights",))


def test_a_training_that_keras_cuts_short_shows_where_it_ends(keras: Any, plain: CaseResults) -> None:
    with max_epochs(keras, 2):
        assert first_parting(plain, train(keras, "loop")) is None  # no call has more than one epoch
        with pytest.warns(UserWarning, match="Limiting epochs to 2"):
            cut = train(keras, "single")
    assert first_parting(plain, cut) == (3, ("epochs",))


@pytest.mark.parametrize(("calls", "cut"), [("loop", False), ("single", True)])
def test_a_job_whose_epochs_keras_cuts_short_says_so(keras: Any, tmp_path: Path, calls: str, cut: bool) -> None:
    options = [*train_options(tmp_path), "--epochs", "3", "--calls", calls]  # the last of two equal options counts
    with max_epochs(keras, 2), pytest.warns(UserWarning, match="Limiting epochs to 2") if cut else nullcontext():
        done = run_here("train", *options)
    assert done.returncode == (1 if cut else 0)
    message = "error: case x: Keras has trained 2 of 3 epochs: KERAS_MAX_EPOCHS is set"
    assert done.stderr.startswith(message if cut else "")
    assert (tmp_path / "h").exists() != cut


def test_a_job_whose_batches_keras_leaves_out_says_so(keras: Any, tmp_path: Path) -> None:
    keras.config.set_max_steps_per_epoch(2)
    try:
        with pytest.warns(UserWarning, match="Limiting steps_per_epoch to 2"):
            done = run_here("train", *train_options(tmp_path))
    finally:
        keras.config.set_max_steps_per_epoch(None)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: case x: Keras has predicted 200 of 1000 samples: KERAS_MAX_STEPS_PER_EPOCH is"
    )
    assert not (tmp_path / "h").exists()
