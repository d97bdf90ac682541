"""The figure of 2017: noisy input, pure sine, and what the network predicts after training."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from carryover.series.dataset import Series

NOISY, PURE, PREDICTED = "#111111", "#E69F00", "#56B4E9"


RASTERIZED_FROM = 20_000
"""From so many samples on, the lines in the SVG are pixels too: as paths they would be a file of many megabytes."""


def draw_predictions(series: Series, predictions: Mapping[str, pd.DataFrame], dataset: Mapping[str, Any]) -> Figure:
    """One panel per case, each in the form of the figure of 2017: ggplot style, 10 by 6 inches, lines 3 points wide.

    Args:
        series: the data, in its own units; inputs are drawn where there is one alone.
        predictions: per case, columns `sample` and `prediction`.
        dataset: the section of the parameters.
    """
    sine = dataset["source"] == "noisy_sine"
    step, axis = (dataset["step"], "t (radians)") if sine else (1, "sample")
    *inputs, target = ("noisy input x", "pure sine y, the target") if sine else series.columns
    columns = min(2, len(predictions))
    rows = math.ceil(len(predictions) / columns)
    with matplotlib.style.context("ggplot"), matplotlib.rc_context({"font.size": 18, "axes.titlesize": 24}):
        figure = Figure(figsize=(10 * columns, 6 * rows), dpi=60, layout="constrained")
        panels = iter(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
        t = [sample * step for sample in range(len(series.y))]
        look: dict[str, Any] = {"linewidth": 3, "rasterized": len(t) >= RASTERIZED_FROM}
        for (case, table), panel in zip(predictions.items(), panels, strict=False):
            if len(inputs) == 1:
                panel.plot(t, series.x[:, 0], color=NOISY, label=inputs[0], **look)
            panel.plot(t, series.y, color=PURE, label=target, **look)
            panel.plot(
                table["sample"] * step,
                table["prediction"],
                color=PREDICTED,
                label="prediction after training",
                **look,
            )
            panel.set_title(case, family="monospace")
            panel.set_xlabel(axis)
            panel.set_ylabel("amplitude" if sine else target)
            panel.label_outer()
            panel.legend(loc="lower right", frameon=True, fontsize=16)
        for panel in panels:  # an odd one is left over
            panel.set_axis_off()
    return figure
