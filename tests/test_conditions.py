"""When the loop of `fit(epochs=1)` is the single `fit(epochs=n)`, and what advances or resets the states.

Each row of docs/conditions.md is one test here, of the row's name, on plain Keras calls.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers.project import ROOT
from helpers.training import StartingModel

EPOCHS, BATCH_SIZE, BATCHES = 4, 5, 4

X = np.random.default_rng(0).normal(size=(BATCH_SIZE * BATCHES, 2, 1)).astype(np.float32)
Y = X[:, -1] * 0.5


@pytest.fixture(autouse=True)
def fresh(keras: Any) -> None:
    """As a job starts: seeds and names do not count on from the test before."""
    keras.backend.clear_session()


def build(keras: Any, dropout: float = 0.0, **compiling: Any) -> Any:
    """A small network; the same one each time. With nothing special it is one model, put back to where it started."""
    if not dropout and not compiling:
        model = nothing_special().started()
        keras.utils.set_random_seed(1)
        return model
    return build_fresh(keras, dropout, **compiling)


@cache
def nothing_special() -> StartingModel:
    import keras

    return StartingModel(build_fresh(keras))


def build_fresh(keras: Any, dropout: float = 0.0, **compiling: Any) -> Any:
    """One of its own."""
    keras.utils.set_random_seed(1)
    layers: list[Any] = [keras.Input(batch_shape=(BATCH_SIZE, 2, 1)), keras.layers.LSTM(3, stateful=True, name="lstm")]
    layers += [keras.layers.Dropout(dropout, seed=7)] if dropout else []
    model = keras.Sequential([*layers, keras.layers.Dense(1, name="dense")])
    model.compile(**{"optimizer": "adam", "loss": "mse", "jit_compile": False} | compiling)
    model.optimizer.build(model.trainable_variables)  # otherwise Keras traces the training step twice
    return model


class Trained(NamedTuple):
    losses: list[float]
    digests: dict[str, str]


def digests(model: Any) -> dict[str, str]:
    from carryover import training_state_digests

    return training_state_digests(model)


FITTING: dict[str, Any] = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
Between = Callable[[Any], object]


def given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def loop(model: Any, between: Between = lambda model: None, numbered: bool = False, **fitting: Any) -> Trained:
    """The loop; `between` is called after each epoch; numbered: with the epoch's number, as the single call has it."""
    losses: list[float] = []
    for epoch in range(EPOCHS):
        options = {"x": X, "y": Y} | FITTING | fitting
        number = {"initial_epoch": epoch, "epochs": epoch + 1} if numbered else {"epochs": 1}
        losses += model.fit(**given(options), **number).history["loss"]
        between(model)
    return Trained(losses, digests(model))


def single(model: Any, between: Between = lambda model: None, **fitting: Any) -> Trained:
    """The single call; `between` is called at the end of each epoch."""
    import keras

    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: between(model))
    options = {"x": X, "y": Y} | FITTING | fitting
    options["callbacks"] = [*options.get("callbacks", []), callback]
    history = model.fit(**given(options), epochs=EPOCHS)
    return Trained(history.history["loss"], digests(model))


@pytest.fixture(scope="module")
def plain(keras: Any) -> Trained:
    """The single call with nothing special."""
    keras.backend.clear_session()
    return single(build(keras))


# ---- the loop is the single call


def test_nothing_special(keras: Any, plain: Trained) -> None:
    assert loop(build(keras)) == plain


def test_schedule_of_the_optimizer(keras: Any) -> None:
    def model() -> Any:
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5)
        return build(keras, optimizer=keras.optimizers.SGD(rate))

    assert loop(model()) == single(model())
    assert single(model()) != single(build(keras, optimizer=keras.optimizers.SGD(0.1)))


def test_dropout(keras: Any) -> None:
    assert loop(build(keras, dropout=0.5)) == single(build(keras, dropout=0.5))


def test_validation_in_both(keras: Any) -> None:
    validation = {"validation_data": (X[:10], Y[:10]), "validation_batch_size": BATCH_SIZE}
    assert loop(build(keras), **validation) == single(build(keras), **validation)


def test_shuffle(keras: Any, plain: Trained) -> None:
    """Once `keras.utils.set_random_seed` has been called, as `build` does."""
    a, b = loop(build(keras), shuffle=True), single(build(keras), shuffle=True)
    assert a == b
    assert a.losses[0] != plain.losses[0], "it has shuffled"


