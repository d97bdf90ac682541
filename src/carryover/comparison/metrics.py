"""results/metrics.json: the few numbers of a run that `dvc metrics diff` compares across commits."""

from typing import Any

from carryover.comparison.details import Details

Metrics = dict[str, Any]


def metrics(details: Details) -> Metrics:
    """Choose from the details what fits on a screen.

    Returns:
        `claims`: per claim whether it holds;
        `final_loss`: per case;
        `held_out`: per case the root mean squared error on the held-out part, with the states `carried` and `reset`;
        `replicates`: per training the median `final_loss` over the seeds;
        `reference`: the largest distances of any case from it.
        The last three are absent if the run has none.
    """
    result: Metrics = {
        "claims": {name: claim["holds"] for name, claim in details["claims"].items()},
        "final_loss": {name: case["final_loss"] for name, case in details["cases"].items()},
    }
    if "held_out" in details:
        result["held_out"] = details["held_out"]["cases"]
    if "replicates" in details:
        result["replicates"] = {
            name: {"final_loss": spreads["final_loss"]["median"]}
            for name, spreads in details["replicates"]["trainings"].items()
        }
    if "reference" in details:
        distances = details["reference"].values()
        result["reference"] = {
            key: max(distance[key] for distance in distances if distance[key] is not None)
            for key in ("max_relative_loss_difference", "max_absolute_prediction_difference")
            if any(distance[key] is not None for distance in distances)
        }
    return result
