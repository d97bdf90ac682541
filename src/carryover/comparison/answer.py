"""The answer of a run in a few sentences, and what to do: the head of the verdict, in the file and on the terminal."""

from collections.abc import Iterator
from typing import Any

from carryover.comparison.advice import advice, what_to_do
from carryover.comparison.claims import spellings, why_the_same
from carryover.comparison.learnt import in_raw_units, learnt_nothing, remedy, what_was_not_learnt
from carryover.comparison.numbers import equal, seeds_lower, trainings
from carryover.comparison.units import network_of
from carryover.comparison.words import code, count, plain, seeds_of
from carryover.training.behaviours import Training
from carryover.training.cases import trainings_of
from carryover.training.variants import TENSORFLOW, backend_of

NOT_A_FORECAST = "The claims say which trainings are the same, not that a forecast is good."

BACKENDS_IN_WORDS = {TENSORFLOW: "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
"""The backends of Keras by their own names."""

ONE_FIT = (
    "Call `fit` once. If you want a reset after every epoch, pass it "
    '`carryover.ResetStates(every="epoch")` as a callback.'
)


def answer(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Write the answer as Markdown: what was not learnt, which claims fail and what is suspicious in the series, if
    anything; the advice; whether a loop is the single call, and what a reset changes; what to do.

    Args:
        details: the contents of results/details.json.
        params: the parameters of the run.
    """
    paragraphs = [
        what_was_not_learnt(details, params),
        _failed(details),
        _warnings(details),
        advice(details, params) if _is_a_choice(details) else "",
        " ".join(filter(None, [_loop_or_single(details, params), _reset(details, params)])),
        _what_to_do(details, params),
    ]
    return "\n\n".join(filter(None, paragraphs))


def _is_a_choice(details: dict[str, Any]) -> bool:
    """Say whether there is anything to advise: without replicates, a single training is not worth a word."""
    return len(details["trainings"]) > 1 or "replicates" in details


def claims_hold(details: dict[str, Any]) -> str:
    """Say in Markdown how many claims hold, of those that apply, and what they are about."""
    applying = _applying(details)
    holding, total, others = sum(applying.values()), len(applying), len(details["claims"]) - len(applying)
    if not details["claims"]:
        return "Nothing is claimed: params.yaml lists no claims."
    if not applying:
        return "**No claim applies.**"
    rest = f"; {others} {'does' if others == 1 else 'do'} not apply" if others else ""
    if holding == total:
        found = f"**All claims{' that apply' if others else ''} hold, {total} of {total}{rest}.**"
    else:
        found = f"**{holding} of {count(total, 'claim')} hold{rest}.**"
    return f"{found} {NOT_A_FORECAST}"


def _applying(details: dict[str, Any]) -> dict[str, bool]:
    """Return whether each claim that applies holds."""
    return {name: claim["holds"] for name, claim in details["claims"].items() if claim["holds"] is not None}


def _failed(details: dict[str, Any]) -> str:
    applying = _applying(details)
    failed = [name for name, holds in applying.items() if not holds]
    if not failed:
        return ""
    return f"**Not every claim holds; these fail, {len(failed)} of {len(applying)}**: {', '.join(map(code, failed))}."


def _loop_or_single(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say whether a loop equals the single call; empty if no training has both spellings."""
    both = details["loop_is_single"]
    if not both:
        return ""
    if not all(both.values()):
        wrong = [names for training, names in spellings(params).items() if not both.get(training.name, True)]
        differ = "; ".join(", ".join(map(code, names)) for names in wrong)
        return (
            "**In this run a loop of `fit(epochs=1)` is not always the same training as one `fit(epochs=n)`.** These "
            f"cases should be identical and are not: {differ}."
        )
    tried = dict.fromkeys(
        training.variant.backend or TENSORFLOW for training in spellings(params) if training.name in both
    )
    names = ", ".join(BACKENDS_IN_WORDS[backend] for backend in tried)
    on_each = f", on each backend tried: {names}" if [*tried] != [TENSORFLOW] else ""
    return f"**A loop of `fit(epochs=1)` is the same training as one `fit(epochs=n)`, to the last bit{on_each}.**"


def with_and_without_reset(params: dict[str, Any]) -> Iterator[tuple[Training, dict[str, str]]]:
    """Yield each training without a reset that is there with a reset every epoch too, and a case of each of the two."""
    found = spellings(params)
    for never in trainings_of(params):
        every_epoch = never._replace(behaviour="every_epoch")
        if never.behaviour == "never" and every_epoch in found:
            yield never, {training.behaviour: found[training][0] for training in (never, every_epoch)}


def _effects_of_reset(details: dict[str, Any], params: dict[str, Any]) -> list[bool]:
    """Return for each training without a reset whether a reset after every epoch changes what is learnt."""
    trained = {name: case["training"] for name, case in details["cases"].items()}
    return [trained[cases["never"]] != trained[cases["every_epoch"]] for _, cases in with_and_without_reset(params)]


def _reset(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say what a reset after every epoch changes, over all seeds if there are several; empty if no cases show it."""
    differ = _effects_of_reset(details, params)
    if not differ:
        return ""
    if not any(differ):
        why = _why_no_reset_matters(details, params) or (
            "every loss and every weight is the same without it. The networks do not use the states that they carry "
            "into an epoch; their units may be dead or saturated"
        )
        return f"In this run, resetting the states after every epoch changes nothing that is learnt: {why}."
    sentence = "Resetting the states after every epoch makes it a different training"
    if not all(differ):
        sentence += " in some of the pairs of cases"
    return f"{sentence}{_lower_after_reset(details)}."


def _lower_after_reset(details: dict[str, Any]) -> str:
    """Say for each batch order whether the training loss ends lower with or without a reset, and in how many seeds."""
    numbers = details.get("replicates", {"trainings": {}})
    found = []
    for training in trainings(numbers):
        if training.behaviour != "never":
            continue
        never, reset = training.name, training._replace(behaviour="every_epoch").name
        for one in numbers["final_losses"]:
            if {one["a"], one["b"]} == {never, reset} and not equal(one):
                lower = one["lower"] or (reset if seeds_lower(one, reset) >= seeds_lower(one, never) else never)
                side = "with" if lower == reset else "without"
                seeds = seeds_of(seeds_lower(one, lower), numbers["count"])
                luck = "" if one["lower"] else " (which may be luck)"
                found.append(f"lower {side} the reset in {seeds} with {training.order}{luck}")
    return f". The training loss was {', and '.join(found)}" if found else ""


def _warnings(details: dict[str, Any]) -> str:
    """List what is suspicious in the series; empty if nothing is."""
    warnings = details["series"]["warnings"]
    return "\n".join(["**Check the series first:**", "", *(f"- {plain(w)}" for w in warnings)]) if warnings else ""


def _why_no_reset_matters(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say why, by the definitions alone, a reset after every epoch changes nothing; empty if it might."""
    never, every_epoch = Training("never", "contiguous"), Training("every_epoch", "contiguous")
    return why_the_same(never, every_epoch, params, details["windows"], details.get("windows_per_sequence"))


def _what_to_do(details: dict[str, Any], params: dict[str, Any]) -> str:
    if learnt_nothing(details, params):
        return " ".join(filter(None, [f"**What to do.** {remedy(details, params)}", _carry_states(params)]))
    advised = what_to_do(details) if _is_a_choice(details) else ""
    sentences = [_use_the_states(details, params), advised or ONE_FIT, _carry_states(params)]
    return f"**What to do.** {' '.join(filter(None, sentences))}"


def _carry_states(params: dict[str, Any]) -> str:
    """Say what a stateful network needs on the backends of the run besides TensorFlow; empty if there are none."""
    backends = dict.fromkeys(backend_of(case) for case in params["cases"].values() if case["stateful"])
    others = [BACKENDS_IN_WORDS[backend] for backend in backends if backend != TENSORFLOW]
    return f"On {' and '.join(others)}, call `carryover.carry_states(model)` before `fit`." if others else ""


def _use_the_states(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say what to change first in a run whose networks do not use the states that they carry; else empty."""
    differ = _effects_of_reset(details, params)
    if not differ or any(differ):
        return ""
    if _why_no_reset_matters(details, params):
        return "First train for at least 2 epochs (`training.epochs`)."
    if in_raw_units(params):
        return "First set `dataset.standardize: true`."
    network = network_of(params["model"], "activation")
    return f"First train for more epochs, with another `optimizer.learning_rate`, or change the network ({network})."