def test_shuffled_dataset(keras: Any, plain: Trained) -> None:
    import tensorflow as tf

    def data() -> dict[str, Any]:
        dataset = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=3).batch(BATCH_SIZE)
        return {"x": dataset, "y": None, "batch_size": None}

    a, b = loop(build(keras), **data()), single(build(keras), **data())
    assert a == b
    assert a.losses[0] != plain.losses[0], "it has shuffled"


def test_epoch_numbers_cured(keras: Any) -> None:
    def scheduled() -> dict[str, Any]:
        return {"callbacks": [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))]}

    assert loop(build(keras), numbered=True, **scheduled()) == single(build(keras), **scheduled())


# ---- it is not


def test_ema(keras: Any) -> None:
    def model() -> Any:
        return build(keras, optimizer=keras.optimizers.Adam(use_ema=True, ema_momentum=0.9))

    a, b = loop(model()), single(model())
    assert a.losses[0] == b.losses[0]
    assert a.losses[1] != b.losses[1]


def test_steps_per_epoch(keras: Any) -> None:
    """With three of four batches an epoch, the single call begins its second epoch with the fourth."""
    import tensorflow as tf

    def data() -> Any:
        return {"x": tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH_SIZE).repeat(), "y": None}

    fitting = {"batch_size": None, "steps_per_epoch": BATCHES - 1}
    a, b = loop(build(keras), **data(), **fitting), single(build(keras), **data(), **fitting)
    assert a.losses[0] == b.losses[0]
    assert a.losses[1] != b.losses[1]
    whole = {"batch_size": None, "steps_per_epoch": BATCHES}
    assert loop(build(keras), **data(), **whole) == single(build(keras), **data(), **whole)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_generator_that_ends(keras: Any) -> None:
    def batches() -> Iterator[Any]:
        for start in range(0, len(X), BATCH_SIZE):
            yield X[start : start + BATCH_SIZE], Y[start : start + BATCH_SIZE]

    fitting = {"y": None, "batch_size": None}
    with pytest.raises(ValueError, match="Received an empty generator"):
        loop(build(keras), x=batches(), **fitting)
    with pytest.warns(UserWarning, match="Your input ran out of data"):
        single(build(keras), x=batches(), **fitting)


def reversing(keras: Any) -> Any:
    class Reversing(keras.utils.PyDataset):  # type: ignore[misc,name-defined]
        """Batches whose order is turned round at each epoch's end."""

        def __init__(self) -> None:
            super().__init__()
            self.order = list(range(BATCHES))

        def __len__(self) -> int:
            return BATCHES

        def __getitem__(self, index: int) -> Any:
            part = slice(self.order[index] * BATCH_SIZE, (self.order[index] + 1) * BATCH_SIZE)
            return X[part], Y[part]

        def on_epoch_end(self) -> None:
            self.order.reverse()

    return Reversing()


def test_py_dataset(keras: Any) -> None:
    fitting = {"y": None, "batch_size": None, "shuffle": None}
    a, b = loop(build(keras), x=reversing(keras), **fitting), single(build(keras), x=reversing(keras), **fitting)
    assert a.losses[0] == b.losses[0]
    assert a != b


def test_epoch_numbers(keras: Any) -> None:
    def scheduled() -> dict[str, Any]:
        return {"callbacks": [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))]}

    a, b = loop(build(keras), **scheduled()), single(build(keras), **scheduled())
    assert a.losses[0] == b.losses[0]
    assert a.losses[1] != b.losses[1]


def test_callbacks_that_start_anew(keras: Any) -> None:
    def stopping() -> dict[str, Any]:
        return {"callbacks": [keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10)]}

    assert len(loop(build(keras), **stopping()).losses) == EPOCHS
    assert len(single(build(keras), **stopping()).losses) == 2

    def reducing() -> dict[str, Any]:
        return {"callbacks": [keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10, factor=0.1)]}

    models = build_fresh(keras), build_fresh(keras)
    loop(models[0], **reducing())
    single(models[1], **reducing())
    assert float(models[0].optimizer.learning_rate.numpy()) == pytest.approx(1e-3)
    assert float(models[1].optimizer.learning_rate.numpy()) < 1e-3


def test_max_epochs(keras: Any) -> None:
    keras.config.set_max_epochs(2)
    try:
        assert len(loop(build(keras)).losses) == EPOCHS
        with pytest.warns(UserWarning, match="Limiting epochs to 2"):
            assert len(single(build(keras)).losses) == 2
    finally:
        keras.config.set_max_epochs(None)


def test_compiling_anew(keras: Any, plain: Trained) -> None:
    def compile_anew(model: Any) -> None:
        model.compile(optimizer="adam", loss="mse", jit_compile=False)

    a, b = loop(build_fresh(keras), compile_anew), plain
    assert a.losses[0] == b.losses[0]
    assert a.losses[1] != b.losses[1]


