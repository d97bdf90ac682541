"""results/details.json: everything that a run found, for programs; the metrics and the verdict are made of it."""

from typing import Any

import pandas as pd

from carryover.comparison.claims import claims
from carryover.comparison.explanation import explain, summary
from carryover.comparison.partings import trainings
from carryover.forecasts.held_out import scores
from carryover.job.yaml_file import Params
from carryover.replicates.losses import Losses
from carryover.training.behaviours import Training
from carryover.training.case_results import CaseResults, Cases

Details = dict[str, Any]


def details(
    cases: Cases,
    params: Params,
    reference: dict[str, dict[str, float | None]],
    replicates: Losses,
    forecasts: pd.DataFrame,
) -> Details:
    """Gather what a run found.

    Args:
        cases: their results.
        params: of the run.
        reference: what reference.distances says.
        replicates: the losses of the replicates, by behaviour; their batches are contiguous.
        forecasts: as held_out.read_forecasts returns them.

    Returns:
        `trainings`: the cases, grouped into those that are identical to the last bit;
        `cases`: per case the first case of its group (`training`), `first_loss`, `final_loss`, `best_loss`,
        `best_epoch` and the final `weights_sha256`;
        `claims`: per claim whether it `holds`, and what explanation.summary says of its two cases;
        `replicates`: what statistics says of them, by the names of behaviours.TRAININGS; absent if there are none;
        `held_out`: what held_out.scores says of the forecasts; absent if there are none;
        `reference`: as given; absent if the run cannot be compared with it.
    """
    groups = trainings(cases)
    first_of = {name: group[0] for group in groups for name in group}
    result: Details = {
        "trainings": groups,
        "cases": {name: {"training": first_of[name]} | _losses(case) for name, case in cases.items()},
        "claims": {},
    }
    for name, (a, sign, b) in claims(params).items():
        explanation = explain(cases[a], cases[b])
        holds = (explanation.parting is None) == (sign == "=")
        result["claims"][name] = {"holds": holds} | summary(explanation)
    if replicates:
        from carryover.replicates.statistics import statistics  # SciPy takes half of the time of a comparison to import

        result["replicates"] = statistics(
            {Training(behaviour, "contiguous").name: losses for behaviour, losses in replicates.items()}
        )
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
