"""Which trainings have learnt nothing, the likely cause, and what to change."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from carryover.comparison.claims import spellings
from carryover.comparison.numbers import comparison, error, in_use, trainings
from carryover.comparison.units import error_of, is_standardized, network_of
from carryover.comparison.words import count
from carryover.forecasts.ways import BASELINES
from carryover.series.options import NOISY_SINE
from carryover.training.behaviours import DIFFERENCES, Training, differences

YARDSTICKS = ("mean", "last_known")
"""The forecasts without a network that anybody has: who is no better than one of these has learnt nothing."""

LEAST_SKILL = 0.01
"""Below this skill score, a network is not clearly better than a yardstick: a hundredth of its mean squared error."""

FAR = 5
"""How far from 0 the mean of a target may be, and by which factor its standard deviation may differ from 1: a network's
activations are between -1 and 1."""

LEAST_FALL = 0.05
"""A loss that falls by less than this share has fallen hardly at all, and one that rises by less has hardly risen. An
error that is lower than a constant's by less than this share is hardly lower."""

MOST_REGAINED = 0.5
"""A loss that rises again by more than this share of its fall has not settled."""


class Cause(NamedTuple):
    """Why nothing was learnt.

    Attributes:
        why: a sentence in Markdown that names the parameter; it may have the `mean` and the `deviation` of the target.
        remedy: what to do first.

    Both may have the `network`, which is what to change for another network, and its `size`, for a smaller one; the
    learning `rate`, by its place in the parameters; and what these trainings have `otherwise` than others.
    """

    why: str
    remedy: str = ""


NOT_STANDARDIZED = Cause(
    "The likely cause is that the series is not standardized (`dataset.standardize: true`): its target has mean "
    "{mean:.3g} and standard deviation {deviation:.3g}, and a network learns best if they are near 0 and 1.",
    "set `dataset.standardize: true`",
)
RATE_TOO_HIGH = Cause(
    "The likely cause is that the learning rate is too high ({rate}): the loss did not fall, or it rose again.",
    "lower {rate}",
)
RATE_TOO_LOW = Cause(
    f"The likely cause is that the learning rate is too low ({{rate}}): the loss fell by less than {LEAST_FALL:.0%} "
    "after the first epoch, and the training part is hardly learnt. If a higher one changes nothing, the inputs may "
    "say nothing about the target (`dataset.inputs`).",
    "raise {rate}",
)
TOO_FEW_EPOCHS = Cause(
    "The likely cause is that the training was too short (`training.epochs`): the loss was still falling at its end.",
    "train for more epochs (`training.epochs`)",
)
THIS_TRAINING = Cause(
    "Other trainings have learnt something, so the likely cause is what these have otherwise: {otherwise}.",
)
LITTLE_TO_LEARN = Cause(
    "The loss fell and then no further, so more epochs will not help: the inputs may say little about the target "
    "(`dataset.inputs`), or the network may not suit it ({network}).",
    "choose other `dataset.inputs`, or change the network ({network})",
)
ONLY_BY_HEART = Cause(
    "They predict the training part better than a constant, but that does not help on unseen data: the held-out part "
    "may be unlike the training part (a trend, another season), or the networks have learnt the noise ({size}).",
    "compare the held-out part with the training part, or make the network smaller ({size})",
)
ONLY_THE_LAST_VALUE = Cause(
    "They may have learnt little more than to repeat the last value, which also predicts better than a constant: the "
    "inputs may say little else about the target (`dataset.inputs`), or it may hardly change within the horizon "
    "(`dataset.horizon`).",
    "choose other `dataset.inputs`, or a longer `dataset.horizon`",
)

Details = dict[str, Any]
Params = dict[str, Any]
Case = dict[str, Any]


def learnt_nothing(details: Details, params: Params) -> bool:
    """Return whether no training of a run has learnt anything."""
    _, idle = _idle(details, params)
    return len(idle) == len(_judged(details, params))


