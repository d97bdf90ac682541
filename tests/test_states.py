from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest


def stateful_model(keras: Any, **compile_options: Any) -> Any:
    inputs = keras.Input(batch_shape=(2, 1, 1))
    hidden = keras.layers.LSTM(3, stateful=True, return_sequences=True)(inputs)
    model = keras.Model(inputs, keras.layers.GRU(2, stateful=True)(hidden))
    model.compile(loss="mse", **compile_options)
    return model


def states(model: Any) -> list[float]:
    """The largest absolute value of each state."""
    return [float(abs(state.numpy()).max()) for layer in model.layers[1:] for state in layer.states]


X, Y = np.ones((6, 1, 1), np.float32), np.ones((6, 2), np.float32)


def test_predict_evaluate_and_fit_advance_the_states(keras: Any) -> None:
    model = stateful_model(keras)
    seen = [states(model)]
    for advance in (
        lambda: model.predict(X, batch_size=2, verbose=0),
        lambda: model.evaluate(X, Y, batch_size=2, verbose=0),
        lambda: model.fit(X, Y, batch_size=2, shuffle=False, verbose=0),
    ):
        advance()
        seen.append(states(model))
    assert seen[0] == [0, 0, 0]
    assert all(min(now) > 0 and now != before for before, now in pairwise(seen))


def test_reset_states_zeroes_every_state(keras: Any) -> None:
    from carryover import reset_states

    model = stateful_model(keras)
    model.predict(X, batch_size=2, verbose=0)
    assert min(states(model)) > 0
    reset_states(model)
    assert states(model) == [0, 0, 0]


def test_reset_states_reaches_nested_models_and_both_directions(keras: Any) -> None:
    from carryover import reset_states
    from carryover.training.recurrent import recurrent_layers

    inner = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), keras.layers.LSTM(3, stateful=True)])
    both = keras.layers.Bidirectional(keras.layers.LSTM(2, stateful=True))
    inputs = keras.Input(batch_shape=(2, 1, 1))
    model = keras.Model(inputs, keras.layers.Concatenate()([inner(inputs), both(inputs)]))
    model.predict(X, batch_size=2, verbose=0)
    layers = recurrent_layers(model)
    assert len(layers) == 3
    assert all(abs(state.numpy()).max() > 0 for layer in layers for state in layer.states)
    reset_states(model)
    assert all(abs(state.numpy()).max() == 0 for layer in layers for state in layer.states)


