"""What the library promises alike on every backend. Each property is a function that raises if it does not hold."""

import re
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
from networks import BATCH_SIZE, CALLING, FITTING, KINDS, Restartable, X, Y, build
from questions import moved, nothing, prepared

from carryover import (
    ResetStates,
    carry_states,
    reset_states,
    set_states,
    training_state,
    training_state_digests,
)
from carryover.training.recurrent import state_variables

BACKEND = keras.backend.backend()


def raises(error: type[Exception], message: str, function: Callable[[], object]) -> None:
    try:
        function()
    except error as raised:
        assert re.search(message, str(raised)), raised
    else:
        raise AssertionError(f"nothing was raised, but {error.__name__} was expected: {message}")


def states(model: Any) -> list[bytes]:
    return [state.tobytes() for state in training_state(model).states.values()]


# ---- every kind of layer


def is_carried_reset_and_set(kind: str) -> None:
    """In `fit` and in `predict`, and each state of it."""
    make, count = KINDS[kind]
    model = make()
    if not isinstance(model, keras.Model):
        model = keras.Sequential([keras.Input(batch_shape=(BATCH_SIZE, 3, 1)), model])
    variables, weights = len(model.weights), training_state_digests(model)["weights"]
    carry_states(model)
    reset_states(model)  # calling a subclassed model to build it has advanced its states

    first = model.predict(X[:2], verbose=0)
    kept = training_state(model).states
    assert len(kept) == count
    assert all(state.any() for state in kept.values())
    second = model.predict(X[:2], verbose=0)
    assert first.tobytes() != second.tobytes()
    set_states(model, kept)
    assert model.predict(X[:2], verbose=0).tobytes() == second.tobytes()
    reset_states(model)
    assert not moved(model)
    assert model.predict(X[:2], verbose=0).tobytes() == first.tobytes()

    reset_states(model)
    model.compile(optimizer="sgd", loss="mse")
    y = np.ones((len(X), first.shape[1]), np.float32)
    model.fit(X, y, **FITTING)
    assert all(state.any() for state in training_state(model).states.values())
    assert len(model.weights) == len(training_state(model).weights) == variables
    assert training_state_digests(model)["weights"] != weights


# ---- carry_states


def calling_it_twice_is_harmless() -> None:
    model = build()
    carry_states(model)
    once = [(id(variable), variable.path) for variable in model.layers[0].variables]
    carry_states(model)
    assert [(id(variable), variable.path) for variable in model.layers[0].variables] == once


def it_may_be_called_after_compile_and_after_training() -> None:
    model = build()  # is compiled
    model.predict(X, **CALLING)
    if BACKEND != "torch":  # where `fit` raises before the call
        model.fit(X, Y, **FITTING)
    carry_states(model)
    reset_states(model)
    start = Restartable(nothing)
    carry_states(start.model)
    for source, target in zip(model.variables, start.model.variables, strict=True):
        target.assign(source.numpy())
    for source, target in zip(model.optimizer.variables, start.model.optimizer.variables, strict=True):
        target.assign(source.numpy())
    losses = [one.fit(X, Y, **FITTING).history["loss"] for one in (model, start.model)]
    assert losses[0] == losses[1]
    assert moved(model)


def it_raises_where_there_is_nothing_to_carry() -> None:
    raises(ValueError, "no stateful recurrent layer: nothing to carry", lambda: carry_states(build(stateful=False)))
    unbuilt = keras.Sequential([keras.layers.LSTM(2, stateful=True, name="early")])
    raises(ValueError, "'early' is not built yet: it has no states to carry", lambda: carry_states(unbuilt))
    raises(TypeError, "expected a keras.Model", lambda: carry_states(keras.layers.LSTM(2, stateful=True)))


def without_it_these_layers_are_not_trained_as_stateful_ones() -> None:
    """On JAX all; on PyTorch those that have an optimized path."""
    for kind in ("lstm", "gru", "simple_rnn"):
        make, _ = KINDS[kind]
        model = keras.Sequential([keras.Input(batch_shape=(BATCH_SIZE, 3, 1)), make()])
        model.compile(loss="mse")
        y = np.ones((len(X), 3), np.float32)
        if BACKEND == "torch" and kind != "simple_rnn":
            raises(RuntimeError, "modified by an inplace operation", partial(model.fit, X, y, **FITTING))
        else:
            model.fit(X, y, **FITTING)
            assert moved(model) == (BACKEND != "jax")


def fit_builds_a_stateful_network_on_tensorflow_alone() -> None:
    model = keras.Sequential([keras.layers.LSTM(2, stateful=True), keras.layers.Dense(1)])
    model.compile(loss="mse")
    if BACKEND == "tensorflow":
        model.fit(X, Y, **FITTING)
    else:
        raises(ValueError, "create a variable while in a stateless scope", lambda: model.fit(X, Y, **FITTING))


