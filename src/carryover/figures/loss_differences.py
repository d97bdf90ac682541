"""The loss differences of the claimed pairs, with "exactly zero" as clear as "different"."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from carryover.figures.style import (
    DIFFERENT,
    IDENTICAL,
    SMALL,
    cells,
    epoch_axis,
    loss_axis,
    new_figure,
    nothing_to_show,
    pair_line,
    set_legend,
    set_title,
)
from carryover.job.yaml_file import Params


def draw_loss_differences(differences: dict[str, pd.DataFrame], params: Params) -> Figure:
    """Draw above how large each difference is, and below a lane per pair with the epochs in which there is any.

    Zero has no place on a logarithmic axis, hence the lanes.

    Args:
        differences: per claimed pair, as `a = b` or `a != b`, the columns `epoch` and `difference`, the same epochs
            in each.
        params: of the run.
    """
    if not differences:
        return nothing_to_show("params.yaml claims nothing, so there is no pair to show.")
    lanes = len(differences)
    epochs = len(next(iter(differences.values())))
    figure = new_figure(5.5 + 0.42 * lanes)
    upper, lower = figure.subplots(2, 1, height_ratios=[3.6, 0.42 * lanes])
    lower.set_ylim(lanes - 0.5, -0.5)
    drawn = 0
    for lane, table in enumerate(differences.values()):
        size = table["difference"].abs()
        if size.any():
            look = pair_line(drawn)
            upper.plot(table["epoch"], size.where(size > 0), markevery=_marked(size), **look)
            _draw_key(lower, lane, look)
            drawn += 1
    if drawn:
        loss_axis(upper, "absolute difference of the losses", params)
    else:
        upper.text(0.5, 0.5, "no pair differs in any epoch", transform=upper.transAxes, ha="center", va="center")
        upper.set_ylabel("absolute difference\nof the losses")
        upper.set_yticks([0])
    epoch_axis(upper, epochs)
    cells(lower, np.array([table["difference"].to_numpy() != 0 for table in differences.values()], float), 0.5, -0.5)
    names = [claim.replace("!=", "≠").replace(" ", "\n", 1) for claim in differences]
    lower.set_yticks(range(lanes), names, family="monospace", fontsize=SMALL)
    lower.set_ylabel("claimed pair")
    lower.tick_params(axis="y", length=0, pad=42)
    epoch_axis(lower, epochs)
    set_title(figure, "How far the losses of each claimed pair are apart")
    keys = [Patch(color=IDENTICAL, label="exactly zero: the same bits"), Patch(color=DIFFERENT, label="different")]
    set_legend(figure, keys, columns=2)
    return figure


def _marked(size: "pd.Series[float]") -> list[int]:
    """At which epochs a line has a marker: some in equal steps, and each one that has no neighbour to join."""
    there = np.pad(size.to_numpy() > 0, 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    step = max(1, len(size) // 14)
    return [index for index in range(len(size)) if alone[index] or index % step == 0]


def _draw_key(axes: Axes, lane: int, look: dict[str, Any]) -> None:
    """Draw the key of a pair's line between the name and the lane of the pair, by inches from the left of the axes."""
    figure = axes.get_figure()
    assert figure is not None
    inches = figure.dpi_scale_trans + ScaledTranslation(0, 0, axes.transAxes)  # type: ignore[arg-type]
    place = blended_transform_factory(inches, axes.transData)
    axes.plot([-0.5, -0.29, -0.08], [lane] * 3, transform=place, clip_on=False, markevery=[1], **look)
