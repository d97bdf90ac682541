"""The forecasts to look at first: of the best training, of the same network without memory, and without a network."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from carryover.comparison.best import best_baseline, better_states
from carryover.comparison.numbers import without_memory
from carryover.figures.groups import Group
from carryover.forecasts.ways import BASELINES, column
from carryover.replicates.results import Replicates
from carryover.training.behaviours import Training


class Rival(NamedTuple):
    """A forecast that is compared with others.

    Attributes:
        role: why it is there.
        column: its name in the table of forecasts: of one of the run's own cases, or of a baseline.
        error: its root mean squared error.
        training: of the network; None without a network.
        states: a key of ways.STATES; None without a network.
        median: of the errors of all replicates; None if there are none.
    """

    role: str
    column: str
    error: float
    training: Training | None = None
    states: str | None = None
    median: float | None = None

    @property
    def words(self) -> str:
        """What makes the forecast."""
        if self.training is None:
            return BASELINES[self.column]
        return f"{self.training.words}, states {self.states}"


def rivals(groups: Sequence[Group], replicates: Replicates, errors: Mapping[str, Any]) -> list[Rival]:
    """Choose up to three forecasts.

    Args:
        groups: the cases, grouped into those that are the same training.
        replicates: of the run.
        errors: of the run's own forecasts, as held_out.scores returns them, with the first case of each group.

    Returns:
        First that of the best training: the one whose errors, with the better states, have the lowest median over all
        replicates; without replicates, the one whose own case has the lowest error. Then that of the network which is
        trained without memory and is otherwise the same, with states reset, if that is another one and the run has it.
        Last the best baseline, by the same measure as the best training.
    """
    training, states = _best(groups, replicates, errors["cases"])
    found = [_network("lowest error", training, states, groups, replicates, errors["cases"])]
    memoryless = without_memory(training)
    group = _group(memoryless, groups)
    if group is not None and not (training in group.trainings and states == "reset"):
        found.append(_network("without memory", memoryless, "reset", groups, replicates, errors["cases"]))
    if baselines := errors["baselines"]:
        best = best_baseline(replicates.baselines or {name: np.array([error]) for name, error in baselines.items()})
        median = float(np.median(replicates.baselines[best])) if replicates.baselines else None
        found.append(Rival("without a network", best, baselines[best], median=median))
    return found


def _best(
    groups: Sequence[Group], replicates: Replicates, errors: Mapping[str, Mapping[str, float]]
) -> tuple[Training, str]:
    """Return the best training, and how to use its states."""
    own = {group.training: {s: np.array([error]) for s, error in errors[group.names[0]].items()} for group in groups}
    of_each = replicates.errors or own
    used = {training: better_states(by_states) for training, by_states in of_each.items()}
    return min(used.items(), key=lambda item: float(np.median(of_each[item[0]][item[1]])))


def _network(
    role: str,
    training: Training,
    states: str,
    groups: Sequence[Group],
    replicates: Replicates,
    errors: Mapping[str, Mapping[str, float]],
) -> Rival:
    group = _group(training, groups)
    assert group is not None  # each training that is replicated is that of a case
    case = group.names[0]
    median = float(np.median(replicates.errors[training][states])) if training in replicates.errors else None
    return Rival(role, column(case, states), errors[case][states], training, states, median)


def _group(training: Training, groups: Sequence[Group]) -> Group | None:
    return next((group for group in groups if training in group.trainings), None)
