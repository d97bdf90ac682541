"""The advice of a run: which training to use and how, from the errors of all seeds on unseen data.

It is about one training: the one with the lowest error or, if the seeds cannot tell which one that is, the simplest of
those that may be it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from carryover.comparison.numbers import (
    MEMORYLESS,
    Numbers,
    by_order,
    comparison,
    equal,
    error,
    in_use,
    no_memory,
    seeds_lower,
    trainings,
    without_memory,
)
from carryover.comparison.units import error_of
from carryover.comparison.words import by, count, seeds_of
from carryover.forecasts.ways import BASELINES, STATES, states_in_words
from carryover.series.options import NOISY_SINE
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training

SEVERAL = "set `replicates.count` to 16 or more"

NETWORKS = {
    "never": "and never reset",
    "every_epoch": "and reset every epoch",
    "every_sequence": "and reset every sequence",
    MEMORYLESS: "without memory between windows",
}
HOW_TO_BATCH = {
    "contiguous": "Call `fit` once, with `shuffle=False`",
    "interleaved": (
        "Reorder your samples into interleaved batches (docs/batches.md), and call `fit` once, with `shuffle=False`"
    ),
}
HOW_TO_TRAIN = {
    "never": "on a stateful network{variant}, without a reset",
    "every_epoch": 'on a stateful network{variant}, with `carryover.ResetStates(every="epoch")` as a callback',
    "every_sequence": "on a stateful network{variant}, with `carryover.ResetStates(every={sequence})` as a callback",
    MEMORYLESS: "on a network{variant} that is not stateful",
}
HOW_TO_FORECAST = {
    "carried": (
        "give the weights to a stateful network of batch size 1, and let it run along {series} from its start, "
        "without a reset (`one_step_at_a_time` in docs/conditions.md)"
    ),
    "reset": "start every window from states of zero",
}


def advice(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Write as Markdown what the errors of all seeds on unseen data say; without such errors, why there is no advice.

    Args:
        details: the contents of results/details.json.
        params: the parameters of the run.
    """
    if reason := _no_advice(details):
        return f"**This run cannot advise you which training to use**: {reason}."
    numbers = details["replicates"]
    advised = _advised(numbers)
    return "\n\n".join(
        [
            _lowest(numbers, params, states_in_words(params["dataset"])),
            _compared(numbers, advised),
            _other_use(numbers, advised, states_in_words(params["dataset"])),
            *_harm_of_memory(numbers),
            *_not_converged(numbers, advised, params),
        ]
    )


def what_to_do(details: dict[str, Any]) -> str:
    """Say how to train and how to forecast; empty if the run cannot advise."""
    if _no_advice(details):
        return ""
    numbers = details["replicates"]
    advised, baseline = _advised(numbers), BASELINES[numbers["best_baseline"]]
    lower = _lower_than_baseline(numbers, advised)
    if lower is False and not any(_lower_than_baseline(numbers, training) for training in trainings(numbers)):
        return f"Use {baseline}: no network here is better. For better networks, train longer or change them."
    sequence = details.get("windows_per_sequence")
    series = "each sequence" if sequence else "the series"
    instructions = (
        f"{HOW_TO_BATCH[advised.batches]}, {HOW_TO_TRAIN[advised.behaviour]}. "
        f"To forecast, {HOW_TO_FORECAST[numbers['trainings'][advised.name]['states']]}."
    ).format(variant=advised.variant.in_brackets, sequence=sequence, series=series)
    if lower is None:
        instructions += f" The seeds cannot tell whether that is better than {baseline}."
    if len(_candidates(numbers)) > 1:
        instructions += " More seeds may tell the trainings apart (`replicates.count`)."
    return instructions


def _no_advice(details: dict[str, Any]) -> str:
    """Say why a run cannot advise; empty if it can."""
    numbers = details.get("replicates")
    if not numbers:
        return f"it has no replicates, and one seed proves no tendency; {SEVERAL}"
    if "errors" not in numbers:
        return "nothing is held out, and a training loss says nothing about unseen data; set `dataset.held_out`"
    if numbers["count"] < numbers["needed"]:
        few = count(numbers["count"], "seed")
        all_of_them = count(len(numbers["trainings"]), "training")
        return f"{few} cannot tell {all_of_them} apart, for which {numbers['needed']} is the least; {SEVERAL}"
    return ""