def what_was_not_learnt(details: Details, params: Params) -> str:
    """Say in Markdown which trainings have learnt nothing, what shows it, and the likely cause; empty if none.

    Args:
        details: the contents of results/details.json.
        params: the parameters of the run.
    """
    yardstick, idle = _idle(details, params)
    if not idle:
        return ""
    why = _filled(_cause(yardstick, idle, details, params).why, idle, details, params)
    if learnt_nothing(details, params):
        head = "**Nothing was learnt that helps to forecast, so the differences below mean little.**"
        who = "no network"
    else:
        head = f"**Some trainings have learnt nothing that helps to forecast**: {'; '.join(t.words for t in idle)}."
        who = "none of their networks"
    return f"{head} {_evidence(who, yardstick, idle, details, params)} {why}"


def remedy(details: Details, params: Params) -> str:
    """Say what to change first in a run in which nothing was learnt, and how to forecast until then."""
    yardstick, idle = _idle(details, params)
    _, baselines = _errors(details, params)
    first = _filled(_cause(yardstick, idle, details, params).remedy, idle, details, params)
    until_then = (
        f" Until then, forecast by {BASELINES[min(baselines, key=baselines.__getitem__)]}." if baselines else ""
    )
    return f"First {first}, and run again.{until_then}"


def in_raw_units(params: Params) -> bool:
    """Return whether a series could be standardized and is not; the noisy sine has the range of a network."""
    dataset = params["dataset"]
    return dataset["source"] != NOISY_SINE and not is_standardized(dataset)


def _idle(details: Details, params: Params) -> tuple[str, list[Training]]:
    """Return the yardstick that most trainings are not clearly better than, and these trainings.

    The errors on unseen data tell, of all seeds if there are replicates. Without such errors, the skill on the training
    part tells; the yardstick is then "".
    """
    errors, baselines = _errors(details, params)
    if errors:
        worse = {
            name: [of for of, error in errors.items() if not _is_better(of, error, name, baselines[name], details)]
            for name in YARDSTICKS
            if name in baselines
        }
    else:
        worse = {"": [of for of, names in spellings(params).items() if _without_skill(details, names)]}
    return max(worse.items(), key=lambda item: len(item[1]), default=("", []))


def _judged(details: Details, params: Params) -> list[Training]:
    """Return the trainings that are judged: with replicates, those on another backend are not."""
    errors, _ = _errors(details, params)
    return list(errors or spellings(params))


def _is_better(training: Training, error: float, yardstick: str, its_error: float, details: Details) -> bool:
    """Return whether a training is clearly better than a yardstick: by enough, or by little but beyond luck."""
    if error**2 <= (1 - LEAST_SKILL) * its_error**2:
        return True
    if not _of_seeds(details):
        return False
    own = in_use(details["replicates"], training)
    found = comparison(details["replicates"], own, yardstick)
    return found is not None and found["lower"] == own


def _errors(details: Details, params: Params) -> tuple[dict[Training, float], dict[str, float]]:
    """Return the error of each training on unseen data, with its better states, and those of the baselines.

    They are medians over all seeds if there are replicates, else those of the cases; empty without unseen data.
    """
    if _of_seeds(details):
        numbers = details["replicates"]
        of_each = {training: error(numbers, training) for training in trainings(numbers)}
        return of_each, {name: spread["median"] for name, spread in numbers["baselines"].items()}
    if not (held_out := details.get("held_out")):
        return {}, {}
    of_each = {
        training: min(error for name in names for error in held_out["cases"][name].values())
        for training, names in spellings(params).items()
    }
    return of_each, held_out["baselines"]


def _of_seeds(details: Details) -> bool:
    """Return whether all seeds have errors on unseen data."""
    return "errors" in details.get("replicates", {})


def _without_skill(details: Details, cases: list[str]) -> bool:
    skills = [details["cases"][name]["skill"] for name in cases]
    return all(skill is not None and skill < LEAST_SKILL for skill in skills)


