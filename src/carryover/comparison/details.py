"""results/details.json: everything that a run found, for programs. The metrics and the verdict are made from it."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.comparison.backends import between_backends
from carryover.comparison.claims import claims, spellings, why_the_same
from carryover.comparison.explanation import Explanation, explain, summary
from carryover.comparison.partings import first_parting, trainings
from carryover.comparison.skill import skill
from carryover.forecasts.held_out import scores
from carryover.job.yaml_file import Params
from carryover.replicates.results import Replicates
from carryover.series.dataset import Series
from carryover.series.notes import Notes
from carryover.series.windows import windows_per_sequence
from carryover.training.case_results import CaseResults, Cases
from carryover.training.cases import training_of

Details = dict[str, Any]


def details(
    cases: Cases,
    params: Params,
    reference: dict[str, dict[str, float | None]],
    replicates: Replicates,
    forecasts: pd.DataFrame,
    notes: Notes,
    series: Series,
) -> Details:
    """Gather what a run found.

    Args:
        cases: the results of the cases.
        params: the parameters of the run.
        reference: the result of reference.distances.
        replicates: the results of the replicates.
        forecasts: the result of held_out.read_forecasts.
        notes: what make_dataset did with the series.
        series: the training part of the series, in its own units.

    Returns:
        `series`: the notes;
        `windows`: how many there are in an epoch;
        `windows_per_sequence`: how many each independent sequence has; absent if the series is a single one;
        `target`: the `mean` and the standard `deviation` of the target, in the units of the series;
        `trainings`: the cases, grouped into those that are the same training (partings.same_training);
        `loop_is_single`: for each training that cases spell as a loop and as a single call, by the names of
        behaviours.TRAININGS: whether all these cases are identical to the last bit, their states too;
        `cases`: for each case the first case of its group (`training`), `first_loss`, `final_loss`, `best_loss`,
        `best_epoch`, the `skill` (skill.skill) and the final `weights_sha256`;
        `claims`: for each claim whether it `holds`, and the explanation.summary of its two cases. A claim of a
        difference that the definitions of its cases rule out has null there, and `does_not_apply` says why;
        `replicates`: the result of statistics.statistics; absent if there are none;
        `held_out`: the result of held_out.scores; absent if there are no forecasts;
        `backends`: the result of backends.between_backends; absent if all cases are on one backend;
        `reference`: the argument; absent if the run cannot be compared with the reference.
    """
    groups = trainings(cases)
    first_of = {name: group[0] for group in groups for name in group}
    windows = len(series.y) // params["model"]["time_steps"]
    result: Details = {
        "series": notes.as_json(),
        "windows": windows,
        "target": {"mean": float(series.y.mean(dtype=float)), "deviation": float(series.y.std(dtype=float))},
        "trainings": groups,
        "loop_is_single": _loop_is_single(cases, params),
        "cases": {name: {"training": first_of[name]} | _numbers(case, series.y) for name, case in cases.items()},
        "claims": {},
    }
    if sequence := windows_per_sequence(notes.samples_per_sequence, params["model"]["time_steps"]):
        result["windows_per_sequence"] = sequence
    for name, (a, sign, b) in claims(params).items():
        explanation = explain(cases[a], cases[b])
        reason = why_the_same(training_of(a, params), training_of(b, params), params, windows, sequence)
        result["claims"][name] = _judged(explanation, sign, reason) | summary(explanation)
    if replicates.losses:
        from carryover.comparison.statistics import statistics  # importing SciPy takes half the time of a comparison

        result["replicates"] = statistics(replicates)
    if not forecasts.empty:
        result["held_out"] = scores(forecasts, params)
    if backends := between_backends(cases, params):
        result["backends"] = backends
    if reference:
        result["reference"] = reference
    return result


def _loop_is_single(cases: Cases, params: Params) -> dict[str, bool]:
    return {
        training.name: all(first_parting(cases[a], cases[b]) is None for a, b in combinations(names, 2))
        for training, names in spellings(params).items()
        if {params["cases"][name]["calls"] for name in names} == {"loop", "single"}
    }


def _judged(explanation: Explanation, sign: str, reason: str) -> dict[str, Any]:
    """Judge a claim: `=` holds if every bit is the same, `!=` if a loss or a weight differs."""
    if sign == "=":
        return {"holds": explanation.parting is None}
    if reason and explanation.same_training:
        return {"holds": None, "does_not_apply": reason}
    return {"holds": not explanation.same_training}


def _numbers(case: CaseResults, y: NDArray[np.float32]) -> dict[str, Any]:
    loss = case.history["loss"]
    best = int(loss.to_numpy().argmin())
    return {
        "first_loss": float(loss.iloc[0]),
        "final_loss": float(loss.iloc[-1]),
        "best_loss": float(loss.iloc[best]),
        "best_epoch": int(case.history["epoch"].iloc[best]),
        "skill": skill(case.predictions, y),
        "weights_sha256": case.history["weights_sha256"].iloc[-1],
    }
