"""Finding things in the statistics of the replicates, without SciPy, which takes long to load."""

from typing import Any

from carryover.forecasts.ways import column
from carryover.training.behaviours import Training, training_from

Numbers = dict[str, Any]
"""The statistics of the replicates: `replicates` in results/details.json, the result of statistics.statistics."""

MEMORYLESS = "every_batch"
"""The behaviour of networks that are trained without memory between windows."""


def trainings(numbers: Numbers) -> list[Training]:
    """Return the trainings that have replicates."""
    return [training_from(found.get("definition", name)) for name, found in numbers["trainings"].items()]


def error(numbers: Numbers, training: Training) -> float:
    """Return the median error of a training on unseen data, with its better states."""
    of_training = numbers["trainings"][training.name]
    median: float = of_training[of_training["states"]]["median"]
    return median


def in_use(numbers: Numbers, training: Training) -> str:
    """Return the name that a training with its better states has in the comparisons."""
    return column(training.name, numbers["trainings"][training.name]["states"])


def without_memory(training: Training) -> Training:
    """Return the training of the same networks in the same batches without memory.

    >>> without_memory(Training("never", "interleaved")).name
    'interleaved_every_batch'
    """
    return training._replace(behaviour=MEMORYLESS)


def no_memory(training: Training) -> str:
    """Return the name that the same networks have in the comparisons with no memory, in training or afterwards.

    >>> no_memory(Training("never", "interleaved"))
    'interleaved_every_batch/reset'
    """
    return column(without_memory(training).name, "reset")


def by_order(numbers: Numbers) -> dict[Training, list[Training]]:
    """Group the trainings that differ in the behaviour alone, by that without memory, which need not be among them."""
    found: dict[Training, list[Training]] = {}
    for training in trainings(numbers):
        found.setdefault(without_memory(training), []).append(training)
    return found


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
