"""Finding things in the statistics of the replicates, without SciPy, which takes long to load."""

from typing import Any

from carryover.forecasts.ways import column
from carryover.training.behaviours import TRAININGS, Training

Numbers = dict[str, Any]
"""The statistics of the replicates: `replicates` in results/details.json, the result of statistics.statistics."""

MEMORYLESS = "every_batch"
"""The behaviour of networks that are trained without memory between windows."""


def trainings(numbers: Numbers) -> list[Training]:
    """Return the trainings that have replicates."""
    return [TRAININGS[name] for name in numbers["trainings"]]


def error(numbers: Numbers, training: Training) -> float:
    """Return the median error of a training on unseen data, with its better states."""
    of_training = numbers["trainings"][training.name]
    median: float = of_training[of_training["states"]]["median"]
    return median


def in_use(numbers: Numbers, training: Training) -> str:
    """Return the name that a training with its better states has in the comparisons."""
    return column(training.name, numbers["trainings"][training.name]["states"])


def without_memory(batches: str) -> str:
    """Return the name that networks without memory have in the comparisons: neither in training nor afterwards.

    >>> without_memory("interleaved")
    'interleaved_every_batch/reset'
    """
    return column(Training(MEMORYLESS, batches).name, "reset")


def comparison(numbers: Numbers, a: str, b: str) -> dict[str, Any] | None:
    """Return the comparison of two errors, by their names; None if one of them is not there or they are the same."""
    return next((one for one in numbers["errors"] if {one["a"], one["b"]} == {a, b}), None)


def seeds_lower(comparison: dict[str, Any], name: str) -> int:
    """Return in how many seeds one of the two that are compared is lower."""
    seeds: int = comparison["a_lower" if comparison["a"] == name else "b_lower"]
    return seeds


def equal(comparison: dict[str, Any]) -> bool:
    """Return whether the two that are compared are equal in every seed."""
    return not comparison["a_lower"] and not comparison["b_lower"]
