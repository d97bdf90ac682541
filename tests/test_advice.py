"""The advice: each of its sentences, turned over by the numbers that it is made of."""

import json
from typing import Any

import numpy as np
import pytest
from helpers.replicates import replicates

from carryover.comparison.advice import advice, what_to_do
from carryover.comparison.statistics import statistics

NEVER, EPOCH, WITHOUT = "interleaved_never", "interleaved_every_epoch", "interleaved_every_batch"
CONTIGUOUS, CONTIGUOUS_WITHOUT = "contiguous_never", "contiguous_every_batch"
SEEDS = 16
PARAMS = {"training": {"epochs": 2}, "dataset": {"source": "noisy_sine"}}
NOISE = np.linspace(-0.01, 0.01, SEEDS)


def around(error: float) -> Any:
    """Errors of 16 seeds, all near a number."""
    return error + NOISE


def training(carried: Any, reset: Any, converged: bool = True) -> dict[str, Any]:
    loss = [0.2, 0.3] if converged else [0.3, 0.2]
    return {"loss": [loss] * len(carried), "carried": carried, "reset": reset}


ERRORS = {
    CONTIGUOUS: training(around(0.8), around(0.5)),
    CONTIGUOUS_WITHOUT: training(around(3), around(0.35)),
    NEVER: training(around(0.1), around(0.9)),
    WITHOUT: training(around(2), around(0.3)),
}


def details(trainings: Any = ERRORS, input_error: Any = None) -> dict[str, Any]:
    """The details of a run with replicates, as another program reads them."""
    count = len(next(iter(trainings.values()))["carried"])
    baselines = {"input": np.full(count, 0.2) if input_error is None else input_error, "mean": np.full(count, 5.0)}
    return {"replicates": json.loads(json.dumps(statistics(replicates(trainings, baselines))))}


def said(trainings: Any = ERRORS, input_error: Any = None, params: Any = PARAMS) -> str:
    return advice(details(trainings, input_error), params)


def to_do(trainings: Any = ERRORS, input_error: Any = None) -> str:
    return what_to_do(details(trainings, input_error))


INTERLEAVED = (
    "Reorder your samples into interleaved batches (docs/batches.md), and call `fit` once, with `shuffle=False`, "
)
CARRY = (
    "To forecast, give the weights to a stateful network of batch size 1, and let it run along the series from its "
    "start, without a reset (`one_step_at_a_time` in docs/conditions.md)."
)
START_ANEW = "To forecast, start every window from states of zero."


def test_the_training_with_the_lowest_error_is_named_with_its_error_and_how_its_states_are_used() -> None:
    assert said().startswith(
        "**On unseen data, networks trained in interleaved batches and never reset have the lowest error**: 0.1, the "
        "median of 16 seeds, with their states carried from the start of the series. The error is the root mean "
        "squared error of `y`, in its own units. The seeds differ in noise and initial weights;"
    )
    assert to_do() == f"{INTERLEAVED}on a stateful network, without a reset. {CARRY}"
    other = ERRORS | {"contiguous_every_epoch": training(around(0.7), around(0.05))}
    own = PARAMS | {"dataset": {"source": "mine", "target": "temp_max", "horizon": 0}}
    assert said(other, params=own).startswith(
        "**On unseen data, networks trained in contiguous batches and reset every epoch have the lowest error**: 0.05, "
        "the median of 16 seeds, with their states reset at every window. The error is the root mean squared error of "
        "`temp_max`, in its own units. The seeds differ in initial weights only;"
    )
    assert to_do(other) == (
        "Call `fit` once, with `shuffle=False`, on a stateful network, with "
        f'`carryover.ResetStates(every="epoch")` as a callback. {START_ANEW}'
    )


def test_the_advised_training_is_compared_with_no_memory_in_the_same_batches() -> None:
    line = (
        "Over the same seeds, networks trained in interleaved batches and never reset are\n\n- better than networks "
        "of the same batches that have no memory, neither in training nor afterwards (0.3): lower in 16 of 16 seeds, "
        "by 0.2 (95 % interval: 0.2 to 0.2; p < 0.001);\n"
    )
    assert line in said()
    # Within its own batch order: that of the other one does not matter.
    assert line in said(ERRORS | {CONTIGUOUS_WITHOUT: training(around(3), around(0.2))})
    # What such networks are worth with carried states does not make them networks with memory.
    assert line in said(ERRORS | {WITHOUT: training(around(0.2), around(0.3))})
    fewer = {name: errors for name, errors in ERRORS.items() if name != WITHOUT}
    assert "- not compared with networks without memory, because no case trains those in these batches;" in said(fewer)


def test_a_network_that_was_trained_without_memory_may_be_best_with_carried_states() -> None:
    trainings = ERRORS | {WITHOUT: training(around(0.05), around(0.3))}
    text = said(trainings)
    assert text.startswith(
        "**On unseen data, networks trained in interleaved batches without memory between windows have the lowest "
        "error**: 0.05, the median of 16 seeds, with their states carried from the start of the series. "
    )
    assert (
        "- better than networks of the same batches that have no memory, neither in training nor afterwards (0.3)"
        in text
    )
    assert to_do(trainings) == f"{INTERLEAVED}on a network that is not stateful. {CARRY}"