def test_reset_states_leaves_other_layers_that_can_be_reset_alone(keras: Any) -> None:
    from carryover import reset_states

    class Counter(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def reset_state(self) -> None:
            raise AssertionError("not a recurrent layer")

        def call(self, inputs: Any) -> Any:
            return inputs

    inputs = keras.Input(batch_shape=(2, 1, 1))
    reset_states(keras.Model(inputs, Counter()(keras.layers.LSTM(2, stateful=True)(inputs))))


def test_reset_states_raises_where_there_is_nothing_to_reset(keras: Any) -> None:
    from carryover import reset_states

    stateless = keras.Sequential([keras.Input((1, 1)), keras.layers.LSTM(2)])
    with pytest.raises(ValueError, match="no stateful recurrent layer"):
        reset_states(stateless)
    unbuilt = keras.Sequential([keras.layers.LSTM(2, stateful=True, name="early")])
    with pytest.raises(ValueError, match="'early' is not built yet"):
        reset_states(unbuilt)


def test_the_callback_resets_at_the_end_of_each_epoch(keras: Any) -> None:
    from carryover import ResetStates

    model, seen = stateful_model(keras), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(states(model)))
    options: dict[str, Any] = {"batch_size": 2, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(X, Y, callbacks=[look, ResetStates(every="epoch"), look], **options)
    before, after = seen[::2], seen[1::2]
    assert all(min(values) > 0 for values in before)
    assert all(values == [0, 0, 0] for values in after)


def test_the_callback_resets_before_each_batch_also_of_evaluate_and_predict(keras: Any) -> None:
    from carryover import ResetStates

    model = stateful_model(keras)
    predictions = model.predict(X, batch_size=2, callbacks=[ResetStates(every="batch")], verbose=0)
    assert (predictions[:2] == predictions[2:4]).all()
    carried = model.predict(X, batch_size=2, verbose=0)
    assert (carried[:2] != carried[2:4]).all()
    reset = ResetStates(every="batch")
    losses = [model.evaluate(X[:n], Y[:n], batch_size=2, callbacks=[reset], verbose=0) for n in (2, 6)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-7)


def test_every_epoch_starts_from_zero_whatever_was_left_before_it(keras: Any) -> None:
    from carryover import ResetStates

    model, seen = stateful_model(keras), []

    def leave_something(*_: Any) -> None:
        model.predict(X, batch_size=2, verbose=0)
        assert min(states(model)) > 0

    leave_something()
    leaving = keras.callbacks.LambdaCallback(on_epoch_end=leave_something)
    look = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(states(model)))
    options: dict[str, Any] = {"batch_size": 2, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(X, Y, callbacks=[ResetStates(every="epoch"), leaving, look], **options)
    assert seen[0] == seen[3] == [0, 0, 0]
    assert min(*seen[1], *seen[2], *seen[4], *seen[5]) > 0


class Seen(NamedTuple):
    """For each batch of a call, whether the states are zero before it."""

    fit: list[bool]
    evaluate: list[bool]
    predict: list[bool]


def zero_before_batches(keras: Any, every: Any) -> Seen:
    """What two epochs of `fit`, then `evaluate` and `predict`, of six batches each, see with a ResetStates."""
    from carryover import ResetStates

    model = stateful_model(keras)
    x, y = np.ones((12, 1, 1), np.float32), np.ones((12, 2), np.float32)
    seen = Seen([], [], [])

    def look(into: list[bool]) -> Any:
        return lambda batch, logs: into.append(states(model) == [0, 0, 0])

    looking = {
        f"on_{call}_batch_begin": look(into) for call, into in zip(("train", "test", "predict"), seen, strict=True)
    }
    options = {
        "batch_size": 2,
        "verbose": 0,
        "callbacks": [ResetStates(every), keras.callbacks.LambdaCallback(**looking)],
    }
    model.fit(x, y, epochs=2, shuffle=False, **options)
    model.evaluate(x, y, **options)
    model.predict(x, **options)
    return seen


def test_the_callback_resets_before_every_nth_batch(keras: Any) -> None:
    resets = [True, False, False, False, True, False]
    assert zero_before_batches(keras, 4) == ([*resets, *resets], resets, resets)
    assert zero_before_batches(keras, np.int64(1)) == zero_before_batches(keras, "batch")


def test_the_callback_resets_before_the_batches_that_a_function_chooses(keras: Any) -> None:
    resets = [True, False, True, False, False, True]
    assert zero_before_batches(keras, lambda batch: batch in (0, 2, 5)) == ([*resets, *resets], resets, resets)


def test_the_callback_accepts_validation_in_fit_and_no_epochs_in_evaluate(keras: Any) -> None:
    from carryover import ResetStates

    model, reset = stateful_model(keras), ResetStates(every="epoch")
    options: dict[str, Any] = {"batch_size": 2, "verbose": 0, "callbacks": [reset]}
    model.fit(X, Y, shuffle=False, validation_data=(X, Y), **options)
    assert states(model) == [0, 0, 0]

    def stop(batch: int, logs: Any) -> None:
        raise RuntimeError("stopped")

    stopping = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    for end in ("after a whole fit", "after a fit that was stopped"):
        with pytest.raises(ValueError, match="evaluate has no epochs"):
            model.evaluate(X, Y, **options)
        if end == "after a whole fit":
            with pytest.raises(RuntimeError, match="stopped"):
                model.fit(X, Y, batch_size=2, shuffle=False, verbose=0, callbacks=[reset, stopping])


@pytest.mark.parametrize("every", ["epoch", "batch", 2])
def test_the_callback_works_on_a_model_that_its_first_batch_builds(keras: Any, every: Any) -> None:
    from carryover import ResetStates

    class BuiltLate(keras.Model):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.lstm = keras.layers.LSTM(2, stateful=True)
            self.lstm.build(shape)

        def call(self, inputs: Any) -> Any:
            return self.lstm(inputs)

    options: dict[str, Any] = {"batch_size": 2, "shuffle": False, "verbose": 0}
    for model in (keras.Sequential([keras.layers.LSTM(2, stateful=True)]), BuiltLate()):
        model.compile(loss="mse")
        model.fit(X, Y, epochs=2, callbacks=[ResetStates(every)], **options)
        assert model.built

    stateless = keras.Sequential([keras.layers.LSTM(2)])
    stateless.compile(loss="mse")
    with pytest.raises(ValueError, match="no stateful recurrent layer"):
        stateless.fit(X, Y, callbacks=[ResetStates(every)], **options)
    assert not stateless.built, "it has not been trained"


def test_the_callback_refuses_what_it_cannot_do(keras: Any) -> None:
    from carryover import ResetStates

    for every in ("step", 0, -1, 2.0, True, None):
        with pytest.raises(
            ValueError, match=f"every is {every!r}, expected 'epoch', 'batch', a whole number of batches"
        ):
            ResetStates(every)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="predict has no epochs"):
        stateful_model(keras).predict(X, batch_size=2, callbacks=[ResetStates(every="epoch")], verbose=0)
    with pytest.raises(TypeError, match="returned None for batch 0, expected True or False"):
        stateful_model(keras).predict(X, batch_size=2, callbacks=[ResetStates(lambda _: None)], verbose=0)  # type: ignore[arg-type, return-value]
    model = stateful_model(keras, steps_per_execution=3)
    for every in ("batch", 3, lambda batch: batch == 0):
        with pytest.raises(ValueError, match="steps_per_execution is 3"):
            model.fit(X, Y, batch_size=2, shuffle=False, callbacks=[ResetStates(every)], verbose=0)  # type: ignore[arg-type]


