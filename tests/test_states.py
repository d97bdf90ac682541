from itertools import pairwise
from typing import Any

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
    from carryover.training.states import recurrent_layers

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


def test_the_callback_refuses_what_it_cannot_do(keras: Any) -> None:
    from carryover import ResetStates

    with pytest.raises(ValueError, match="expected 'epoch' or 'batch'"):
        ResetStates(every="step")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="predict has no epochs"):
        stateful_model(keras).predict(X, batch_size=2, callbacks=[ResetStates(every="epoch")], verbose=0)
    model = stateful_model(keras, steps_per_execution=3)
    with pytest.raises(ValueError, match="steps_per_execution is 3"):
        model.fit(X, Y, batch_size=2, shuffle=False, callbacks=[ResetStates(every="batch")], verbose=0)