def test_if_no_memory_is_best_it_is_compared_with_the_best_network_with_memory() -> None:
    trainings = ERRORS | {WITHOUT: training(around(2), around(0.04)), EPOCH: training(around(0.08), around(0.9))}
    text = said(trainings)
    assert "interleaved batches without memory between windows have the lowest error**: 0.04, " in text
    better = (
        "- better than the best networks of the same batches with memory (reset every epoch, 0.08): lower in 16 of 16"
    )
    assert better in text
    assert to_do(trainings) == f"{INTERLEAVED}on a network that is not stateful. {START_ANEW}"
    alone = {WITHOUT: ERRORS[WITHOUT], CONTIGUOUS: ERRORS[CONTIGUOUS]}
    assert "- not compared with networks with memory, because no case trains those in these batches;" in said(alone)


@pytest.mark.parametrize(
    ("error", "words", "first"),
    [
        (
            0.2,
            "- better than the best forecast without a network, the input itself (0.2): lower in 16 of 16",
            "Reorder",
        ),
        (
            0.05,
            "- worse than the best forecast without a network, the input itself (0.05): higher in 16 of 16 seeds, by",
            "Use the input itself: no network here is better. For better networks, train longer or change them.",
        ),
        (0.1, "- not to be told from the best forecast without a network, the input itself (0.1): lower in", "Reorder"),
    ],
)
def test_the_advised_training_is_compared_with_the_best_baseline(error: float, words: str, first: str) -> None:
    assert words in said(input_error=np.full(SEEDS, error))
    instructions = to_do(input_error=np.full(SEEDS, error))
    assert instructions.startswith(first)
    assert ("Reorder" in instructions) == (error > 0.05), "no instructions for what is not to be used"
    luck = "The seeds cannot tell whether that is better than the input itself."
    assert (luck in instructions) == (error == 0.1)


CLOSE = {CONTIGUOUS: training(around(0.1) + ([0.02] * 11 + [-0.03] * 5), around(0.9)), NEVER: ERRORS[NEVER]}
"""Of two trainings the second is better in 11 of 16 seeds, and its median is lower."""


def test_no_winner_is_named_if_the_difference_could_be_luck() -> None:
    """11 of 16 seeds are not enough."""
    text = said(CLOSE)
    assert text.startswith(
        "**16 seeds cannot tell which of these trainings has the lowest error on unseen data:**\n\n- networks trained "
        "in interleaved batches and never reset: 0.1, the median of 16 seeds, with their states carried from the start "
        "of the series;\n- networks trained in contiguous batches and never reset: 0.1"
    )
    assert "; lower than the first in 5 of 16 seeds, in the median by -0.02 (95 % interval: " in text
    assert "have the lowest error" not in text
    clear = {CONTIGUOUS: training(around(0.12), around(0.9)), NEVER: ERRORS[NEVER]}
    assert "networks trained in interleaved batches and never reset have the lowest error" in said(clear)
    assert "More seeds" not in to_do(clear)


def test_of_those_that_cannot_be_told_apart_all_that_is_said_is_about_the_simplest() -> None:
    text = said(CLOSE)
    assert "\n\nThe simplest of them to use are networks trained in contiguous batches and never reset. " in text
    assert "Over the same seeds, networks trained in contiguous batches and never reset are\n" in text
    assert "with their states reset at every window, the median error of the same networks is 0.9." in text
    assert to_do(CLOSE) == (
        f"Call `fit` once, with `shuffle=False`, on a stateful network, without a reset. {CARRY} More seeds may tell "
        "the trainings apart (`replicates.count`)."
    )
    memoryless = {NEVER: ERRORS[NEVER], WITHOUT: training(around(2), around(0.1)[::-1]), EPOCH: ERRORS[CONTIGUOUS]}
    assert "on a network that is not stateful. " in to_do(memoryless)


def test_what_is_no_better_than_the_baseline_is_not_advised_as_simple() -> None:
    """The simpler one may be as good as the best one, but only the best one is better than the input itself."""
    simple = training(around(0.1) + ([0.02] * 10 + [-0.03] * 6), around(0.9))
    trainings = {CONTIGUOUS: simple, NEVER: ERRORS[NEVER]}
    assert "interleaved batches" in to_do(trainings, around(0.105))
    assert "interleaved batches" not in to_do(trainings, around(0.2)), "both are better than that"


def test_a_training_with_the_higher_median_that_is_lower_seed_by_seed_may_be_the_best_too() -> None:
    """Here it is lower in 86 of 100 seeds, by little, and much higher in the others, among them those in the middle."""
    base = np.linspace(1, 2, 100)
    other = np.where(abs(base - 1.5) < 0.075, base + 0.3, base - 0.001)
    text = said({NEVER: training(base, base + 5), EPOCH: training(other, other + 5)}, np.full(100, 9.0))
    assert "cannot tell which of these trainings has the lowest error" in text
    assert "seed by seed these are lower than the first, in 86 of 100 seeds, by 0.001 (" in text


