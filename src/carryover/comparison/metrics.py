"""results/metrics.json: the few numbers of a run that `dvc metrics diff` compares across commits."""

from typing import Any

from carryover.comparison.details import Details
from carryover.forecasts.ways import STATES

Metrics = dict[str, Any]


def metrics(details: Details) -> Metrics:
    """Choose from the details what fits on a screen.

    Returns:
        `claims`: whether each claim holds; one that does not apply is absent;
        `final_loss`: the final loss of each case;
        `held_out`: the root mean squared errors of each case on the held-out part, with the states `carried` and
        `reset`;
        `replicates`: the medians of each training over the seeds: of its `final_loss`, and of its errors on the
        held-out part with the states `carried` and `reset`;
        `reference`: the largest distances of any case from the reference, in millionths, because `dvc metrics diff`
        shows five decimals.
        Each of the last three is absent if the run does not have it.
    """
    result: Metrics = {
        "claims": {name: claim["holds"] for name, claim in details["claims"].items() if claim["holds"] is not None},
        "final_loss": {name: case["final_loss"] for name, case in details["cases"].items()},
    }
    if "held_out" in details:
        result["held_out"] = details["held_out"]["cases"]
    if "replicates" in details:
        result["replicates"] = {
            name: {key: numbers[key]["median"] for key in ("final_loss", *STATES) if key in numbers}
            for name, numbers in details["replicates"]["trainings"].items()
        }
    if "reference" in details:
        distances = details["reference"].values()
        result["reference"] = {
            f"{key}_millionths": 1e6 * max(distance[key] for distance in distances if distance[key] is not None)
            for key in ("max_relative_loss_difference", "max_absolute_prediction_difference")
            if any(distance[key] is not None for distance in distances)
        }
    return result
