"""The figure of 2017: noisy input, pure sine, and what the network predicts after training."""

import math
from collections.abc import Mapping

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from carryover.dataset import Series

NOISY, PURE, PREDICTED = "#111111", "#E69F00", "#56B4E9"


def draw_predictions(series: Series, predictions: Mapping[str, pd.DataFrame], step: float) -> Figure:
    """One panel per case, each in the form of the figure of 2017: ggplot style, 10 by 6 inches, lines 3 points wide.

    Args:
        series: the data.
        predictions: per case, columns `sample` and `prediction`.
        step: between two samples, in radians.
    """
    columns = min(2, len(predictions))
    rows = math.ceil(len(predictions) / columns)
    with matplotlib.style.context("ggplot"), matplotlib.rc_context({"font.size": 18, "axes.titlesize": 24}):
        figure = Figure(figsize=(10 * columns, 6 * rows), dpi=60, layout="constrained")
        panels = iter(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
        t = [sample * step for sample in range(len(series.x))]
        for (case, table), panel in zip(predictions.items(), panels, strict=False):
            panel.plot(t, series.x, color=NOISY, linewidth=3, label="noisy input x")
            panel.plot(t, series.y, color=PURE, linewidth=3, label="pure sine y, the target")
            panel.plot(
                table["sample"] * step,
                table["prediction"],
                color=PREDICTED,
                linewidth=3,
                label="prediction after training",
            )
            panel.set_title(case, family="monospace")
            panel.set_xlabel("t (radians)")
            panel.set_ylabel("amplitude")
            panel.label_outer()
            panel.legend(loc="lower right", frameon=True, fontsize=16)
        for panel in panels:  # an odd one is left over
            panel.set_axis_off()
    return figure
