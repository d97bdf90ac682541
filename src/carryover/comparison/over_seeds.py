"""What the verdict says of the replicates: the losses and errors of each training over all seeds, compared."""

from collections.abc import Iterable
from typing import Any

from carryover.comparison.numbers import (
    MEMORYLESS,
    Numbers,
    comparison,
    equal,
    in_use,
    no_memory,
    seeds_lower,
    trainings,
)
from carryover.comparison.units import error_of, how_forecast, loss_of
from carryover.comparison.words import by, count, seeds_of, table
from carryover.forecasts.ways import BASELINES, STATES, states_in_words
from carryover.series.options import NOISY_SINE
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training, differences
from carryover.training.variants import ONLY

COMPARED = ["lower", "in how many seeds", "by how much"]
"""The columns of a comparison, as _cells fills them."""

HOW_COMPARED = (
    "By how much is the median of the differences seed by seed, with its 95 % bootstrap interval. p is that of the "
    "sign test, corrected by Holm's method for the number of comparisons. Where the interval spans zero or p is 0.05 "
    "or more, the seeds cannot tell. `details.json` has all pairs."
)

NOT_COVERED = (
    "What the seeds do not vary is not covered: which part of the series is held out and, for your own series, the "
    "series itself. The way to use the states was chosen by the same errors."
)


def losses_over_seeds(numbers: Numbers, params: dict[str, Any]) -> list[str]:
    """Write the paragraphs about the training losses.

    Args:
        numbers: the statistics.
        params: the parameters of the run.
    """
    own = "noise and initial weights" if params["dataset"]["source"] == NOISY_SINE else "initial weights"
    rows = []
    for training in trainings(numbers):
        found = numbers["trainings"][training.name]
        spreads = (_spread(found[loss]) for loss in ("final_loss", "best_loss"))
        rows.append([training.words, *spreads, seeds_of(found["best_at_the_end"], numbers["count"])])
    named = {training.name: training for training in trainings(numbers)}
    effects = _effects(numbers["final_losses"], named, "final loss", numbers["count"])
    of_a_network = " of a network" if any(training.variant.words for training in trainings(numbers)) else ""
    return [
        f"{loss_of(params)} Each of {count(numbers['count'], 'seed')} has its own {own}, from which every "
        f"training{of_a_network} starts:",
        table(
            ["training", "final loss, median (quartiles)", "lowest loss, median (quartiles)", "lowest at the end"], rows
        ),
        *effects,
        *([HOW_COMPARED] if effects and numbers["count"] > 1 else []),
    ]


def errors_over_seeds(numbers: Numbers, samples: int, params: dict[str, Any]) -> list[str]:
    """Write the paragraphs about the errors on unseen data.

    Args:
        numbers: the statistics.
        samples: how many samples each network has forecast.
        params: the parameters of the run.
    """
    dataset = params["dataset"]
    of_each = {training: numbers["trainings"][training.name] for training in trainings(numbers)}
    rows = [[training.words, *(_spread(found[states]) for states in STATES)] for training, found in of_each.items()]
    naive = [[BASELINES[name], _spread(found)] for name, found in numbers["baselines"].items()]
    named = {in_use(numbers, training): training for training in of_each}
    baseline: str = numbers["best_baseline"]
    parts = [
        f"An error is the {error_of(dataset)}, over {count(samples, 'forecast')} after the training part. The tables "
        f"have the median (and the quartiles) of {count(numbers['count'], 'seed')}. Each network forecasts the series "
        f"{how_forecast(params['model'])}:",
        table(["training", *(f"states {meaning}" for meaning in states_in_words(dataset).values())], rows),
        "Without any network:",
        table(["forecast", "error"], naive),
        "Below, each training uses its states in the way that has the lower median.",
        *_effects(numbers["errors"], named, "error", numbers["count"]),
    ]
    if any(found["states"] == "carried" for training, found in of_each.items() if training.behaviour == MEMORYLESS):
        parts += [
            "Compared with networks of the same batch order (and otherwise the same) that have no memory at all (reset "
            "every batch in training, and at every window afterwards):",
            _table_against({name: no_memory(of) for name, of in named.items()}, "no memory", named, numbers),
        ]
    return [
        *parts,
        f"Compared with the best forecast without a network, {BASELINES[baseline]}:",
        _table_against(dict.fromkeys(named, baseline), BASELINES[baseline], named, numbers),
        *([HOW_COMPARED, NOT_COVERED] if numbers["count"] > 1 else []),
    ]