def _evidence(who: str, yardstick: str, idle: list[Training], details: Details, params: Params) -> str:
    if not yardstick:
        return f"After training, {who} predicts the training part clearly better than a constant would."
    errors, baselines = _errors(details, params)
    best = min(idle, key=errors.__getitem__)
    seeds = f"; the median of {count(details['replicates']['count'], 'seed')}" if _of_seeds(details) else ""
    better = "clearly better" if errors[best] < baselines[yardstick] else "better"
    return (
        f"On unseen data, {who} is {better} than {BASELINES[yardstick]}: the {error_of(params['dataset'])}, is "
        f"{baselines[yardstick]:.4g} for that, and {errors[best]:.4g} for the best of these networks "
        f"({best.words}{seeds})."
    )


def _filled(text: str, idle: list[Training], details: Details, params: Params) -> str:
    """Fill in the words of a cause."""
    network, size = network_of(params["model"], "units", "activation"), network_of(params["model"], "units")
    names = [name for training in idle for name in spellings(params)[training]]
    of_the_cases = any("optimizer" in params["cases"][name] for name in names)
    rate = "`learning_rate` of the optimizer of these cases" if of_the_cases else "`optimizer.learning_rate`"
    otherwise = " or ".join(_otherwise(idle, _judged(details, params)))
    return text.format(**details["target"], network=network, size=size, rate=rate, otherwise=otherwise)


def _otherwise(idle: list[Training], judged: list[Training]) -> list[str]:
    """Name what trainings that have learnt nothing have otherwise than those that have: if possible, a single thing."""
    found = [differences(a, b) for a in idle for b in judged if b not in idle]
    alone = [keys for keys in found if len(keys) == 1]
    named = {key for keys in alone or found for key in keys}
    return [words for key, words in DIFFERENCES.items() if key in named]


def _cause(yardstick: str, idle: list[Training], details: Details, params: Params) -> Cause:
    names = [name for training in idle for name in spellings(params)[training]]
    cases = [details["cases"][name] for name in names]
    if in_raw_units(params) and _is_far(**details["target"]):
        return NOT_STANDARDIZED
    if _most(_has_not_settled(case) for case in cases):
        return RATE_TOO_HIGH
    if params["training"]["epochs"] > 1 and _most(_has_hardly_fallen(case) for case in cases):
        return RATE_TOO_LOW
    if _most(_was_falling(training, details, params) for training in idle):
        return TOO_FEW_EPOCHS
    if len(idle) < len(_judged(details, params)):
        return THIS_TRAINING
    if any(_without_skill(details, [name]) for name in names):
        return LITTLE_TO_LEARN
    return ONLY_THE_LAST_VALUE if yardstick == "last_known" else ONLY_BY_HEART


def _is_far(mean: float, deviation: float) -> bool:
    return abs(mean) > FAR or not 1 / FAR <= deviation <= FAR


def _most(found: Iterable[bool]) -> bool:
    answers = list(found)
    return 2 * sum(answers) > len(answers)


def _has_not_settled(case: Case) -> bool:
    first, best, final = case["first_loss"], case["best_loss"], case["final_loss"]
    return bool(final - best > max(MOST_REGAINED * (first - best), LEAST_FALL * best))


def _has_hardly_fallen(case: Case) -> bool:
    """Return whether neither the loss has fallen nor the training part is learnt: a first epoch may do it all."""
    flat = case["best_loss"] > (1 - LEAST_FALL) * case["first_loss"]
    return bool(flat and case["skill"] is not None and case["skill"] < LEAST_FALL)


def _was_falling(training: Training, details: Details, params: Params) -> bool:
    """Return whether the loss was lowest in the last epoch: in most seeds, or without replicates in most cases."""
    if found := details.get("replicates", {}).get("trainings", {}).get(training.name):
        return bool(2 * found["best_at_the_end"] > details["replicates"]["count"])
    names = spellings(params)[training]
    return _most(details["cases"][name]["best_epoch"] == params["training"]["epochs"] for name in names)
