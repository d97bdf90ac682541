"""results/metrics.json: what a run found, in numbers."""

from typing import Any

import pandas as pd

from carryover.comparison.claims import claims
from carryover.comparison.explanation import explain
from carryover.forecasts.held_out import scores
from carryover.job.yaml_file import Params
from carryover.replicates.losses import Losses
from carryover.replicates.statistics import statistics
from carryover.training.case_results import Cases

Metrics = dict[str, Any]


def metrics(
    cases: Cases,
    params: Params,
    reference: dict[str, dict[str, float | None]],
    replicates: Losses,
    forecasts: pd.DataFrame,
) -> Metrics:
    """The numbers of a run.

    Returns:
        `cases`: per case `first_loss`, `final_loss`, `best_loss`, `best_epoch` and the final `weights_sha256`;
        `claims`: per claim whether it `holds`, the `first_divergent_epoch` of its two cases (0 where nothing diverges;
        epochs + 1 where only the predictions do) and their `max_abs_loss_difference`;
        `reference`: as given;
        `replicates`: what replicate_statistics.statistics says of them, where there are any;
        `held_out`: what held_out.scores says of the forecasts, where there are any.
    """
    result: Metrics = {"cases": {}, "claims": {}, "reference": reference}
    for name, case in cases.items():
        loss = case.history["loss"]
        best = int(loss.to_numpy().argmin())
        result["cases"][name] = {
            "first_loss": float(loss.iloc[0]),
            "final_loss": float(loss.iloc[-1]),
            "best_loss": float(loss.iloc[best]),
            "best_epoch": int(case.history["epoch"].iloc[best]),
            "weights_sha256": case.history["weights_sha256"].iloc[-1],
        }
    for name, (a, sign, b) in claims(params).items():
        explanation = explain(cases[a], cases[b])
        parting = explanation.parting
        result["claims"][name] = {
            "holds": (parting is None) == (sign == "="),
            "first_divergent_epoch": parting.epoch if parting else 0,
            "max_abs_loss_difference": explanation.largest_loss_difference,
        }
    if replicates:
        result["replicates"] = statistics(replicates)
    if not forecasts.empty:
        result["held_out"] = scores(forecasts, params)
    return result