def test_trainings_that_are_the_same_by_definition_are_no_matter_of_luck() -> None:
    same = {
        CONTIGUOUS: ERRORS[NEVER],
        NEVER: ERRORS[NEVER],
        CONTIGUOUS_WITHOUT: ERRORS[WITHOUT],
        WITHOUT: ERRORS[WITHOUT],
    }
    text = said(same)
    assert "have the lowest error**: 0.1, " in text
    assert "cannot tell" not in text
    assert "More seeds" not in to_do(same)
    equal = {NEVER: ERRORS[NEVER], WITHOUT: training(around(2), around(0.1))}
    assert "in every seed;\n" in said(equal)
    assert "-0" not in said(equal)


def test_it_says_what_happens_if_the_states_are_used_otherwise_than_advised() -> None:
    sentence = (
        "**If the states are used otherwise**: with their states reset at every window, the median error of the same "
    )
    assert f"{sentence}networks is 0.9." in said()
    assert f"{sentence}networks is 0.12." in said(ERRORS | {NEVER: training(around(0.1), around(0.12))})


def test_it_says_where_memory_does_harm_however_the_states_are_used() -> None:
    sentence = (
        "**Memory does harm in contiguous batches**: networks trained with it have median errors of 0.5 to 0.8, "
        "whether their states are then carried or reset. Without any memory it is 0.35."
    )
    assert sentence in said()
    assert "harm in interleaved" not in said()
    helping = ERRORS | {CONTIGUOUS: training(around(0.8), around(0.3))}
    unknown = ERRORS | {CONTIGUOUS: training(around(0.8), around(0.35)[::-1])}
    assert "harm" not in said(helping)
    assert "harm" not in said(unknown)


def test_it_says_when_training_had_not_converged() -> None:
    assert "converged" not in said()
    falling = ERRORS | {NEVER: training(around(0.1), around(0.9), converged=False)}
    assert (
        "**Training had not converged**: the loss was lowest in the last epoch, epoch 2, in 16 of 16 seeds. With more "
        "epochs (`training.epochs`) the answer may change."
    ) in said(falling)
    # The order of the trainings may change if another one learns more.
    others = ERRORS | {CONTIGUOUS: training(around(0.8), around(0.5), converged=False)}
    assert "in the last epoch, epoch 2, in most seeds of 1 of the 3 other trainings." in said(others)
    every = {name: errors | {"loss": [[0.3, 0.2]] * SEEDS} for name, errors in ERRORS.items()}
    assert "epoch 2, in 16 of 16 seeds and in most seeds of 3 of the 3 other trainings." in said(every)
    two = {name: every[name] for name in (NEVER, WITHOUT)}
    assert "epoch 2, in 16 of 16 seeds and in most seeds of the other training." in said(two)


def test_no_advice_is_given_without_several_seeds_or_without_unseen_data() -> None:
    cannot = "**This run cannot advise you which training to use**: "
    without = advice({}, PARAMS)
    assert without == (
        f"{cannot}it has no replicates, and one seed proves no tendency; set `replicates.count` to 16 or more."
    )
    for seeds in (1, 2, 6):
        few = {name: training(errors["carried"][:seeds], errors["reset"][:seeds]) for name, errors in ERRORS.items()}
        assert said(few) == (
            f"{cannot}{seeds} seed{'s' if seeds > 1 else ''} cannot tell 4 trainings apart, for which 9 is the least; "
            "set `replicates.count` to 16 or more."
        )
        assert to_do(few) == ""
    losses = statistics(replicates({name: {"loss": [[0.5], [0.4]]} for name in (NEVER, WITHOUT)}))
    assert advice({"replicates": losses}, PARAMS) == (
        f"{cannot}nothing is held out, and a training loss says nothing about unseen data; set `dataset.held_out`."
    )
    assert what_to_do({}) == what_to_do({"replicates": losses}) == ""


def test_a_single_training_is_compared_with_no_other() -> None:
    text = said({NEVER: ERRORS[NEVER]})
    assert text.startswith(
        "**On unseen data, networks trained in interleaved batches and never reset have this error**: 0.1, the median "
        "of 16 seeds, with their states carried from the start of the series. "
    )
    assert "lowest error" not in text


def test_a_reset_every_sequence_is_advised_with_the_number_of_batches() -> None:
    errors = {"interleaved_every_sequence": training(around(0.1), around(0.9)), WITHOUT: ERRORS[WITHOUT]}
    of_sequences = details(errors) | {"windows_per_sequence": 12}
    assert what_to_do(of_sequences) == (
        f"{INTERLEAVED}on a stateful network, with `carryover.ResetStates(every=12)` as a callback. "
        + CARRY.replace("the series", "each sequence")
    )
    dataset = {"source": "machines", "sequence": "machine", "target": "wear", "horizon": 0}
    text = advice(of_sequences, PARAMS | {"dataset": dataset})
    assert "networks trained in interleaved batches and reset every sequence have the lowest error" in text
    assert "with their states carried along each sequence" in text
