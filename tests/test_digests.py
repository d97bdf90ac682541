from pathlib import Path
from typing import Any

import numpy as np

from carryover import digest


def test_a_digest_sees_one_flipped_bit_anywhere() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    whole = digest({"kernel": kernel})
    assert whole == digest({"kernel": kernel.copy()})
    for element in range(kernel.size):
        for bit in (0, 31):
            flipped = kernel.copy()
            flipped.view(np.uint32).flat[element] ^= 1 << bit
            assert digest({"kernel": flipped}) != whole


def test_a_digest_sees_shapes_and_dtypes_and_order_but_not_names() -> None:
    zeros, ones = np.zeros(4, np.float32), np.ones(4, np.float32)
    others = [{"a": zeros.reshape(2, 2)}, {"a": zeros.view(np.int32)}, {"a": zeros[:2], "b": zeros[2:]}]
    assert len({digest({"a": zeros}), *map(digest, others)}) == 4
    assert digest({"a": zeros, "b": ones}) == digest({"c": zeros, "d": ones}) != digest({"a": ones, "b": zeros})


def test_two_equal_models_of_one_process_have_equal_digests(keras: Any) -> None:
    from carryover import training_state_digests

    def build() -> Any:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), keras.layers.LSTM(3, stateful=True, dropout=0.5)])
        model.compile(optimizer="adam", loss="mse")
        model.fit(np.ones((4, 1, 1)), np.ones((4, 3)), batch_size=2, shuffle=False, verbose=0)
        return model

    assert training_state_digests(build()) == training_state_digests(build())


def test_layers_of_one_name_and_layers_of_several_cells_are_seen_whole(keras: Any) -> None:
    from carryover import reset_states, training_state, training_state_digests

    class Twins(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = keras.layers.Dense(2, name="twin"), keras.layers.Dense(2, name="twin")

        def call(self, inputs: Any) -> Any:
            return self.two(self.one(inputs))

    model = Twins()
    model(np.ones((1, 2)))
    assert len(training_state(model).weights) == 4
    before = training_state_digests(model)
    for layer in (model.one, model.two):
        layer.kernel.assign_add(np.ones((2, 2)))
        assert training_state_digests(model) != before
        before = training_state_digests(model)

    class StatefulTwins(Twins):
        def __init__(self) -> None:
            super().__init__()
            self.one = keras.layers.LSTM(2, stateful=True, return_sequences=True, name="twin")
            self.two = keras.layers.LSTM(2, stateful=True, name="twin")

    model = StatefulTwins()
    model(np.ones((1, 1, 2)))
    assert len(training_state(model).states) == 4
    before = training_state_digests(model)
    for layer in (model.one, model.two):
        layer.states[0].assign_add(np.ones((1, 2)))
        assert training_state_digests(model)["states"] != before["states"]
        before = training_state_digests(model)

    cells = keras.layers.RNN([keras.layers.LSTMCell(2), keras.layers.LSTMCell(3)], stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), cells])
    model.predict(np.ones((2, 1, 1)), verbose=0)
    states = training_state(model).states
    assert len(states) == 4
    assert all(state.any() for state in states.values())
    reset_states(model)
    assert not any(state.any() for state in training_state(model).states.values())


def test_the_states_of_several_cells_are_named_by_cell(keras: Any) -> None:
    from carryover import training_state

    def states(layer: Any) -> list[str]:
        model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), layer])
        return list(training_state(model).states)

    several = [keras.layers.LSTMCell(2, name="lstm_cell"), keras.layers.GRUCell(3, name="gru_cell")]
    of_several = ["rnn/lstm_cell/hidden_state", "rnn/lstm_cell/cell_state", "rnn/gru_cell/hidden_state"]
    assert states(keras.layers.RNN(several, stateful=True, name="rnn")) == of_several
    stack = keras.layers.StackedRNNCells([keras.layers.StackedRNNCells(several, name="inner")])
    nested = [name.replace("rnn/", "rnn/inner/") for name in of_several]
    assert states(keras.layers.RNN(stack, stateful=True, name="rnn")) == nested
    assert states(keras.layers.RNN(keras.layers.GRUCell(2), stateful=True, name="rnn")) == ["rnn/hidden_state"]
    assert states(keras.layers.SimpleRNN(2, stateful=True, name="simple")) == ["simple/hidden_state"]
    assert states(keras.layers.LSTM(2, stateful=True, name="lstm")) == ["lstm/hidden_state", "lstm/cell_state"]


