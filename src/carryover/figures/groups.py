"""The cases of a figure, grouped by what they have turned out to be and sorted by training."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training
from carryover.training.cases import Case


class Group(NamedTuple):
    """Cases that are identical to the last bit.

    Attributes:
        names: of the cases.
        training: the training that the first of them spells.
        namesakes: how many groups of the same training come before this one.
    """

    names: tuple[str, ...]
    training: Training
    namesakes: int = 0

    def label(self, width: int = 1000) -> str:
        """The names, joined by `=`, in lines of `width` characters."""
        return fill(" = ".join(self.names), width=width, break_long_words=False)


def place(training: Training) -> tuple[int, int]:
    """The place of a training in the table of trainings: the row of its behaviour, the column of its batch order."""
    return list(BEHAVIOURS).index(training.behaviour), list(BATCH_ORDERS).index(training.batches)


def grouped(identical: Iterable[Sequence[str]], definitions: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """Sort groups of identical cases by their training.

    Args:
        identical: names of cases, grouped into those that are bit-identical.
        definitions: the section `cases` of the parameters.
    """
    groups = [Group(tuple(names), Case(**definitions[names[0]]).training) for names in identical]
    groups.sort(key=lambda group: place(group.training))
    before = [group.training for group in groups]
    return [group._replace(namesakes=before[:i].count(group.training)) for i, group in enumerate(groups)]