def where_states_would_be_forgotten_a_reset_raises_an_error_that_names_it() -> None:
    """Even a ResetStates that never resets. Elsewhere nothing is raised that Keras does not raise itself."""
    model = prepared(nothing)
    kept = training_state(model).states
    never = ResetStates(lambda batch: False)
    needing: list[Callable[[], object]] = [
        lambda: reset_states(model),
        lambda: set_states(model, kept),
        lambda: model.predict(X, callbacks=[ResetStates("batch")], **CALLING),
        lambda: model.evaluate(X, Y, callbacks=[ResetStates(2)], **CALLING),
    ]
    fitting: list[Callable[[], object]] = [
        lambda: model.fit(X, Y, callbacks=[ResetStates("epoch")], **FITTING),
        lambda: model.fit(X, Y, callbacks=[never], **FITTING),
    ]
    for call in [*needing, *fitting]:
        if BACKEND == "jax":
            raises(ValueError, r"call carryover.carry_states\(model\) first", call)
        elif BACKEND == "torch" and call in fitting:
            raises(RuntimeError, "modified by an inplace operation", call)
        else:
            call()
    assert training_state_digests(model)  # looking is always allowed


# ---- resets within an epoch


EVERY: dict[str, tuple[Any, list[int]]] = {
    "batch": ("batch", [0, 1, 2, 3]),
    "two batches": (2, [0, 2]),
    "function": (lambda batch: batch in (1, 2), [1, 2]),
}


def batches() -> list[tuple[int, Any, Any]]:
    return [(number, X[number * 2 : number * 2 + 2], Y[number * 2 : number * 2 + 2]) for number in range(len(X) // 2)]


def a_callback_resets_within_an_epoch_of_fit() -> None:
    """As the same batches one by one, with resets by hand between them."""
    for every, when in EVERY.values():
        model = prepared(carry_states)
        for _ in range(2):
            for number, x, y in batches():
                if number in when:
                    reset_states(model)
                model.train_on_batch(x, y)
        by_hand = training_state_digests(model)
        model = prepared(carry_states)
        model.fit(X, Y, epochs=2, callbacks=[ResetStates(every)], **FITTING)
        assert training_state_digests(model) == by_hand
        model = prepared(carry_states)
        model.fit(X, Y, epochs=2, **FITTING)
        assert training_state_digests(model) != by_hand


def a_callback_resets_within_evaluate_and_predict() -> None:
    for every, when in EVERY.values():
        model = prepared(carry_states)
        by_hand = []
        for number, x, _ in batches():
            if number in when:
                reset_states(model)
            by_hand.append(model.predict_on_batch(x))
        expected, left = np.concatenate(by_hand), states(model)
        for call in ("predict", "evaluate"):
            model = prepared(carry_states)
            if call == "predict":
                found = model.predict(X, callbacks=[ResetStates(every)], **CALLING)
                assert found.tobytes() == expected.tobytes()
                assert prepared(carry_states).predict(X, **CALLING).tobytes() != expected.tobytes()
            else:
                loss = model.evaluate(X, Y, callbacks=[ResetStates(every)], **CALLING)
                assert np.isclose(loss, np.mean((expected - Y) ** 2), rtol=1e-5)
                assert states(model) == left


def a_callback_resets_within_the_validation_of_fit() -> None:
    """The last batch of validation leaves what it would leave from zero, and training goes on from there."""
    model = prepared(carry_states)
    model.fit(X, Y, validation_data=(X, Y), callbacks=[ResetStates("batch")], **FITTING)
    left = states(model)
    reset_states(model)
    model.predict(X[-2:], verbose=0)
    assert states(model) == left


def every_batch_can_look_at_the_whole_training_state() -> None:
    model, seen = prepared(carry_states), []
    # Keras's property `model` of a callback would put the values back by itself.
    look = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(training_state_digests(model))
    )
    model.fit(X, Y, callbacks=[look], **FITTING)
    seen.append(training_state_digests(model))
    prepared(carry_states)
    expected = [training_state_digests(model)]
    for _, x, y in batches():
        model.train_on_batch(x, y)
        expected.append(training_state_digests(model))
    assert seen == expected


def the_states_of_a_part_are_not_reset_within_an_epoch_of_the_whole() -> None:
    """On JAX, because only the whole has them then; that is reported. Elsewhere it works."""
    inner = keras.Sequential([keras.Input(batch_shape=(BATCH_SIZE, 3, 1)), keras.layers.LSTM(2, stateful=True)])
    model = keras.Sequential([inner, keras.layers.Dense(1)])
    model.compile(loss="mse")
    carry_states(model)
    resetting = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: reset_states(inner))

    def train() -> None:
        model.fit(X, Y, callbacks=[resetting], **FITTING)

    if BACKEND == "jax":
        raises(ValueError, "is being trained as part of another model", train)
    else:
        train()
    reset_states(inner)
    assert not moved(model)


