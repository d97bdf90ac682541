"""The numbers of a run, as its results say them."""

import json
from pathlib import Path
from typing import Any


def metrics(results: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((results / "metrics.json").read_text())
    return numbers


def claims(results: Path) -> dict[str, bool]:
    """Return whether each claim holds."""
    return {name: claim["holds"] for name, claim in metrics(results)["claims"].items()}


def final_losses(results: Path) -> dict[str, float]:
    return {name: case["final_loss"] for name, case in metrics(results)["cases"].items()}


def held_out(results: Path) -> dict[str, dict[str, float]]:
    """Return the errors of each case on unseen data, with its states carried and with them reset."""
    errors: dict[str, dict[str, float]] = metrics(results)["held_out"]["cases"]
    return errors


def baselines(results: Path) -> dict[str, float]:
    """Return the errors of the forecasts that need no training."""
    errors: dict[str, float] = metrics(results)["held_out"]["baselines"]
    return errors


def from_reference(results: Path) -> dict[str, dict[str, float]]:
    """Return the distances of each case from the reference."""
    distances: dict[str, dict[str, float]] = metrics(results)["reference"]
    return distances


def count_of_replicates(results: Path) -> int:
    count: int = metrics(results)["replicates"]["count"]
    return count
