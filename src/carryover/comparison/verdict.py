"""results/verdict.md: the results of a run, for people."""

from itertools import combinations, product
from typing import Any

from carryover.comparison import words
from carryover.comparison.answer import answer, claims_hold, with_and_without_reset
from carryover.comparison.claims import spellings, why_the_same
from carryover.comparison.numbers import MEMORYLESS
from carryover.comparison.over_seeds import errors_over_seeds, losses_over_seeds
from carryover.comparison.units import error_of, how_forecast, loss_of
from carryover.comparison.words import code, count, table
from carryover.forecasts.ways import BASELINES, STATES, states_in_words
from carryover.series.lags import longest_lag
from carryover.series.notes import Notes
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, DIFFERENCES, Training, differences
from carryover.training.cases import training_of, trainings_of


def verdict(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Write the verdict as Markdown, the answer first.

    Args:
        details: the contents of results/details.json.
        params: the parameters of the run.
    """
    sections = [
        "# Verdict",
        answer(details, params),
        "## The claims",
        _trainings(details, params),
        _claims(details),
        "## What resetting does to the training loss",
        *(losses_over_seeds(details["replicates"], params) if "replicates" in details else []),
        _cases(details, params),
        _held_out(details, params),
        _partings(details),
        _backends(details, params),
        _reference(details, params),
        f"## The series\n\n{Notes.from_json(details['series']).in_words}.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _trainings(details: dict[str, Any], params: dict[str, Any]) -> str:
    groups = "; ".join(map(words.same, details["trainings"]))
    cases, epochs = count(len(details["cases"]), "case"), count(params["training"]["epochs"], "epoch")
    made = count(len(details["trainings"]), "different training")
    return f"{claims_hold(details)} {cases}, {epochs} each, make {made}: {groups}."


def _claims(details: dict[str, Any]) -> str:
    rows = []
    for name, claim in details["claims"].items():
        if reason := claim.get("does_not_apply"):
            proof = reason
        elif not claim["first_divergent_epoch"]:
            proof = f"bit-identical: {words.compared(**claim['compared'])}"
        else:
            proof = words.parting_of_claim(claim)
            if epoch := claim["first_divergent_loss_epoch"]:
                proof += f"; loss from epoch {epoch}, by up to {claim['max_abs_loss_difference']:.3g}"
            if claim["holds"] is False and claim["widest"]:
                proof += f"; at the end most in {code(claim['widest']['tensor'])}"
        rows.append([code(name), {True: "yes", False: "**no**", None: "does not apply"}[claim["holds"]], proof])
    if not rows:
        return ""
    return (
        table(["claim", "holds", "what was found"], rows)
        + "\n\nIdentical means equal in every bit. Compared are the loss of each epoch; the digests of the weights, "
        "the optimizer's variables and, if both cases have them, the states at the end of each epoch; the predictions "
        "after training; and the final training state. Different means that a loss or a weight differs; different "
        "states alone do not count."
    )


def _cases(details: dict[str, Any], params: dict[str, Any]) -> str:
    rows = []
    for group in details["trainings"]:
        case = details["cases"][group[0]]
        rows.append(
            [
                ", ".join(map(code, group)),
                words.same_trainings(training_of(name, params) for name in group),
                f"{case['first_loss']:.6f}",
                f"{case['final_loss']:.6f}",
                f"{case['best_loss']:.6f} (epoch {case['best_epoch']})",
            ]
        )
    return "\n\n".join(
        [
            ("" if "replicates" in details else f"{loss_of(params)} ")
            + "Each case was trained from one seed only. "
            + (
                "The cases show that the trainings differ, not which is better:"
                if len(rows) > 1
                else "All are the same:"
            ),
            table(["cases", "training", "first loss", "final loss", "lowest loss"], rows),
            *_drawn(params),
            *([] if "replicates" in details else _by_batch_order(details, params)),
        ]
    )


def _drawn(params: dict[str, Any]) -> list[str]:
    """Say whose initial weights are not those of the run."""
    own = [
        name
        for name, case in params["cases"].items()
        if any(key in case and case[key] != params["model"][key] for key in ("cell", "units"))
    ]
    if not own or (file := params["model"]["initial_weights"]) == "random":
        return []
    names = ", ".join(map(code, own))
    return [f"These cases have another network than the weights in `{file}` are for, so theirs were drawn: {names}."]


def _by_batch_order(details: dict[str, Any], params: dict[str, Any]) -> list[str]:
    """Say which of never resetting and resetting every epoch ends lower, for each batch order."""
    contiguous, interleaved = (Training("never", batches) for batches in BATCH_ORDERS)
    if why_the_same(contiguous, interleaved, params, details["windows"], details.get("windows_per_sequence")):
        return []
    lines, lower = [], set()
    for never, cases in with_and_without_reset(params):
        finals = {behaviour: details["cases"][case]["final_loss"] for behaviour, case in cases.items()}
        low, high = sorted(finals, key=finals.__getitem__)
        if finals[low] == finals[high]:
            return []
        lower.add(low)
        lines.append(
            f"- {never.order.capitalize()} ({BATCH_ORDERS[never.batches].format(**params['model'])}): "
            f"{finals[low]:.6f} if {BEHAVIOURS[low]}, {finals[high]:.6f} if {BEHAVIOURS[high]}."
        )
    if len(lines) < 2:
        return []
    depends = "depends" if len(lower) > 1 else "does not depend"
    nevers = [never for never, _ in with_and_without_reset(params)]
    keys = {key for a, b in combinations(nevers, 2) for key in differences(a, b)}
    what = " or ".join(words for key, words in DIFFERENCES.items() if key in keys)
    return [f"In this seed, which of the two ends with the lower loss {depends} on {what}:", "\n".join(lines)]


def _held_out(details: dict[str, Any], params: dict[str, Any]) -> str:
    if "held_out" not in details:
        return ""
    numbers = details["held_out"]
    over_seeds = "errors" in details.get("replicates", {})
    parts = ["## Error on unseen data"]
    if "windows_per_sequence" in details and longest_lag(params["dataset"]["horizon"], params["dataset"]["season"]):
        parts.append(
            "The first samples of a held-out sequence are not forecast where a forecast without a network would repeat "
            "a value of the sequence before it."
        )
    if over_seeds:
        parts += errors_over_seeds(details["replicates"], numbers["samples"], params)
        parts.append("The cases of this run, each from one seed only:")
    else:
        parts.append(
            f"An error is the {error_of(params['dataset'])}, over {count(numbers['samples'], 'forecast')} after the "
            f"training part, for one seed. Each network forecasts the series {how_forecast(params['model'])}:"
        )
    rows = [
        [", ".join(map(code, group)), *(f"{numbers['cases'][group[0]][states]:.4g}" for states in STATES)]
        for group in details["trainings"]
    ]
    naive = [[BASELINES[name], f"{error:.4g}"] for name, error in numbers["baselines"].items()]
    parts.append(
        table(["cases", *(f"states {meaning}" for meaning in states_in_words(params["dataset"]).values())], rows)
    )
    if not over_seeds:
        parts += [*_states_and_batches(details, params), "Without any network:", table(["forecast", "error"], naive)]
    return "\n\n".join(parts)


def _states_and_batches(details: dict[str, Any], params: dict[str, Any]) -> list[str]:
    """Say what carried states are worth with each batch order, and what the order is worth without them."""
    errors, cases = details["held_out"]["cases"], spellings(params)
    words_of = states_in_words(params["dataset"])
    lines, without_memory = [], {}
    for memoryless in trainings_of(params):
        if memoryless.behaviour != MEMORYLESS:
            continue
        without_memory[memoryless] = errors[cases[memoryless][0]]["reset"]
        line = f"- {memoryless.order.capitalize()}: {without_memory[memoryless]:.4f} without memory between batches"
        trainings = [memoryless._replace(behaviour=behaviour) for behaviour in BEHAVIOURS if behaviour != MEMORYLESS]
        if others := [name for training in trainings for name in cases.get(training, [])]:
            best, states = min(product(others, STATES), key=lambda way: errors[way[0]][way[1]])
            line += f", {errors[best][states]:.4f} at best with it ({code(best)}, states {words_of[states]})"
        lines.append(f"{line}.")
    for variant in dict.fromkeys(training.variant for training in cases):
        of_each = [without_memory.get(Training(MEMORYLESS, batches, variant)) for batches in BATCH_ORDERS]
        if None not in of_each:
            contiguous, interleaved = (f"{error:.4f}" for error in of_each)
            lines.append(
                f"- The batch order alone, without memory{variant.in_brackets}: {contiguous} with contiguous batches, "
                f"{interleaved} with interleaved ones."
            )
    intro = (
        "To see what carried states are worth, compare networks of the same batch order. To see what the batch order "
        "is worth, compare networks without memory. In this seed:"
    )
    return [intro, "\n".join(lines)] if lines else []


def _partings(details: dict[str, Any]) -> str:
    rows = []
    for name, claim in details["claims"].items():
        if claim["first_divergent_epoch"]:
            differ = f"{claim['different_elements']:,} of {claim['compared']['elements']:,}"
            rows.append([code(name), differ, *_widest(claim["widest"])])
    if not rows:
        return ""
    widest = ["tensor that differs most", "its elements that differ", "largest difference in ULPs", "in value"]
    return "\n\n".join(
        [
            "## Where they part",
            "The weights, optimizer variables and states that both cases have, after the last epoch:",
            table(["claim", "elements that differ", *widest], rows),
        ]
    )


def _widest(widest: dict[str, Any] | None) -> list[str]:
    if widest is None:
        return [""] * 4
    value = widest["max_abs_difference"]
    return [
        code(widest["tensor"]),
        f"{widest['different']:,} of {widest['elements']:,}",
        f"{widest['max_ulps']:,}",
        "not finite" if value is None else f"{value:.3g}",
    ]


def _backends(details: dict[str, Any], params: dict[str, Any]) -> str:
    if not any(training.variant.backend for training in spellings(params)):
        return ""
    distances = details.get("backends", {})
    rows = [[code(name), code(distance["of"]), *_distance(distance)] for name, distance in distances.items()]
    return "\n\n".join(
        [
            "## Distance between the backends",
            "Each backend adds in an order of its own, and random layers draw other numbers, so the same training is "
            "not the same to the bit. All cases start from the same weights. Every forecast is made with TensorFlow, "
            "which also trains every replicate.",
            *([table(["case", "on TensorFlow", *DISTANCES], rows)] if rows else []),
        ]
    )


DISTANCES = ["loss, largest relative difference", "predictions, largest absolute difference"]
"""The columns of a reference.distance."""


def _distance(distance: dict[str, Any]) -> list[str]:
    prediction = distance["max_absolute_prediction_difference"]
    loss = f"{distance['max_relative_loss_difference']:.1e}"
    return [loss, "not comparable" if prediction is None else f"{prediction:.1e}"]


def _reference(details: dict[str, Any], params: dict[str, Any]) -> str:
    heading = f"## Distance from the reference, `{params['reference']}`\n\n"
    if "reference" not in details:
        return f"{heading}Not compared, because this run has other settings or initial weights than the reference."
    rows = [[code(name), *_distance(distance)] for name, distance in details["reference"].items()]
    return heading + table(["case", *DISTANCES], rows)
