"""The cases of a figure, grouped into those that have turned out to be the same training."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import NamedTuple

from carryover.comparison.claims import training_of
from carryover.comparison.words import same_trainings
from carryover.job.yaml_file import Params
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training


class Group(NamedTuple):
    """Cases that are the same training (partings.same_training).

    Attributes:
        names: of the cases.
        trainings: the training that each of them spells. There are several if the definitions differ and what is learnt
            does not.
        namesakes: how many groups with the same first training come before this one.
    """

    names: tuple[str, ...]
    trainings: tuple[Training, ...]
    namesakes: int = 0

    @property
    def training(self) -> Training:
        """The training that the first case spells, which the group has its place and its colour from."""
        return self.trainings[0]

    @property
    def words(self) -> str:
        """The names of all its trainings in a sentence."""
        return same_trainings(self.trainings)

    def label(self, width: int = 1000) -> str:
        """The names, joined by `=`, in lines of `width` characters."""
        return fill(" = ".join(self.names), width=width, break_long_words=False)


def place(training: Training) -> tuple[int, int]:
    """The place of a training in the table of trainings: the row of its behaviour, the column of its batch order."""
    return list(BEHAVIOURS).index(training.behaviour), list(BATCH_ORDERS).index(training.batches)


def by_batch_order(trainings: Iterable[Training]) -> dict[str, list[Training]]:
    """Sort trainings by their batch order, and those of one batch order by their behaviour."""
    ordered = sorted(trainings, key=place)
    found = {batches: [training for training in ordered if training.batches == batches] for batches in BATCH_ORDERS}
    return {batches: those for batches, those in found.items() if those}


def grouped(cases: Iterable[Sequence[str]], params: Params) -> list[Group]:
    """Sort groups of cases by their training.

    Args:
        cases: names of cases, grouped into those that are the same training.
        params: the parameters, of which the definitions of the cases are used.
    """
    groups = [Group(tuple(names), tuple(training_of(name, params) for name in names)) for names in cases]
    groups.sort(key=lambda group: place(group.training))
    before = [group.training for group in groups]
    return [group._replace(namesakes=before[:i].count(group.training)) for i, group in enumerate(groups)]
