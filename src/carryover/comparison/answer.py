"""The answer of a run in a few sentences, and what to do: the head of the verdict, in the file and on the terminal."""

from collections.abc import Iterator
from typing import Any

from carryover.comparison.words import code, count, plain
from carryover.training.behaviours import BATCH_ORDERS, Training
from carryover.training.cases import Case

ONE_FIT = (
    "**What to do.** Call `fit` once. If you want a reset after every epoch, pass it "
    '`carryover.ResetStates(every="epoch")` as a callback.'
)
UNDECIDED = "The training loss does not tell you whether to reset, because it says nothing about unseen data."
ONE_SEED = "The errors on unseen data below are those of one seed, so compare several seeds before you choose."
NOTHING_HELD_OUT = "To see the errors on unseen data, hold samples out (`dataset.held_out`)."


def answer(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Write the answer as Markdown: the claims that fail, if any; warnings about the series, if any; the answer in two
    sentences; what to do.

    Args:
        details: the contents of results/details.json.
        params: the parameters of the run.
    """
    failed = [name for name, claim in details["claims"].items() if not claim["holds"]]
    total = len(details["claims"])
    paragraphs = [
        f"**Not every claim holds; these fail, {len(failed)} of {total}**: {', '.join(map(code, failed))}."
        if failed
        else "",
        _warnings(details),
        " ".join(filter(None, [_loop_or_single(details, params), _reset(details, params)])),
        _what_to_do(details),
    ]
    return "\n\n".join(filter(None, paragraphs))


def claims_hold(details: dict[str, Any]) -> str:
    """Say in Markdown how many claims hold."""
    holding = sum(claim["holds"] for claim in details["claims"].values())
    total = len(details["claims"])
    if not total:
        return "Nothing is claimed: params.yaml lists no claims."
    if holding == total:
        return f"**All claims hold, {total} of {total}.**"
    return f"**{holding} of {count(total, 'claim')} hold.**"


def spellings(params: dict[str, Any]) -> dict[Training, list[str]]:
    """Group the cases by the training that their definitions spell, whatever the run found."""
    found: dict[Training, list[str]] = {}
    for name, case in params["cases"].items():
        found.setdefault(Case(**case).training, []).append(name)
    return found


def _loop_or_single(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say whether a loop equals the single call; empty if no training has both spellings."""
    both = [
        names
        for names in spellings(params).values()
        if {params["cases"][name]["calls"] for name in names} == {"loop", "single"}
    ]
    if not both:
        return ""
    wrong = [names for names in both if not any(set(names) <= set(group) for group in details["trainings"])]
    if wrong:
        differ = "; ".join(", ".join(map(code, names)) for names in wrong)
        return (
            "**In this run a loop of `fit(epochs=1)` is not always the same training as one `fit(epochs=n)`.** These "
            f"cases should be identical and are not: {differ}."
        )
    return "**A loop of `fit(epochs=1)` is the same training as one `fit(epochs=n)`, to the last bit.**"


def with_and_without_reset(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each batch order with a case of each of the two behaviours that it has: never reset, reset every epoch."""
    found = spellings(params)
    for batches in BATCH_ORDERS:
        cases = {behaviour: found.get(Training(behaviour, batches)) for behaviour in ("never", "every_epoch")}
        if all(cases.values()):
            yield batches, {behaviour: names[0] for behaviour, names in cases.items() if names}


def _reset(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say what a reset after every epoch changes, over all seeds if there are several; empty if no cases show it."""
    trained = {name: case["training"] for name, case in details["cases"].items()}
    differ = [trained[cases["never"]] != trained[cases["every_epoch"]] for _, cases in with_and_without_reset(params)]
    if not differ:
        return ""
    if all(differ):
        sentence = "Resetting the states after every epoch makes it a different training"
    elif any(differ):
        sentence = "Resetting the states after every epoch makes it a different training in some of the pairs of cases"
    else:
        sentence = "In this run, resetting the states after every epoch changes nothing"
    numbers = details.get("replicates", {})
    never, every_epoch = Training("never", "contiguous").name, Training("every_epoch", "contiguous").name
    for pair in numbers.get("pairs", {}).values():
        if {pair["a"], pair["b"]} == {never, every_epoch}:
            reset_lower = pair["a_lower" if pair["a"] == every_epoch else "b_lower"]
            sentence += (
                ": with contiguous batches it ended with the lower training loss in "
                f"{reset_lower:,} of {count(numbers['count'], 'seed')}"
            )
    return f"{sentence}."


def _warnings(details: dict[str, Any]) -> str:
    """List what is suspicious in the series; empty if nothing is."""
    warnings = details.get("series", {}).get("warnings", [])  # details.json of an earlier version has no series
    return "\n".join(["**Check the series first:**", "", *(f"- {plain(w)}" for w in warnings)]) if warnings else ""


def _what_to_do(details: dict[str, Any]) -> str:
    if len(details["trainings"]) < 2:
        return ONE_FIT
    return " ".join([ONE_FIT, UNDECIDED, ONE_SEED if "held_out" in details else NOTHING_HELD_OUT])
