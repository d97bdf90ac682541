"""The losses of the replicates: how much of what the cases show is the luck of one seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from carryover.figures.groups import Group, by_order, in_panels
from carryover.figures.style import epoch_axis, line, loss_axis, new_figure, nothing_to_show, set_legend, set_title
from carryover.job.yaml_file import Params
from carryover.replicates.results import Losses
from carryover.training.behaviours import Training
from carryover.training.case_results import Cases
from carryover.training.variants import ONLY

NO_REPLICATES = "There are no replicates: replicates.count is 0."


def draw_replicates(losses: Losses, cases: Cases, groups: Sequence[Group], params: Params) -> Figure:
    """Draw the loss per epoch, median and quartiles of the seeds, a panel for each batch order of each variant.

    A thin line is the run's own case of that training.

    Args:
        losses: as replicates.results.Replicates has them; empty for a figure that says that there are none.
        cases: by name.
        groups: the cases, grouped into those that are the same training.
        params: of the run.
    """
    if not losses:
        return nothing_to_show(NO_REPLICATES)
    seeds, epochs = next(iter(losses.values())).shape
    rows = by_order(losses)
    figure = new_figure(1.2 + sum(3.8 + 0.25 * max(map(len, row.values())) for row in rows))
    panels = figure.subplots(len(rows), max(map(len, rows)), sharey=True, squeeze=False)
    handles: dict[str, dict[str, Artist]] = {}
    for panel, trainings in in_panels(panels, rows):
        own = {training: cases[name].history for training in trainings if (name := _own_case(training, groups))}
        drawn = _draw_quantiles(panel, {training: losses[training] for training in trainings})
        handles.setdefault(trainings[0].batches, {}).update({str(handle.get_label()): handle for handle in drawn})
        for training, history in own.items():
            panel.plot(history["epoch"], history["loss"], linewidth=0.9, **line(training, len(history)))
        epoch_axis(panel, epochs)
    for panel in panels[:, 0]:
        loss_axis(panel, "loss of the epoch", params)
    words = "1 seed" if seeds == 1 else f"{seeds:,} seeds"
    set_title(figure, f"Loss per epoch of each training from {words}")
    set_legend(figure, _in_columns([[*column.values()] for column in handles.values()], _keys()), columns=2)
    return figure


def _own_case(training: Training, groups: Sequence[Group]) -> str | None:
    return next((group.names[0] for group in groups if training in group.trainings), None)


def _draw_quantiles(panel: Axes, losses: Mapping[Training, NDArray[np.float64]]) -> list[Line2D]:
    handles: list[Line2D] = []
    for training, loss in losses.items():
        epochs = np.arange(1, loss.shape[1] + 1)
        lower, median, upper = np.quantile(loss, [0.25, 0.5, 0.75], axis=0)
        look = line(training, len(epochs))
        panel.fill_between(epochs, lower, upper, color=look["color"], alpha=0.2, linewidth=0)
        handles += panel.plot(epochs, median, linewidth=2.2, label=training._replace(variant=ONLY).words, **look)
    return handles


def _keys() -> tuple[Artist, Artist]:
    return (
        Patch(facecolor="black", alpha=0.2, linewidth=0, label="line and band: median and quartiles of the seeds"),
        Line2D([], [], color="black", linewidth=0.9, label="thin line: this run's own case"),
    )


def _in_columns(handles: Sequence[Sequence[Artist]], keys: tuple[Artist, Artist]) -> list[Any]:
    """Put what is drawn in each panel in a column of its own, with a key at the end of both columns."""
    if len(handles) == 1:
        return [*handles[0], *keys]
    longest = max(map(len, handles))
    empty = Line2D([], [], linestyle="none", label=" ")
    columns = [[*column, *[empty] * (longest - len(column)), key] for column, key in zip(handles, keys, strict=True)]
    return [handle for column in columns for handle in column]
