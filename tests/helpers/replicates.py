"""Results of replicates, made by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from carryover.forecasts.ways import STATES
from carryover.replicates.results import Replicates
from carryover.training.behaviours import TRAININGS, Training


def replicates(
    trainings: Mapping[str, Mapping[str, Any]] | Mapping[Training, Mapping[str, Any]],
    baselines: Mapping[str, Any] | None = None,
) -> Replicates:
    """The results of some trainings.

    Args:
        trainings: for each training, or its name, its `loss`, of shape (replicates, epochs), and its errors with the
            states `carried` and `reset`, of shape (replicates,). Without errors, nothing is held out. Without a loss,
            it is one half in the only epoch.
        baselines: the errors of the forecasts without a network.
    """
    of_each = {name if isinstance(name, Training) else TRAININGS[name]: numbers for name, numbers in trainings.items()}
    errors = {
        training: {states: np.asarray(numbers[states], float) for states in STATES}
        for training, numbers in of_each.items()
        if "carried" in numbers
    }
    losses = {
        training: np.asarray(numbers.get("loss", [[0.5]] * len(numbers.get("carried", []))), float)
        for training, numbers in of_each.items()
    }
    if errors and baselines is None:
        baselines = {"mean": np.full(len(next(iter(losses.values()))), 100.0)}
    return Replicates(losses, errors, {name: np.asarray(error, float) for name, error in (baselines or {}).items()})
