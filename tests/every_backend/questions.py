"""The questions of docs/backends.md: each function answers one, as it is answered in the table.

`prepare` is carry_states, or does nothing; `reset` is reset_states, or what Keras itself has.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
from networks import CALLING, EPOCHS, FITTING, Restartable, X, Y

from carryover import carry_states, reset_states, training_state, training_state_digests

Prepare = Callable[[Any], object]
Trained = tuple[list[float], dict[str, str]]


def reset_by_keras(model: Any) -> None:
    model.layers[0].reset_state()


def nothing(_: Any) -> None:
    pass


@cache
def restartable(prepare: Prepare, stateful: bool = True) -> Restartable:
    return Restartable(prepare, stateful)


def prepared(prepare: Prepare) -> Any:
    return restartable(prepare).started()


def stateless() -> Any:
    return restartable(nothing, stateful=False).started()


def resetting(prepare: Prepare) -> Callable[[Any], None]:
    return reset_states if prepare is carry_states else reset_by_keras


def loop(model: Any, between: Callable[[Any], object] = nothing) -> Trained:
    losses: list[float] = []
    for _ in range(EPOCHS):
        losses += model.fit(X, Y, **FITTING).history["loss"]
        between(model)
    return losses, training_state_digests(model)


def single(model: Any, **when: Callable[[Any], object]) -> Trained:
    """One call of fit; `when` says what to do to the model, by the name of a callback's method."""
    doing = {name: lambda *_, do=do, **__: do(model) for name, do in when.items()}
    callback = keras.callbacks.LambdaCallback(**doing)
    history = model.fit(X, Y, epochs=EPOCHS, callbacks=[callback], **FITTING)
    return history.history["loss"], training_state_digests(model)


def moved(model: Any) -> bool:
    """Whether the states, which were zero, are other ones now."""
    return any(state.any() for state in training_state(model).states.values())


# ---- the questions


def fit_carries_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    (losses, _), (without_memory, _) = single(model), single(stateless())
    return losses != without_memory and moved(model)


def train_on_batch_carries_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    model.train_on_batch(X[:2], Y[:2])
    return moved(model)


def evaluate_advances_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    model.evaluate(X, Y, **CALLING)
    return moved(model)


def predict_advances_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    model.predict(X, **CALLING)
    return moved(model)


def calling_the_model_advances_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    model(X[:2])
    return moved(model)


def reset_in_a_loop_takes_effect(prepare: Prepare) -> bool:
    return loop(prepared(prepare), resetting(prepare))[0] != loop(prepared(prepare))[0]


def reset_in_a_callback_takes_effect(prepare: Prepare) -> bool:
    reset = resetting(prepare)
    return single(prepared(prepare), on_epoch_end=reset)[0] != single(prepared(prepare))[0]


def reset_before_a_batch_takes_effect(prepare: Prepare) -> bool:
    reset = resetting(prepare)
    return single(prepared(prepare), on_train_batch_begin=reset)[0] != single(prepared(prepare))[0]


def loop_is_single_call(prepare: Prepare) -> bool:
    return loop(prepared(prepare)) == single(prepared(prepare))


def loop_is_single_call_with_resets(prepare: Prepare) -> bool:
    reset = resetting(prepare)
    return loop(prepared(prepare), reset) == single(prepared(prepare), on_epoch_end=reset)


def stateless_is_reset_before_every_batch(prepare: Prepare) -> bool:
    losses, digests = single(prepared(prepare), on_train_batch_begin=resetting(prepare))
    without_memory, its_digests = single(stateless())
    return losses == without_memory and digests["weights"] == its_digests["weights"]


def saved_file_holds_states(prepare: Prepare) -> bool:
    model = prepared(prepare)
    for start in range(0, len(X), 2):
        model(X[start : start + 2])
    assert moved(model)
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        return moved(keras.saving.load_model(Path(folder) / "model.keras"))


def second_fit_compiles_again(prepare: Prepare) -> bool | str:
    """To compile, Keras calls the model and its loss once or twice; on PyTorch it calls them at each batch."""
    calls = 0

    def counted(true: Any, predicted: Any) -> Any:
        nonlocal calls
        calls += 1
        return keras.losses.mean_squared_error(true, predicted)

    model = Restartable(prepare).model
    model.compile(optimizer="adam", loss=counted)
    model.fit(X, Y, **FITTING)
    calls = 0
    model.fit(X, Y, **FITTING)
    return "never compiles" if calls == len(X) // 2 else calls > 0


QUESTIONS: dict[str, Callable[[Prepare], bool | str]] = {
    function.__name__: function
    for function in (
        fit_carries_states,
        train_on_batch_carries_states,
        evaluate_advances_states,
        predict_advances_states,
        calling_the_model_advances_states,
        reset_in_a_loop_takes_effect,
        reset_in_a_callback_takes_effect,
        reset_before_a_batch_takes_effect,
        loop_is_single_call,
        loop_is_single_call_with_resets,
        stateless_is_reset_before_every_batch,
        saved_file_holds_states,
        second_fit_compiles_again,
    )
}


def answer(question: str, prepare: Prepare) -> str:
    try:
        found = QUESTIONS[question](prepare)
    except (RuntimeError, ValueError, TypeError) as error:
        return f"raises {type(error).__name__}"
    return found if isinstance(found, str) else "yes" if found else "no"
