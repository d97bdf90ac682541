"""The figure of 2017: noisy input, pure sine, and what the network predicts after training."""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carryover.comparison.units import ahead
from carryover.figures.groups import Group
from carryover.figures.style import sample_axis, set_legend, set_title
from carryover.series.dataset import Series
from carryover.series.times import Times

NOISY, PURE, PREDICTED = "#111111", "#E69F00", "#56B4E9"
"""The colours of 2017."""

BELOW = 0.35
"""How much room for a legend there is below the data, in heights of the panel."""

RASTERIZED_FROM = 20_000
"""From so many samples on, the lines in the SVG are pixels too: as paths they would be a file of many megabytes."""


def draw_predictions(
    series: Series,
    predictions: Mapping[str, pd.DataFrame],
    groups: Sequence[Group],
    dataset: Mapping[str, Any],
    times: Times,
) -> Figure:
    """One panel per case, each in the form of the figure of 2017: ggplot style, 10 by 6 inches, lines 3 points wide.

    Args:
        series: the data, in its own units; the input is drawn if there is only one, and if it is of the target's time.
        predictions: per case, columns `sample` and `prediction`.
        groups: the cases, grouped into those that are the same training; the panels are in their order.
        dataset: the section of the parameters.
        times: as times.read_times returns them; without any, the x axis is of the numbers of the samples.
    """
    sine = dataset["source"] == "noisy_sine"
    *inputs, target = ("noisy input x", "pure sine y, the target") if sine else series.columns
    panels_of = [panel for group in groups for panel in zip(group.names, group.trainings, strict=True)]
    columns = min(2, len(panels_of))
    rows = math.ceil(len(panels_of) / columns)
    samples = np.arange(len(series.y))
    t = times[: len(samples)] if len(times) else samples * dataset["step"] if sine else samples
    given = {target: (series.y, PURE)}
    if len(inputs) == 1 and not ahead(dataset):
        given = {inputs[0]: (series.x[:, 0], NOISY)} | given
    look: dict[str, Any] = {"linewidth": 3, "rasterized": len(t) >= RASTERIZED_FROM}
    with matplotlib.style.context("ggplot"), matplotlib.rc_context({"font.size": 18, "axes.titlesize": 20}):
        figure = Figure(figsize=(10 * columns, 6 * rows), dpi=60, layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten().tolist()
        for (name, training), panel in zip(panels_of, panels, strict=False):
            for label, (values, colour) in given.items():
                panel.plot(t, values, color=colour, label=label, **look)
            table = predictions[name]
            # Windows may have predictions of their last samples only: a line would suggest others between them.
            points = {"marker": "o", "markersize": 8, "linestyle": "none"} if len(table) < len(t) else {}
            panel.plot(
                t[table["sample"]],
                table["prediction"],
                color=PREDICTED,
                label=f"prediction after training{ahead(dataset)}",
                **(look | points),
            )
            panel.set_title(f"{name}\n{fill(f'({training.words})', 54)}")
            if sine:
                panel.set_xlabel("t (radians)")
            else:
                sample_axis(panel, times=len(times) > 0)
            panel.tick_params(labelbottom=True, labelleft=True)
            panel.set_ylabel("amplitude" if sine else target)
        if len(panels_of) == 1:
            _put_legend_inside(panels[0])
        else:
            handles, _ = panels[0].get_legend_handles_labels()
            set_title(figure, "What each case predicts on the samples that it was trained on")
            set_legend(figure, handles, columns=len(handles))
        for panel in panels[len(panels_of) :]:
            panel.remove()
    return figure


def _put_legend_inside(panel: Axes) -> None:
    """Put the legend where the figure of 2017 has it, at the lower right, and make room for it below the data."""
    low, high = panel.get_ylim()
    panel.set_ylim(low - BELOW * (high - low), high)
    panel.legend(loc="lower right", frameon=True, fontsize=16)
