"""The ways to forecast, with their names and words. Nothing here needs NumPy or pandas, which take long to load."""

from collections.abc import Mapping
from typing import Any

STATES = {"carried": "carried from the start of the series", "reset": "reset at every window"}
"""The two ways to deploy a network: with its states carried or reset."""


def states_in_words(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Return STATES in the words for a series of independent sequences, or for a single one.

    >>> states_in_words({"sequence": "machine"})["carried"]
    'carried along each sequence'

    Args:
        dataset: the section of the parameters.
    """
    return STATES | ({"carried": "carried along each sequence"} if dataset.get("sequence") else {})


BASELINES = {
    "input": "the input itself",
    "mean": "the mean of the training part",
    "last_known": "the last known value",
    "season": "the last known value of the same season",
}
"""Forecasts that need no network. Each is there only where it can be made when the forecast is due."""


def column(case: str, states: str) -> str:
    """Return the name of the column with a case's forecasts.

    >>> column("single_fit", "carried")
    'single_fit/carried'
    """
    return f"{case}/{states}"
