"""results/details.json: everything that a run found, for programs. The metrics and the verdict are made from it."""

from typing import Any

import pandas as pd

from carryover.comparison.claims import claims
from carryover.comparison.explanation import explain, summary
from carryover.comparison.partings import trainings
from carryover.forecasts.held_out import scores
from carryover.job.yaml_file import Params
from carryover.replicates.losses import Losses
from carryover.series.notes import Notes
from carryover.training.case_results import CaseResults, Cases

Details = dict[str, Any]


def details(
    cases: Cases,
    params: Params,
    reference: dict[str, dict[str, float | None]],
    replicates: Losses,
    forecasts: pd.DataFrame,
    notes: Notes,
) -> Details:
    """Gather what a run found.

    Args:
        cases: the results of the cases.
        params: the parameters of the run.
        reference: the result of reference.distances.
        replicates: the losses of the replicates by training.
        forecasts: the result of held_out.read_forecasts.
        notes: what make_dataset did with the series.

    Returns:
        `series`: the notes;
        `trainings`: the cases, grouped into those that are identical to the last bit;
        `cases`: for each case the first case of its group (`training`), `first_loss`, `final_loss`, `best_loss`,
        `best_epoch` and the final `weights_sha256`;
        `claims`: for each claim whether it `holds`, and the explanation.summary of its two cases;
        `replicates`: their statistics, by the names of behaviours.TRAININGS; absent if there are none;
        `held_out`: the result of held_out.scores; absent if there are no forecasts;
        `reference`: the argument; absent if the run cannot be compared with the reference.
    """
    groups = trainings(cases)
    first_of = {name: group[0] for group in groups for name in group}
    result: Details = {
        "series": notes._asdict(),
        "trainings": groups,
        "cases": {name: {"training": first_of[name]} | _losses(case) for name, case in cases.items()},
        "claims": {},
    }
    for name, (a, sign, b) in claims(params).items():
        explanation = explain(cases[a], cases[b])
        holds = (explanation.parting is None) == (sign == "=")
        result["claims"][name] = {"holds": holds} | summary(explanation)
    if replicates:
        from carryover.replicates.statistics import statistics  # importing SciPy takes half the time of a comparison

        result["replicates"] = statistics({training.name: losses for training, losses in replicates.items()})
    if not forecasts.empty:
        result["held_out"] = scores(forecasts, params)
    if reference:
        result["reference"] = reference
    return result


def _losses(case: CaseResults) -> dict[str, Any]:
    loss = case.history["loss"]
    best = int(loss.to_numpy().argmin())
    return {
        "first_loss": float(loss.iloc[0]),
        "final_loss": float(loss.iloc[-1]),
        "best_loss": float(loss.iloc[best]),
        "best_epoch": int(case.history["epoch"].iloc[best]),
        "weights_sha256": case.history["weights_sha256"].iloc[-1],
    }