def test_equal_weights_have_equal_digests_whatever_the_seeds(keras: Any, tmp_path: Path) -> None:
    """Keras gives every recurrent layer a seed, even without dropout, and a new one when it loads a model."""
    from carryover import training_state_digests

    def build() -> Any:
        model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), keras.layers.LSTM(3, stateful=True)])
        model.compile(optimizer="adam", loss="mse")
        model.optimizer.build(model.trainable_variables)  # otherwise Keras does not load what it has saved
        return model

    def differ(one: Any, other: Any) -> set[str]:
        of_one, of_other = training_state_digests(one), training_state_digests(other)
        return {part for part in of_one if of_one[part] != of_other[part]}

    model, twin = build(), build()
    twin.set_weights(model.get_weights())
    assert differ(model, twin) == {"seeds"}
    model.save(tmp_path / "model.keras")
    assert differ(model, keras.saving.load_model(tmp_path / "model.keras")) == {"seeds"}


def test_what_a_case_records_has_the_seeds_among_the_weights_in_the_order_of_keras(keras: Any) -> None:
    from carryover import digest
    from carryover.training.snapshot import recorded_state

    model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), keras.layers.LSTM(3), keras.layers.Dense(1)])
    weights = recorded_state(model)["weights"]
    assert len(weights) == len(model.weights) + 1
    assert digest(weights) == digest({variable.path: variable.numpy() for variable in model.variables})


def test_a_digest_does_not_depend_on_memory_layout_or_byte_order() -> None:
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest({"a": table}) == digest({"a": np.asfortranarray(table)}) == digest({"a": table.astype(">f4")})


def test_the_training_state_is_all_that_training_changes(keras: Any) -> None:
    from carryover import training_state

    keras.backend.clear_session()  # Keras counts names on from the test before
    inputs = keras.Input(batch_shape=(2, 1, 1))
    hidden = keras.layers.LSTM(3, stateful=True, name="lstm", dropout=0.5, seed=1)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="dense")(hidden))
    model.compile(optimizer="adam", loss="mse")
    x, y = np.ones((4, 1, 1)), np.ones((4, 1))
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    before = training_state(model)
    assert {"lstm/lstm_cell/kernel", "dense/bias"} < set(before.weights)
    assert not any("seed_generator" in name for name in before.weights)
    assert all("seed_generator" in name for name in before.seeds)
    assert len(before.seeds) == 1
    assert {"adam/iteration", "adam/learning_rate"} < set(before.optimizer)
    assert set(before.states) == {"lstm/hidden_state", "lstm/cell_state"}

    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    after = training_state(model)
    still = [
        name
        for old, new in zip(before, after, strict=True)
        for name in old
        if old[name].tobytes() == new[name].tobytes()
    ]
    assert still == ["adam/learning_rate"]


def test_predicting_changes_the_states_and_nothing_else(keras: Any) -> None:
    from carryover import training_state_digests

    inputs = keras.Input(batch_shape=(2, 1, 1))
    model = keras.Model(inputs, keras.layers.LSTM(3, stateful=True)(inputs))
    model.compile(optimizer="adam", loss="mse")
    before = training_state_digests(model)
    model.predict(np.ones((2, 1, 1)), verbose=0)
    after = training_state_digests(model)
    assert {part for part in before if before[part] != after[part]} == {"states"}


def test_a_model_without_states_has_no_digest_of_them(keras: Any) -> None:
    from carryover import training_state_digests

    model = keras.Sequential([keras.Input((1, 1)), keras.layers.LSTM(2)])
    assert training_state_digests(model)["states"] == ""
