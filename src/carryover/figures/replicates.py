"""The replicates: the loss per epoch with its spread, and the final losses, paired by seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from carryover.figures.groups import Group, place
from carryover.figures.style import (
    SMALL,
    epoch_axis,
    line,
    loss_axis,
    new_figure,
    nothing_to_show,
    set_legend,
    set_title,
)
from carryover.job.yaml_file import Params
from carryover.replicates.losses import Losses
from carryover.training.behaviours import BEHAVIOURS
from carryover.training.case_results import Cases

PAIRED_AT_MOST = 128
"""How many seeds are drawn as lines: more would be one grey area."""


def draw_replicates(losses: Losses, cases: Cases, groups: Sequence[Group], params: Params) -> Figure:
    """Draw left the loss per epoch, median and quartiles, with the run's own cases; right the final loss of each seed.

    Args:
        losses: per training, the same seeds in each; empty for a figure that says that there are none.
        cases: by name; the first of each training is drawn.
        groups: the cases, grouped into those that are the same training.
        params: of the run.
    """
    if not losses:
        return nothing_to_show("There are no replicates: replicates.count is 0.")
    losses = dict(sorted(losses.items(), key=lambda item: place(item[0])))
    figure = new_figure(6.2 + 0.12 * len(losses))
    left, right = figure.subplots(1, 2)
    handles = _draw_epochs(left, losses)
    if own := {
        training: cases[group.names[0]].history
        for group in reversed(groups)
        for training in group.trainings
        if training in losses
    }:
        for training, history in own.items():
            left.plot(history["epoch"], history["loss"], linewidth=0.9, **line(training, len(history)))
        handles.append(Line2D([], [], color="black", linewidth=0.9, label="thin: the run's own case"))
    _draw_final_losses(right, losses)
    epoch_axis(left, next(iter(losses.values())).shape[1])
    for axes, quantity in ((left, "loss of the epoch"), (right, "final loss")):
        loss_axis(axes, quantity, params)
    seeds = len(next(iter(losses.values())))
    set_title(figure, f"The same trainings from other seeds ({seeds:,})")
    set_legend(figure, handles, columns=2)
    return figure


def _draw_epochs(axes: Axes, losses: Losses) -> list[Line2D]:
    handles: list[Line2D] = []
    for training, loss in losses.items():
        epochs = np.arange(1, loss.shape[1] + 1)
        lower, median, upper = np.quantile(loss, [0.25, 0.5, 0.75], axis=0)
        look = line(training, len(epochs))
        axes.fill_between(epochs, lower, upper, color=look["color"], alpha=0.2, linewidth=0)
        handles += axes.plot(epochs, median, linewidth=2.2, label=training.words, **look)
    axes.set_title("median and quartiles of the seeds", loc="left")
    return handles


def _draw_final_losses(axes: Axes, losses: Losses) -> None:
    finals = np.column_stack([loss[:, -1] for loss in losses.values()])
    places = np.arange(1, len(losses) + 1)
    drawn = finals[:PAIRED_AT_MOST]
    if len(losses) > 1:
        seeds = np.stack([np.broadcast_to(places, drawn.shape), drawn], axis=-1)
        axes.add_collection(LineCollection(list(seeds), colors="#888888", linewidths=0.5, alpha=0.5))
    else:
        axes.plot(np.ones(len(drawn)), drawn[:, 0], ".", color="#888888", alpha=0.5)
    boxes = axes.boxplot(
        finals,
        positions=places,
        widths=0.35,
        patch_artist=True,
        showfliers=False,
        medianprops={"color": "black", "linewidth": 2},
        zorder=3,
    )
    for box, training in zip(boxes["boxes"], losses, strict=True):
        look = line(training)
        box.set(facecolor=look["color"], alpha=0.6, linestyle=look["linestyle"])
    axes.autoscale_view()
    names = [f"{BEHAVIOURS[training.behaviour]},\n{training.batches}" for training in losses]
    slope: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if len(losses) > 3 else {}
    axes.set_xticks(places, names, fontsize=SMALL, **slope)
    seeds_drawn = "a line per seed" if len(drawn) == len(finals) else f"lines: the first {len(drawn)} seeds"
    axes.set_title(f"final losses: {seeds_drawn}; boxes: quartiles", loc="left")
    axes.set_xlabel("training")