def _table_against(others: dict[str, str], words: str, named: dict[str, Training], numbers: Numbers) -> str:
    """Write a table that compares each training with something else.

    Args:
        others: for the name of each training in the comparisons, that of what it is compared with.
        words: what the others are.
        named: the training of each name.
        numbers: the statistics.
    """
    rows = [
        [named[name].words, *_cells(found, {name: "the training", other: words}, numbers["count"])]
        for name, other in others.items()
        if (found := comparison(numbers, name, other))
    ]
    return table(["training", *COMPARED], rows)


def _effects(comparisons: Iterable[dict[str, Any]], named: dict[str, Training], quantity: str, seeds: int) -> list[str]:
    """Tell the effect of the states from that of the batch order, and from that of each thing that variants vary.

    Args:
        comparisons: of which those between two of the named are taken.
        named: the training of each name.
        quantity: what is compared.
        seeds: how many there are.
    """
    states, batches, variants = [], [], []
    for one in comparisons:
        a, b = named.get(one["a"]), named.get(one["b"])
        if a is None or b is None or len(differ := differences(a, b)) != 1:
            continue
        if differ == ["behaviour"]:
            words = {one["a"]: BEHAVIOURS[a.behaviour], one["b"]: BEHAVIOURS[b.behaviour]}
            states.append([a.order.replace(" batches", ""), " or ".join(words.values()), *_cells(one, words, seeds)])
        elif differ == ["batches"]:
            words = {one["a"]: a.batches, one["b"]: b.batches}
            behaviour = ", ".join(filter(None, [BEHAVIOURS[a.behaviour], a.variant.words]))
            batches.append([behaviour, *_cells(one, words, seeds)])
        else:
            words = {one["a"]: a.variant.words, one["b"]: b.variant.words}
            training = a._replace(variant=ONLY).words
            variants.append([training, " or ".join(words.values()), *_cells(one, words, seeds)])
    parts = []
    if states:
        parts += [
            f"What the states do to the {quantity}, within a batch order:",
            table(["batches", "states", *COMPARED], states),
        ]
    if batches:
        parts += [
            f"What the batch order ({' or '.join(BATCH_ORDERS)}) does to the {quantity}, with the states treated alike "
            "in training:",
            table(["states", *COMPARED], batches),
        ]
    if variants:
        parts += [
            f"What the cell, the units or the optimizer does to the {quantity}, one of them at a time:",
            table(["training", "compared", *COMPARED], variants),
        ]
    return parts


def _cells(found: dict[str, Any], words: dict[str, str], seeds: int) -> list[str]:
    """Return the cells of a comparison: which of two is lower, in how many seeds, and by how much.

    Args:
        found: the comparison.
        words: for each of the two names.
        seeds: how many there are.
    """
    if equal(found):
        return ["the same in every seed", "", ""]
    more = found["lower"] or found["a" if found["a_lower"] >= found["b_lower"] else "b"]
    in_seeds = seeds_of(seeds_lower(found, more), seeds)
    one_seed = found["confidence_low"] is None
    by_how_much = f"{abs(found['median_difference']):.3g}" if one_seed else by(found, more).removeprefix("by ")
    lower, where = (words[more], in_seeds) if found["lower"] else ("cannot tell", f"{words[more]} in {in_seeds}")
    return [lower, where, by_how_much]


def _spread(values: dict[str, float]) -> str:
    median, lower, upper = (f"{values[key]:.4g}" for key in ("median", "lower_quartile", "upper_quartile"))
    return f"{median} ({lower} to {upper})"