# ---- what advances the states, and what resets them


def states(model: Any) -> str:
    return digests(model)["states"]


def test_fit_never_resets(keras: Any, plain: Trained) -> None:
    """Zeros at the start of each call, or of each epoch, would give the losses of a reset."""
    from carryover import reset_states

    assert loop(build(keras), reset_states) == single(build(keras), reset_states) != plain
    model = build(keras)
    model.fit(X, Y, epochs=1, **FITTING)
    before = states(model)
    model.fit(X, Y, epochs=1, **FITTING)
    assert states(model) != before


def spoils(keras: Any, plain: Trained, between: Between) -> None:
    """A call between the epochs is another training, in the loop and in the single call alike, unless the states are
    put back after it."""
    spoilt = loop(build(keras), between)
    assert spoilt.losses[0] == plain.losses[0]
    assert spoilt.losses[1] != plain.losses[1]

    def put_back(model: Any) -> None:
        from carryover import set_states, training_state

        kept = training_state(model).states
        between(model)
        set_states(model, kept)

    assert loop(build(keras), put_back) == plain


def test_predict_between_epochs(keras: Any, plain: Trained) -> None:
    spoils(keras, plain, lambda model: model.predict(X, batch_size=BATCH_SIZE, verbose=0))


def test_evaluate_between_epochs(keras: Any, plain: Trained) -> None:
    spoils(keras, plain, lambda model: model.evaluate(X, Y, batch_size=BATCH_SIZE, verbose=0))


def test_validation_data(keras: Any, plain: Trained) -> None:
    validated = single(build(keras), validation_data=(X[:10], Y[:10]), validation_batch_size=BATCH_SIZE)
    assert validated.losses[0] == plain.losses[0]
    assert validated.losses[1] != plain.losses[1]


def test_saving_and_loading(keras: Any, tmp_path: Path) -> None:
    """A model that is loaded goes on with weights and optimizer, but from states of zero, unless they are saved too."""
    from carryover import reset_states, set_states, training_state

    model = build(keras)
    model.fit(X, Y, epochs=1, **FITTING)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "states.npz", **training_state(model).states)  # type: ignore[arg-type]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for mine, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert digests(loaded)["optimizer"] == digests(model)["optimizer"]
    assert states(loaded) != states(model)
    carried = model.fit(X, Y, epochs=1, **FITTING).history["loss"]
    gone_on = loaded.fit(X, Y, epochs=1, **FITTING).history["loss"]
    assert gone_on != carried
    reset = build(keras)
    reset.fit(X, Y, epochs=1, **FITTING)
    reset_states(reset)
    assert gone_on == reset.fit(X, Y, epochs=1, **FITTING).history["loss"]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    set_states(loaded, np.load(tmp_path / "states.npz"))
    assert loaded.fit(X, Y, epochs=1, **FITTING).history["loss"] == carried


