"""The cases of a figure, grouped into those that have turned out to be the same training."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from numpy.typing import NDArray

from carryover.comparison.words import same_trainings
from carryover.job.yaml_file import Params
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training
from carryover.training.cases import training_of
from carryover.training.variants import Variant


class Group(NamedTuple):
    """Cases that are the same training (partings.same_training).

    Attributes:
        names: of the cases.
        trainings: the training that each of them spells. There are several if the definitions differ and what is learnt
            does not.
        namesakes: how many groups whose first training has the same place come before this one.
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


def by_order(trainings: Iterable[Training]) -> list[dict[str, list[Training]]]:
    """Arrange trainings in panels: a row for each variant, with a panel for each of its batch orders.

    If none has several orders, two variants stand side by side in a row.

    Returns:
        For each row the trainings of each panel, sorted by their behaviour, by Training.order.
    """
    rows: dict[Variant, dict[str, list[Training]]] = {}
    for training in sorted(trainings, key=lambda training: place(training)[::-1]):
        rows.setdefault(training.variant, {}).setdefault(training.order, []).append(training)
    found = list(rows.values())
    if all(len(row) == 1 for row in found):
        pairs = (found[start : start + 2] for start in range(0, len(found), 2))
        return [{order: those for row in pair for order, those in row.items()} for pair in pairs]
    return found


def in_panels(
    panels: NDArray[Any], rows: Sequence[Mapping[str, list[Training]]]
) -> Iterator[tuple[Axes, list[Training]]]:
    """Title a panel for each order of each row of by_order, yield it with its trainings, and remove those left over.

    Args:
        panels: of shape (rows, panels of the longest row).
        rows: the result of by_order.
    """
    for row, orders in zip(panels, rows, strict=True):
        for column, (order, trainings) in enumerate(orders.items()):
            row[column].set_title(fill(order, 50), loc="left")
            yield row[column], trainings
        for panel in row[len(orders) :]:
            panel.remove()


def grouped(cases: Iterable[Sequence[str]], params: Params) -> list[Group]:
    """Sort groups of cases by their training.

    Args:
        cases: names of cases, grouped into those that are the same training.
        params: the parameters, of which the definitions of the cases are used.
    """
    groups = [Group(tuple(names), tuple(training_of(name, params) for name in names)) for names in cases]
    groups.sort(key=lambda group: place(group.training))
    places = [place(group.training) for group in groups]
    return [group._replace(namesakes=places[:i].count(places[i])) for i, group in enumerate(groups)]