def _candidates(numbers: Numbers) -> list[Training]:
    """Return the trainings of which each may have the lowest error: the one with the lowest median first."""
    best, *others = sorted(trainings(numbers), key=lambda training: error(numbers, training))
    found = [best]
    for training in others:
        to_best = comparison(numbers, in_use(numbers, best), in_use(numbers, training))
        if to_best and to_best["lower"] != in_use(numbers, best) and not equal(to_best):
            found.append(training)
    return found


def _lower_than_baseline(numbers: Numbers, training: Training) -> bool | None:
    """Return whether the error of a training is lower than that of the best baseline; None if the seeds cannot tell."""
    found = comparison(numbers, in_use(numbers, training), numbers["best_baseline"])
    return found["lower"] == in_use(numbers, training) if found and found["lower"] else None


def _advised(numbers: Numbers) -> Training:
    """Return the training to advise: of those that may be the best, the one that asks least of those who use it."""
    candidates = _candidates(numbers)
    better = [training for training in candidates if _lower_than_baseline(numbers, training)]
    effort = [MEMORYLESS, "never", "every_epoch", "every_sequence"]
    return min(
        better or candidates,
        key=lambda training: (list(BATCH_ORDERS).index(training.batches), effort.index(training.behaviour)),
    )


def _networks(training: Training) -> str:
    """Name the networks of a training.

    >>> _networks(Training("never", "interleaved"))
    'networks trained in interleaved batches and never reset'
    """
    return (
        f"networks{training.variant.in_brackets} trained in {training.batches} batches {NETWORKS[training.behaviour]}"
    )


def _lowest(numbers: Numbers, params: dict[str, Any], words: Mapping[str, str]) -> str:
    """Name the training with the lowest error, or those that may have it."""
    candidates, seeds = _candidates(numbers), count(numbers["count"], "seed")
    first = candidates[0]

    def with_error(training: Training) -> str:
        states = words[numbers["trainings"][training.name]["states"]]
        return f"{error(numbers, training):.4g}, the median of {seeds}, with their states {states}"

    varied = "noise and initial weights" if params["dataset"]["source"] == NOISY_SINE else "initial weights only"
    scope = (
        f"The error is the {error_of(params['dataset'])}. The seeds differ in {varied}; on other data it may be "
        "otherwise."
    )
    if len(numbers["trainings"]) == 1:
        return f"**On unseen data, {_networks(first)} have this error**: {with_error(first)}. {scope}"
    if len(candidates) == 1:
        return f"**On unseen data, {_networks(first)} have the lowest error**: {with_error(first)}. {scope}"
    lines = [f"- {_networks(first)}: {with_error(first)};"]
    for training in candidates[1:]:
        to_first = comparison(numbers, in_use(numbers, training), in_use(numbers, first))
        assert to_first  # it would not be a candidate
        lines.append(f"- {_networks(training)}: {with_error(training)}; {_apart(numbers, to_first, training)};")
    advised = _advised(numbers)
    as_simple = [one for one in candidates if one._replace(variant=advised.variant) == advised]
    which = "Of the simplest, those with the lowest median" if len(as_simple) > 1 else "The simplest of them to use"
    return (
        f"**{seeds} cannot tell which of these trainings has the lowest error on unseen data:**\n\n"
        + "\n".join(lines).removesuffix(";")
        + f".\n\n{which} are {_networks(advised)}. {scope}"
    )


def _apart(numbers: Numbers, to_first: dict[str, Any], training: Training) -> str:
    """Say how a training that may be the best differs from the one with the lowest median."""
    name = in_use(numbers, training)
    lower = seeds_of(seeds_lower(to_first, name), numbers["count"])
    if to_first["lower"] == name:
        return f"seed by seed these are lower than the first, in {lower}, {by(to_first, name)}"
    return f"lower than the first in {lower}, in the median {by(to_first, name)}"


def _compared(numbers: Numbers, advised: Training) -> str:
    """Compare the advised training with networks without memory (or with it), and with the best baseline."""
    baseline = numbers["best_baseline"]
    forecast = (
        f"the best forecast without a network, {BASELINES[baseline]} ({numbers['baselines'][baseline]['median']:.4g})"
    )
    return (
        f"Over the same seeds, {_networks(advised)} are\n\n"
        f"- {_against_other_memory(numbers, advised)};\n"
        f"- {_against(numbers, advised, baseline, forecast)}."
    )