# ---- what holds the states, and what does not


def saved_files_fit_models_with_and_without_carry_states() -> None:
    carried, plain = build(), build()
    carry_states(carried)
    carried.fit(X, Y, **FITTING)
    with TemporaryDirectory() as folder:
        whole, weights = Path(folder) / "model.keras", Path(folder) / "model.weights.h5"
        carried.save(whole)
        loaded = keras.saving.load_model(whole)
        assert training_state_digests(loaded)["weights"] == training_state_digests(carried)["weights"]
        assert not moved(loaded)
        carry_states(loaded)
        set_states(loaded, training_state(carried).states)
        assert loaded.predict(X, **CALLING).tobytes() == carried.predict(X, **CALLING).tobytes()

        carried.save_weights(weights)
        left = states(carried)
        plain.load_weights(weights)
        assert training_state_digests(plain)["weights"] == training_state_digests(carried)["weights"]
        assert not moved(plain)
        build().save_weights(weights)
        carried.load_weights(weights)
        assert training_state_digests(carried)["weights"] == training_state_digests(build())["weights"]
        assert states(carried) == left


def get_weights_and_set_weights_have_no_states() -> None:
    model, single = prepared(carry_states), build(batch_size=1)
    model.fit(X, Y, **FITTING)
    carry_states(single)
    single.set_weights(model.get_weights())
    set_states(single, {name: state[1:] for name, state in training_state(model).states.items()})
    assert np.allclose(single.predict(X[1:2], verbose=0), model.predict(X[:2], verbose=0)[1:], rtol=1e-5)


def the_training_state_has_each_variable_once() -> None:
    model = prepared(carry_states)
    state = training_state(model)
    assert list(state.states) == ["lstm/hidden_state", "lstm/cell_state"]
    assert len(state.weights) == 5
    assert all("seed_generator" in name for name in state.seeds)
    assert len(state.seeds) == 1
    assert len(state.optimizer) == len(model.optimizer.variables)
    assert all(array.shape == tuple(state_variables(model)[name].shape) for name, array in state.states.items())


def the_training_state_is_a_copy() -> None:
    model = prepared(carry_states)
    model.predict(X, **CALLING)
    kept = training_state(model)
    before = [array.tobytes() for part in kept for array in part.values()]
    model.fit(X, Y, **FITTING)
    assert [array.tobytes() for part in kept for array in part.values()] == before


def predicting_changes_the_states_alone() -> None:
    model = prepared(carry_states)
    before = training_state_digests(model)
    model.predict(X, **CALLING)
    after = training_state_digests(model)
    assert {part for part in before if before[part] != after[part]} == {"states"}


def the_state_tree_of_keras_can_be_made() -> None:
    assert prepared(carry_states).get_state_tree()["trainable_variables"]


def the_library_needs_nothing_else() -> None:
    others = {"tensorflow", "jax", "torch", "pandas", "ruamel", "snakemake", "dvc"} - {BACKEND}
    assert [name for name in others if find_spec(name)] == []


def _properties() -> dict[str, Callable[[], None]]:
    named = {f"{kind}_is_carried_reset_and_set": partial(is_carried_reset_and_set, kind) for kind in KINDS}
    for function in (
        calling_it_twice_is_harmless,
        it_may_be_called_after_compile_and_after_training,
        it_raises_where_there_is_nothing_to_carry,
        without_it_these_layers_are_not_trained_as_stateful_ones,
        fit_builds_a_stateful_network_on_tensorflow_alone,
        where_states_would_be_forgotten_a_reset_raises_an_error_that_names_it,
        a_callback_resets_within_an_epoch_of_fit,
        a_callback_resets_within_evaluate_and_predict,
        a_callback_resets_within_the_validation_of_fit,
        every_batch_can_look_at_the_whole_training_state,
        the_states_of_a_part_are_not_reset_within_an_epoch_of_the_whole,
        saved_files_fit_models_with_and_without_carry_states,
        get_weights_and_set_weights_have_no_states,
        the_training_state_has_each_variable_once,
        the_training_state_is_a_copy,
        predicting_changes_the_states_alone,
        the_state_tree_of_keras_can_be_made,
        the_library_needs_nothing_else,
    ):
        named[function.__name__] = function  # type: ignore[assignment]
    return named  # type: ignore[return-value]


PROPERTIES = _properties()
