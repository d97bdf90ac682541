"""The reference of 2017, and the distance of a run from it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from carryover.job.errors import UserError
from carryover.job.tables import read_table
from carryover.job.yaml_file import Params, read_yaml
from carryover.training.case_results import CaseResults, Cases
from carryover.training.variants import on_any_backend

REMEDY = "restore it with git"


class Reference(NamedTuple):
    """What another software stack computed from the same settings.

    Attributes:
        settings: the settings, including the definitions of the cases, under the names of params.yaml.
        losses: the column `epoch`, and a column per case.
        predictions: the column `sample`, and a column per case.
    """

    settings: dict[str, Any]
    losses: pd.DataFrame
    predictions: pd.DataFrame


def read_reference(folder: Path) -> Reference:
    """Read a reference from its settings.yaml, losses.csv and predictions.csv.

    Raises:
        UserError: if a file is missing or broken.
    """
    losses, predictions = (read_table(folder / name, None, REMEDY) for name in ("losses.csv", "predictions.csv"))
    settings = read_yaml(folder / "settings.yaml")
    if not (isinstance(settings, dict) and all(isinstance(section, dict) for section in settings.values())):
        raise UserError(f"{folder / 'settings.yaml'}: expected sections of parameters, as in params.yaml; {REMEDY}")
    return Reference(settings, losses, predictions)


def applies(reference: Reference, params: Params) -> bool:
    """Say whether a run has the reference's settings and starts from its initial weights."""
    wanted = {section: settings for section, settings in reference.settings.items() if section != "cases"}
    run: dict[str, Any] = {
        section: {key: params.get(section, {}).get(key) for key in settings} for section, settings in wanted.items()
    }
    return run == wanted and params["model"]["initial_weights"] == f"{params['reference']}/initial_weights.npz"


def known_cases(reference: Reference, params: Params) -> dict[str, str]:
    """Return the cases that the reference has, on whatever backend, with their names there; none if it does not apply.

    A case is known by its definition.
    """
    if not applies(reference, params):
        return {}
    defined = {name: case for name, case in reference.settings.get("cases", {}).items() if name in reference.losses}
    found = {}
    for name, case in params["cases"].items():
        wanted = on_any_backend(case)
        if match := next((known for known, definition in defined.items() if definition == wanted), None):
            found[name] = match
    return found


def known_losses(reference: Reference, params: Params) -> pd.DataFrame | None:
    """Return the reference's losses of its known_cases, with their `epoch`; None if there are none."""
    known = known_cases(reference, params)
    columns = {name: reference.losses[match] for name, match in known.items()}
    return pd.DataFrame({"epoch": reference.losses["epoch"]} | columns) if known else None


def distances(reference: Reference, cases: Cases, params: Params) -> dict[str, dict[str, float | None]]:
    """Compute how far each of the known_cases is from the reference.

    Returns:
        For each case its `distance`, but `max_absolute_prediction_difference` is None if the predictions cannot be
        compared; empty if the reference does not apply.

    Raises:
        UserError: if the reference has other epochs or samples than its settings say.
    """
    result: dict[str, dict[str, float | None]] = {}
    for name, known in known_cases(reference, params).items():
        case = cases[name]
        same_epochs = case.history["epoch"].equals(reference.losses["epoch"])
        if not (same_epochs and case.predictions["sample"].equals(reference.predictions["sample"])):
            raise UserError(f"{params['reference']}: the epochs or samples do not match its settings.yaml; {REMEDY}")
        found: dict[str, float | None] = {**distance(case, reference.losses[known], reference.predictions[known])}
        # Keras 2 calls no callbacks in `predict`, so a case that reset before every batch of `fit` still carried its
        # states from one predicted batch to the next.
        if params["cases"][name]["reset"] == "every_batch":
            found["max_absolute_prediction_difference"] = None
        result[name] = found
    return result


def distance(case: CaseResults, losses: "pd.Series[float]", predictions: "pd.Series[float]") -> dict[str, float]:
    """Compute how far a case is from other losses of the same epochs and other predictions of the same samples.

    Returns:
        `max_relative_loss_difference` over the epochs and `max_absolute_prediction_difference` over the samples.
    """
    loss = case.history["loss"].to_numpy() / losses.to_numpy() - 1
    prediction = case.predictions["prediction"].to_numpy() - predictions.to_numpy()
    return {
        "max_relative_loss_difference": float(np.abs(loss).max()),
        "max_absolute_prediction_difference": float(np.abs(prediction).max()),
    }