def _against_other_memory(numbers: Numbers, advised: Training) -> str:
    """Compare a training with no memory at all; if it has none itself, with the best one that has memory."""
    own, without = in_use(numbers, advised), no_memory(advised)
    others = by_order(numbers)[without_memory(advised)]
    same = "the same batches, network and optimizer" if advised.variant.words else "the same batches"
    if own != without and without_memory(advised) in others:
        median = numbers["trainings"][without_memory(advised).name]["reset"]["median"]
        words = f"networks of {same} that have no memory, neither in training nor afterwards ({median:.4g})"
        return _against(numbers, advised, without, words)
    with_memory = [training for training in others if training.behaviour != MEMORYLESS]
    if own != without or not with_memory:
        memory = "without memory" if own != without else "with memory"
        return f"not compared with networks {memory}, because no case trains those in these batches"
    other = min(with_memory, key=lambda training: error(numbers, training))
    words = f"the best networks of {same} with memory ({BEHAVIOURS[other.behaviour]}, "
    return _against(numbers, advised, in_use(numbers, other), f"{words}{error(numbers, other):.4g})")


def _against(numbers: Numbers, advised: Training, other: str, words: str) -> str:
    """Compare a training with something else, which has a name in the comparisons and words for the reader."""
    own = in_use(numbers, advised)
    found = comparison(numbers, own, other)
    assert found  # each is compared with each other
    if equal(found):
        return f"the same as {words} in every seed"
    if not found["lower"]:
        lower = seeds_of(seeds_lower(found, own), numbers["count"])
        return f"not to be told from {words}: lower in {lower}, in the median {by(found, own)}"
    better, lower = ("better", "lower") if found["lower"] == own else ("worse", "higher")
    decided = seeds_of(seeds_lower(found, found["lower"]), numbers["count"])
    return f"{better} than {words}: {lower} in {decided}, {by(found, found['lower'])}"


def _other_use(numbers: Numbers, advised: Training, words: Mapping[str, str]) -> str:
    """Say what happens if the states are not used as advised."""
    of_training = numbers["trainings"][advised.name]
    other = next(states for states in STATES if states != of_training["states"])
    return (
        f"**If the states are used otherwise**: with their states {words[other]}, the median error of the same "
        f"networks is {of_training[other]['median']:.4g}."
    )


def _harm_of_memory(numbers: Numbers) -> Iterator[str]:
    """Yield a paragraph for each batch order in which every network with memory is worse than without any."""
    for memoryless, own in by_order(numbers).items():
        with_memory = [training for training in own if training.behaviour != MEMORYLESS]
        without = no_memory(memoryless)
        compared = [comparison(numbers, in_use(numbers, training), without) for training in with_memory]
        if with_memory and all(found and found["lower"] == without for found in compared):
            of_each = [numbers["trainings"][training.name] for training in with_memory]
            medians = sorted(training[states]["median"] for training in of_each for states in STATES)
            none = numbers["trainings"][memoryless.name]["reset"]["median"]
            yield (
                f"**Memory does harm in {memoryless.order}**: networks trained with it have median errors of "
                f"{medians[0]:.4g} to {medians[-1]:.4g}, whether their states are then carried or reset. Without any "
                f"memory it is {none:.4g}."
            )


def _not_converged(numbers: Numbers, advised: Training, params: dict[str, Any]) -> Iterator[str]:
    """Yield a paragraph if the loss of any training was lowest in the last epoch in most seeds."""
    last = {name: training["best_at_the_end"] for name, training in numbers["trainings"].items()}
    falling = [name for name, seeds in last.items() if 2 * seeds >= numbers["count"]]
    others = [name for name in falling if name != advised.name]
    if not falling:
        return
    epochs = params["training"]["epochs"]
    found = []
    if advised.name in falling:
        found.append(f"in {seeds_of(last[advised.name], numbers['count'])}")
    if others:
        which = f"{len(others)} of the {len(last) - 1} other trainings" if len(last) > 2 else "the other training"
        found.append(f"in most seeds of {which}")
    yield (
        f"**Training had not converged**: the loss was lowest in the last epoch, epoch {epochs}, "
        f"{' and '.join(found)}. With more epochs (`training.epochs`) the answer may change."
    )