def test_set_states_puts_back_what_training_state_has_kept(keras: Any, tmp_path: Path) -> None:
    """Into the same model, a loaded one, and one of another batch size, of nested and of several cells too."""
    from carryover import set_states, training_state

    def build(batch_size: int) -> Any:
        inputs = keras.Input(batch_shape=(batch_size, 1, 1))
        both = keras.layers.LSTM(2, stateful=True, return_sequences=True, name="both")
        cells = [keras.layers.LSTMCell(3, name="one"), keras.layers.GRUCell(2, name="two")]
        hidden = keras.layers.Bidirectional(both)(inputs)
        return keras.Sequential([keras.Model(inputs, hidden), keras.layers.RNN(cells, stateful=True, name="cells")])

    model = build(2)
    model.predict(X, batch_size=2, verbose=0)
    kept = training_state(model).states
    assert len(kept) == 7
    expected = model.predict(X[:2], verbose=0)
    set_states(model, kept)
    assert model.predict(X[:2], verbose=0).tobytes() == expected.tobytes()

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    set_states(loaded, kept)
    assert loaded.predict(X[:2], verbose=0).tobytes() == expected.tobytes()

    single = build(1)
    single.set_weights(model.get_weights())
    set_states(single, {name: state[1:] for name, state in kept.items()})
    assert single.predict(X[:1], verbose=0) == pytest.approx(expected[1:], rel=1e-5)


def test_set_states_refuses_what_does_not_fit_and_changes_nothing(keras: Any) -> None:
    from carryover import set_states, training_state

    inputs = keras.Input(batch_shape=(2, 1, 1))
    model = keras.Model(inputs, keras.layers.LSTM(3, stateful=True, name="lstm")(inputs))
    zeros = np.zeros((2, 3))
    good = {"lstm/hidden_state": zeros + 1, "lstm/cell_state": zeros}
    for bad, message in (
        (
            {"lstm/hidden_state": zeros + 1},
            "'lstm/cell_state' is missing; .* has the states lstm/hidden_state, lstm/cell",
        ),
        (good | {"gru/hidden_state": zeros}, "'gru/hidden_state' is not a state of the model"),
        (good | {"lstm/cell_state": zeros[:1]}, r"'lstm/cell_state' has shape \(1, 3\), expected \(2, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            set_states(model, bad)
    with pytest.raises(TypeError, match="states is of type TrainingState, expected a dictionary"):
        set_states(model, training_state(model))  # type: ignore[arg-type]
    assert not any(state.any() for state in training_state(model).states.values())
    set_states(model, good)
    with pytest.raises(ValueError, match="no stateful recurrent layer: nothing to set"):
        set_states(keras.Sequential([keras.Input((1, 1)), keras.layers.LSTM(2)]), good)
    with pytest.raises(ValueError, match="'early' is not built yet: it has no states to set"):
        set_states(keras.Sequential([keras.layers.LSTM(2, stateful=True, name="early")]), good)


def test_what_is_not_a_model_of_keras_3_is_refused_in_one_line(keras: Any) -> None:
    from carryover import ResetStates, reset_states, set_states, training_state, training_state_digests

    class Legacy:
        __module__ = "tf_keras.src.engine.sequential"
        name = "mine"

    public: list[Callable[[Any], object]] = [
        reset_states,
        training_state,
        training_state_digests,
        lambda model: set_states(model, {}),
        lambda model: ResetStates(every="epoch").set_model(model),  # as `fit` of tf_keras does
    ]
    for function in public:
        # A class of your own is derived from one of tf_keras.
        with pytest.raises(
            TypeError, match=r"^model 'mine' is of tf_keras \(Keras 2\); .*unset TF_USE_LEGACY_KERAS.*$"
        ):
            function(type("Mine", (Legacy,), {"__module__": "mine"})())
        with pytest.raises(TypeError, match=r"^model is of type LSTM, expected a keras.Model$"):
            function(keras.layers.LSTM(2, stateful=True))


def test_states_that_are_no_numbers_are_refused_and_a_model_without_weights_has_no_digests(keras: Any) -> None:
    from carryover import set_states, training_state, training_state_digests

    model = stateful_model(keras)
    kept = training_state(model).states
    for wrong in (complex, str):
        with pytest.raises(ValueError, match="expected numbers"):
            set_states(model, {name: state.astype(wrong) for name, state in kept.items()})
    with pytest.raises(ValueError, match="is not built yet"):
        training_state_digests(keras.Sequential([keras.layers.LSTM(3, stateful=True)]))
