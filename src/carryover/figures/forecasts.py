"""The forecasts on the part of the series that was held out, with the target."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carryover.forecasts.held_out import STATES, column

STYLES = {"carried": ("#0072B2", "-"), "reset": ("#D55E00", "--")}
"""Of a forecast's line: its colour, and its style, which a grey print tells apart too."""

DRAWN_AT_MOST = 400
"""So many samples are drawn: of more, a figure of this size shows nothing but their envelope."""


def draw_forecasts(forecasts: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Figure:
    """One panel per training: the target, and what its network forecasts with states carried and with states reset.

    Args:
        forecasts: as held_out.read_forecasts returns them; without rows for a figure that says that there are none.
        groups: the cases, grouped into those that are the same training.
    """
    if forecasts.empty:
        figure = Figure(figsize=(12, 6), layout="constrained")
        figure.text(0.5, 0.5, "No forecasts: dataset.held_out leaves no whole window.", ha="center", va="center")
        return figure
    columns = min(2, len(groups))
    rows = math.ceil(len(groups) / columns)
    figure = Figure(figsize=(6.5 * columns, 3.2 * rows + 0.6), layout="constrained")
    panels = iter(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    drawn = forecasts.head(DRAWN_AT_MOST)
    for group, panel in zip(groups, panels, strict=False):
        _draw_panel(panel, drawn, group)
    for panel in panels:  # an odd one is left over
        panel.set_axis_off()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _draw_panel(panel: Axes, drawn: pd.DataFrame, group: Sequence[str]) -> None:
    if "input" in drawn:
        panel.plot(drawn["sample"], drawn["input"], color="#BBBBBB", linewidth=0.8, label="input")
    panel.plot(drawn["sample"], drawn["target"], color="black", linewidth=2, label="target")
    for states, (color, style) in STYLES.items():
        panel.plot(
            drawn["sample"],
            drawn[column(group[0], states)],
            color=color,
            linestyle=style,
            linewidth=1.5,
            label=f"forecast, states {STATES[states]}",
        )
    panel.set_title(" = ".join(group), family="monospace", fontsize=9, loc="left")
    panel.set_xlabel("sample")
    panel.label_outer()
