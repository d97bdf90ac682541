"""The numbers of a run, as its results say them."""

import json
from pathlib import Path
from typing import Any


def metrics(results: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((results / "metrics.json").read_text())
    return numbers


def details(results: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((results / "details.json").read_text())
    return numbers
