"""results/verdict.md: what a person reads."""

from carryover.comparison import Cases, Parting, TensorDifference, first_parting, trainings, widest_tensor
from carryover.metrics import Metrics, claims
from carryover.yaml_file import Params


def verdict(cases: Cases, params: Params, metrics: Metrics) -> str:
    """The verdict as Markdown: the question, the claims with their proof, the effect of resetting, the reference."""
    epochs = params["training"]["epochs"]
    groups = trainings(cases)
    sections = [
        "# Verdict",
        "Is a loop of `fit(epochs=1)` the same training as one `fit(epochs=n)`, and what does resetting the states of "
        f"a stateful LSTM between the epochs change? {len(cases)} cases, {_count(epochs, 'epoch')} each.",
        _answer(groups, metrics),
        "## The claims",
        _claims_table(cases, params, metrics),
        "Identical means equal bits: of the loss and of the digests of all weights, optimizer variables and states "
        "(where both cases have states) at the end of every epoch, and of every prediction after training.",
        "## What resetting does",
        _effects_table(groups, metrics),
        _effect(groups, metrics),
        f"## Distance from the reference, `{params['reference']}`",
        _reference_table(metrics),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def describe(parting: Parting, epochs: int) -> str:
    """Where two cases part, in words.

    >>> describe(Parting(2, ("loss", "weights")), epochs=70)
    'part at epoch 2 (loss, weights)'
    >>> describe(Parting(71, ("predictions",)), epochs=70)
    'part only in the predictions after training'
    """
    if parting.epoch > epochs:
        return "part only in the predictions after training"
    return f"part at epoch {parting.epoch} ({', '.join(parting.parts)})"


def _answer(groups: list[list[str]], metrics: Metrics) -> str:
    failed = [name for name, claim in metrics["claims"].items() if not claim["holds"]]
    count = f"{_count(len(metrics['cases']), 'case')} make {_count(len(groups), 'different training')}: "
    lists = "; ".join(" = ".join(f"`{name}`" for name in group) for group in groups)
    if not metrics["claims"]:
        state = "Nothing is claimed."
    elif failed:
        names = ", ".join(f"`{name}`" for name in failed)
        state = f"**Not every claim holds; these fail, {len(failed)} of {len(metrics['claims'])}**: {names}."
    else:
        state = f"**All claims hold, {len(metrics['claims'])} of {len(metrics['claims'])}.**"
    return f"{state} {count}{lists}."


def _claims_table(cases: Cases, params: Params, metrics: Metrics) -> str:
    rows = []
    for name, (a, sign, b) in claims(params).items():
        claim = metrics["claims"][name]
        parting = first_parting(cases[a], cases[b])
        if parting is None:
            history = cases[a].history
            proof = f"bit-identical: {_count(len(history), 'epoch')}, {len(cases[a].predictions)} predictions"
        else:
            proof = describe(parting, len(cases[a].history))
            if claim["max_abs_loss_difference"]:
                proof += f"; loss {_first_loss(cases, a, b)}, by up to {claim['max_abs_loss_difference']:.3g}"
            if sign == "=":
                proof += _where(widest_tensor(cases[a], cases[b]))
        rows.append([f"`{a}` {'=' if sign == '=' else '≠'} `{b}`", "yes" if claim["holds"] else "**no**", proof])
    return _table(["claim", "holds", "proof"], rows) if rows else ""


def _first_loss(cases: Cases, a: str, b: str) -> str:
    differs = (cases[a].history["loss"] != cases[b].history["loss"]).to_numpy()
    return f"from epoch {int(cases[a].history['epoch'].iloc[differs.argmax()])}"


def _where(widest: TensorDifference | None) -> str:
    return f"; at the end most in `{widest.name}`, by {widest.largest:.3g}" if widest else ""


def _effects_table(groups: list[list[str]], metrics: Metrics) -> str:
    rows = []
    for group in groups:
        case = metrics["cases"][group[0]]
        rows.append(
            [
                ", ".join(f"`{name}`" for name in group),
                f"{case['first_loss']:.6f}",
                f"{case['final_loss']:.6f}",
                f"{case['best_loss']:.6f} (epoch {case['best_epoch']})",
            ]
        )
    return _table(["training", "first loss", "final loss", "best loss"], rows)


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