def test_saving_and_loading_with_dropout(keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The states alone do not help; the example on the page does."""
    import carryover

    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/conditions.md").read_text(), flags=re.DOTALL)
    model = build(keras, dropout=0.5)
    model.fit(X, Y, epochs=1, **FITTING)
    names: dict[str, Any] = {"carryover": carryover, "keras": keras, "model": model}
    exec(example, names)
    with_states = keras.saving.load_model("model.keras")
    carryover.set_states(with_states, names["kept"].states)
    carried = model.fit(X, Y, epochs=1, **FITTING).history["loss"]
    assert with_states.fit(X, Y, epochs=1, **FITTING).history["loss"] != carried
    assert names["loaded"].fit(X, Y, epochs=1, **FITTING).history["loss"] == carried


def test_saving_weights(keras: Any, plain: Trained, tmp_path: Path) -> None:
    """Weights that are loaded into the same model leave its states as they are."""

    def there_and_back(model: Any) -> None:
        model.save_weights(tmp_path / "m.weights.h5")
        model.load_weights(tmp_path / "m.weights.h5")

    assert loop(build(keras), there_and_back) == plain


def test_where_reset_states_has_gone(keras: Any) -> None:
    model = build(keras)
    assert not hasattr(model, "reset_states")
    model.fit(X, Y, epochs=1, **FITTING)
    model.get_layer("lstm").reset_state()
    assert all(not state.numpy().any() for state in model.get_layer("lstm").states)


def test_a_reset_that_does_nothing(keras: Any) -> None:
    """Keras's own reset says nothing where there is nothing to reset; this package's raises."""
    from carryover import reset_states

    stateless = keras.Sequential([keras.Input(batch_shape=(BATCH_SIZE, 2, 1)), keras.layers.LSTM(3)])
    stateless.layers[0].reset_state()
    with pytest.raises(ValueError, match="nothing to reset"):
        reset_states(stateless)


def test_another_batch_size(keras: Any) -> None:
    """A stateful network has one batch size for ever; another, or a remainder of more than one, is an error."""
    model = build(keras)
    for samples, batch_size in ((len(X) - 1, BATCH_SIZE), (len(X), BATCH_SIZE - 1)):
        with pytest.raises(Exception, match=r"shape|Shape|size"):  # Keras's own class varies
            model.fit(X[:samples], Y[:samples], epochs=1, **FITTING | {"batch_size": batch_size})


def test_remainder_of_one(keras: Any) -> None:
    """One sample is taken for a whole batch of it."""
    from carryover import training_state_digests

    samples = BATCH_SIZE + 1
    copies = np.concatenate([X[:BATCH_SIZE], np.repeat(X[BATCH_SIZE:samples], BATCH_SIZE, axis=0)])
    predictions, digests = [], []
    for x in (X[:samples], copies):
        model = build(keras)
        predictions.append(model.predict(x, batch_size=BATCH_SIZE, verbose=0))
        digests.append(training_state_digests(model))
        assert np.isfinite(model.evaluate(x, x[:, 0], batch_size=BATCH_SIZE, verbose=0))
        assert np.isfinite(model.fit(x, x[:, 0], epochs=1, **FITTING).history["loss"][0])
    assert predictions[0].shape == (2 * BATCH_SIZE, 1)
    assert predictions[0].tobytes() == predictions[1].tobytes()
    assert digests[0] == digests[1]


ORDER = np.arange(len(X)).reshape(BATCH_SIZE, -1).T.ravel()
"""The order of interleaved batches, as docs/batches.md has it."""


def test_one_step_at_a_time(keras: Any) -> None:
    """With a second model of batch size 1, from zero, and from where a row of the trained network is."""
    from carryover import reset_states, set_states, training_state

    with pytest.raises(ValueError, match="batch size"):
        build_fresh(keras).predict(X[:1], verbose=0)
    model = build(keras)
    model.predict(X[: BATCH_SIZE + 1], batch_size=BATCH_SIZE, verbose=0)  # Keras compiles for batches of any size
    assert len(model.predict(X[:1], verbose=0)) == BATCH_SIZE
    reset_states(model)
    model.fit(X[ORDER], Y[ORDER], epochs=1, **FITTING)
    layers = [keras.layers.LSTM(3, stateful=True, name="lstm"), keras.layers.Dense(1)]
    single = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), *layers])
    single.set_weights(model.get_weights())

    def steps(windows: Any) -> list[float]:
        return [float(single.predict(step.reshape(1, 1, 1), verbose=0)[0, 0]) for step in windows.ravel()]

    reset_states(model)
    in_batches = model.predict(X[ORDER], batch_size=BATCH_SIZE, verbose=0)[np.argsort(ORDER), 0]
    states = training_state(model).states
    assert steps(X[:BATCHES])[1::2] == pytest.approx(in_batches[:BATCHES], rel=1e-4)

    row = 2
    expected = model.predict(X[:BATCH_SIZE], verbose=0)[row, 0]
    set_states(single, {name: state[row : row + 1] for name, state in states.items()})
    assert steps(X[row])[-1] == pytest.approx(expected, rel=1e-4)


def test_interleaved_predictions(keras: Any) -> None:
    """Where no state is carried, the predictions of a window do not depend on the order, once they are put back."""
    from carryover import ResetStates

    def predict(x: Any) -> Any:
        callbacks = [ResetStates(every="batch")]
        return build(keras).predict(x, batch_size=BATCH_SIZE, callbacks=callbacks, verbose=0)[:, 0]

    contiguous, interleaved = predict(X), predict(X[ORDER])
    assert interleaved != pytest.approx(contiguous, rel=1e-4)
    assert interleaved[np.argsort(ORDER)] == pytest.approx(contiguous, rel=1e-4)


# ---- the table


def rows() -> list[str]:
    text = (ROOT / "docs/conditions.md").read_text()
    return re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)


def test_the_table_and_the_tests_name_the_same_conditions() -> None:
    text = Path(__file__).read_text()
    tests = re.findall(r"^def test_(\w+)\(keras", text, flags=re.MULTILINE)
    assert sorted(rows()) == sorted(tests)
    assert len(set(tests)) == len(tests) > 20
