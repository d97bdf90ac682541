"""results/verdict.md: what a person reads."""

from typing import Any

from carryover.comparison.claims import claims
from carryover.comparison.explanation import Explanation, compared, count, describe, explain
from carryover.comparison.metrics import Metrics
from carryover.comparison.partings import trainings
from carryover.forecasts.held_out import BASELINES, STATES
from carryover.job.yaml_file import Params
from carryover.training.case_results import Cases


def verdict(cases: Cases, params: Params, metrics: Metrics) -> str:
    """The verdict as Markdown: the question, the claims with their proof, the effect of resetting, the reference."""
    epochs = params["training"]["epochs"]
    groups = trainings(cases)
    explanations = {name: explain(cases[a], cases[b]) for name, (a, _, b) in claims(params).items()}
    sections = [
        "# Verdict",
        "Is a loop of `fit(epochs=1)` the same training as one `fit(epochs=n)`, and what does resetting the states of "
        f"a stateful LSTM between the epochs change? {len(cases)} cases, {count(epochs, 'epoch')} each.",
        _answer(groups, metrics),
        "## The claims",
        _claims_table(explanations, params, metrics),
        "Identical means equal bits: of the loss and of the digests of all weights, optimizer variables and states "
        "(where both cases have states) at the end of every epoch, of every prediction after training, and of every "
        "tensor of the final training state.",
        _where_they_part(explanations, params),
        "## What resetting does",
        _effects_table(groups, params, metrics),
        _effect(groups, metrics),
        _effect_by_arrangement(params, metrics),
        _replicates(params, metrics),
        _held_out(groups, metrics),
        f"## Distance from the reference, `{params['reference']}`",
        _reference_table(metrics),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _answer(groups: list[list[str]], metrics: Metrics) -> str:
    failed = [name for name, claim in metrics["claims"].items() if not claim["holds"]]
    made = f"{count(len(metrics['cases']), 'case')} make {count(len(groups), 'different training')}: "
    lists = "; ".join(" = ".join(f"`{name}`" for name in group) for group in groups)
    if not metrics["claims"]:
        state = "Nothing is claimed."
    elif failed:
        names = ", ".join(f"`{name}`" for name in failed)
        state = f"**Not every claim holds; these fail, {len(failed)} of {len(metrics['claims'])}**: {names}."
    else:
        state = f"**All claims hold, {len(metrics['claims'])} of {len(metrics['claims'])}.**"
    return f"{state} {made}{lists}."


def _claims_table(explanations: dict[str, Explanation], params: Params, metrics: Metrics) -> str:
    rows = []
    for name, (a, sign, b) in claims(params).items():
        explanation = explanations[name]
        if explanation.parting is None:
            proof = f"bit-identical: {compared(explanation)}"
        else:
            proof = describe(explanation.parting, explanation.epochs)
            if explanation.first_loss_epoch:
                proof += (
                    f"; loss from epoch {explanation.first_loss_epoch}, "
                    f"by up to {explanation.largest_loss_difference:.3g}"
                )
        rows.append([_pair(a, sign, b), "yes" if metrics["claims"][name]["holds"] else "**no**", proof])
    return _table(["claim", "holds", "proof"], rows) if rows else ""


def _where_they_part(explanations: dict[str, Explanation], params: Params) -> str:
    rows = []
    for name, (a, sign, b) in claims(params).items():
        explanation = explanations[name]
        if explanation.parting is not None:
            widest = explanation.widest
            rows.append(
                [
                    _pair(a, sign, b),
                    f"{explanation.different:,} of {explanation.elements:,}",
                    f"`{widest.name}`" if widest else "",
                    f"{widest.different:,} of {widest.elements:,}" if widest else "",
                    f"{widest.largest_ulps:,}" if widest else "",
                    f"{widest.largest:.3g}" if widest else "",
                ]
            )
    header = ["claim", "elements that differ", "most in", "elements of it", "by up to, in ULPs", "in value"]
    if not rows:
        return ""
    return (
        "## Where they part\n\n"
        "After the last epoch, of the weights, optimizer variables and states that both cases have:\n\n"
        + _table(header, rows)
    )


def _pair(a: str, sign: str, b: str) -> str:
    return f"`{a}` {'=' if sign == '=' else '≠'} `{b}`"


def _effects_table(groups: list[list[str]], params: Params, metrics: Metrics) -> str:
    rows = []
    for group in groups:
        case = metrics["cases"][group[0]]
        rows.append(
            [
                ", ".join(f"`{name}`" for name in group),
                params["cases"][group[0]]["batches"],
                f"{case['first_loss']:.6f}",
                f"{case['final_loss']:.6f}",
                f"{case['best_loss']:.6f} (epoch {case['best_epoch']})",
            ]
        )
    return _table(["training", "batches", "first loss", "final loss", "best loss"], rows)


def _effect(groups: list[list[str]], metrics: Metrics) -> str:
    if len(groups) < 2:
        return ""
    finals = {group[0]: metrics["cases"][group[0]]["final_loss"] for group in groups}
    low, high = min(finals, key=finals.__getitem__), max(finals, key=finals.__getitem__)
    return (
        f"The lowest final loss is `{low}`'s, {finals[low]:.6f}, the highest `{high}`'s, {finals[high]:.6f} "
        f"({finals[high] / finals[low]:.2f} times as much). This is one run of one seed: it shows that the trainings "
        "differ, not which is the better in general."
    )


ARRANGEMENTS = {
    "contiguous": "a row of a batch carries its state to the window {batch_size} further on, as in 2017",
    "interleaved": "a row of a batch carries its state to the next window",
}
"""What an arrangement of the batches means for the states."""


def _effect_by_arrangement(params: Params, metrics: Metrics) -> str:
    """Which of never resetting and resetting every epoch ends lower, with each arrangement of the batches."""
    lines, winners = [], []
    for arrangement, meaning in ARRANGEMENTS.items():
        finals: dict[str, float] = {}
        for name, numbers in metrics["cases"].items():
            case = params["cases"][name]
            if case["stateful"] and case["batches"] == arrangement:
                finals.setdefault(case["reset"], numbers["final_loss"])
        if "never" in finals and "every_epoch" in finals:
            low, high = sorted(("never", "every_epoch"), key=finals.__getitem__)
            winners.append(low)
            lines.append(
                f"- With {arrangement} batches ({meaning.format(**params['model'])}), {BEHAVIOURS[low]} ends at "
                f"{finals[low]:.6f}, {BEHAVIOURS[high]} at {finals[high]:.6f}."
            )
    if len(lines) < 2:
        return ""
    turns = "turns with" if len(set(winners)) > 1 else "does not turn with"
    return f"Which of the two ends lower {turns} the arrangement of the batches:\n\n" + "\n".join(lines)


BEHAVIOURS = {
    "never": "never resetting",
    "every_epoch": "resetting every epoch",
    "every_batch": "resetting every batch",
}
"""How a behaviour is called in a sentence."""


def _replicates(params: Params, metrics: Metrics) -> str:
    if "replicates" not in metrics:
        return ""
    numbers = metrics["replicates"]
    own = "noise and initial weights" if params["dataset"]["source"] == "noisy_sine" else "initial weights"
    rows = []
    for behaviour, losses in numbers["behaviours"].items():
        spreads = [
            f"{loss['median']:.6f} ({loss['lower_quartile']:.6f} to {loss['upper_quartile']:.6f})"
            for loss in (losses["final_loss"], losses["best_loss"])
        ]
        rows.append([BEHAVIOURS[behaviour], *spreads])
    sentences = [_pair_sentence(name, pair, numbers["count"]) for name, pair in numbers["pairs"].items()]
    return "\n\n".join(
        [
            "## Is it luck?",
            f"The same training from {count(numbers['count'], 'seed')}, each with its own {own}, "
            "which are the same for each behaviour:",
            _table(["behaviour", "final loss, median (quartiles)", "best loss, median (quartiles)"], rows),
            "\n".join(f"- {sentence}" for sentence in sentences),
        ]
    )


def _pair_sentence(name: str, pair: dict[str, Any], seeds: int) -> str:
    a, b = name.split(" - ")
    # Of the two, the one that more often has the lower loss is told of.
    better, worse, sign = (a, b, 1) if pair["a_lower"] >= pair["b_lower"] else (b, a, -1)
    lower = max(pair["a_lower"], pair["b_lower"])
    sentence = (
        f"{BEHAVIOURS[better].capitalize()} gave a lower final loss than {BEHAVIOURS[worse]} in {lower:,} of "
        f"{count(seeds, 'seed')}; the median difference is {sign * pair['median_difference']:.3g}"
    )
    if pair["confidence_low"] is None:
        return f"{sentence}."
    low, high = sorted(sign * pair[end] for end in ("confidence_low", "confidence_high"))
    test = f"Wilcoxon's signed-rank test: p = {pair['p_value']:.2g}"
    return f"{sentence} (95 % confidence: {low:.3g} to {high:.3g}; {test})."


def _held_out(groups: list[list[str]], metrics: Metrics) -> str:
    if "held_out" not in metrics:
        return ""
    numbers = metrics["held_out"]
    errors: dict[str, float] = {}
    rows = []
    for group in groups:
        name = ", ".join(f"`{case}`" for case in group)
        by_states = numbers["cases"][group[0]]
        rows.append([name, *(f"{by_states[states]:.4f}" for states in STATES)])
        errors |= {f"{name} with states {STATES[states]}": error for states, error in by_states.items()}
    naive = {BASELINES[name]: error for name, error in numbers["baselines"].items()}
    best, best_naive = min(errors, key=errors.__getitem__), min(naive, key=naive.__getitem__)
    worth = "better" if errors[best] < naive[best_naive] else "no better"
    return "\n\n".join(
        [
            "## What it is worth on what it has not seen",
            f"Root mean squared error on the {numbers['samples']:,} forecasts after the training part, by the trained "
            "network at batch size 1, going along the series sample by sample:",
            _table(["training", *(f"states {meaning}" for meaning in STATES.values())], rows),
            "Without any network:\n\n"
            + _table(["forecast", "error"], [[name, f"{error:.4f}"] for name, error in naive.items()]),
            f"The best is {best}, {errors[best]:.4f}: {worth} than {best_naive}, {naive[best_naive]:.4f}.",
        ]
    )


def _reference_table(metrics: Metrics) -> str:
    if not metrics["reference"]:
        return "Not compared: this run's settings are not the reference's."
    rows = []
    for name, distance in metrics["reference"].items():
        prediction = distance["max_absolute_prediction_difference"]
        rows.append(
            [
                f"`{name}`",
                f"{distance['max_relative_loss_difference']:.1e}",
                "not comparable" if prediction is None else f"{prediction:.1e}",
            ]
        )
    return _table(["case", "loss, largest relative difference", "predictions, largest absolute difference"], rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
