"""The forecasts of the held-out part of the series, with the target."""

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from carryover.figures.groups import Group
from carryover.figures.style import (
    INPUT,
    SMALL,
    TARGET,
    line,
    new_figure,
    nothing_to_show,
    set_legend,
    set_title,
    whole_numbers,
)
from carryover.forecasts.held_out import STATES, column, scores

LOOKS: dict[str, dict[str, Any]] = {
    "carried": {"linewidth": 2.2},
    "reset": {"linestyle": "none", "marker": "o", "markersize": 2.2},
}
"""What tells a forecast's states apart: a line where they are carried, dots where they are reset."""

DRAWN_AT_MOST = 400
"""How many samples are drawn: of more, a figure of this size shows only their envelope."""

DOTS = 70
"""How many dots are drawn at least, where there are so many samples: more would be a line."""

REACH = 1.5
"""How far the panels reach above and below the target, in ranges of the target."""


def draw_forecasts(forecasts: pd.DataFrame, groups: Sequence[Group], target: str) -> Figure:
    """Draw a panel per training: the target, and the forecasts with states carried and with states reset.

    A forecast that is far off leaves the panel, and a note says how far it goes.

    Args:
        forecasts: as held_out.read_forecasts returns them; without rows for a figure that says that there are none.
        groups: the cases, grouped into those that are the same training.
        target: the name of what is forecast.
    """
    if forecasts.empty:
        return nothing_to_show("There are no forecasts: dataset.held_out leaves no whole window.")
    columns = min(2, len(groups))
    rows = math.ceil(len(groups) / columns)
    figure = new_figure(1.1 + 2.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    errors = scores(forecasts, {"cases": [group.names[0] for group in groups]})["cases"]
    drawn = forecasts.head(DRAWN_AT_MOST)
    limits = _limits(drawn, groups)
    for group, panel in zip(groups, panels, strict=False):
        _draw_panel(panel, drawn, group, limits)
        error = ", ".join(f"{number:.3g} {states}" for states, number in errors[group.names[0]].items())
        panel.set_title(
            f"{fill(group.words, 54)}\n{group.label(52)}\nerror (RMSE): {error}", loc="left", fontsize=SMALL + 1
        )
        panel.set_ylabel(target)
    for panel in panels[len(groups) :]:
        panel.remove()
    first, last = drawn["sample"].iloc[[0, -1]]
    title = f"Forecasts of the held-out part of the series: samples {first:,} to {last:,}"
    if len(drawn) < len(forecasts):
        title += f", the first {len(drawn):,} of {len(forecasts):,}"
    set_title(figure, title)
    keys = _keys("input" in drawn)
    set_legend(figure, keys, columns=3 if len(keys) == 3 else 2)
    return figure


def _limits(drawn: pd.DataFrame, groups: Sequence[Group]) -> tuple[float, float]:
    """The y-limits of all panels: every forecast, but no more than REACH ranges of the target beyond the target."""
    low, high = drawn["target"].min(), drawn["target"].max()
    reach = REACH * ((high - low) or abs(high) or 1.0)
    names = [column(group.names[0], states) for group in groups for states in STATES]
    seen = drawn[[*names, "target", *(["input"] if "input" in drawn else [])]].to_numpy(float)
    seen = seen[np.isfinite(seen)]
    bottom, top = max(seen.min(), low - reach), min(seen.max(), high + reach)
    margin = 0.05 * ((top - bottom) or 1.0)
    return float(bottom - margin), float(top + margin)


def _draw_panel(panel: Axes, drawn: pd.DataFrame, group: Group, limits: tuple[float, float]) -> None:
    samples = drawn["sample"]
    marker = "o" if len(samples) == 1 else None  # a line of one sample would not be seen
    if "input" in drawn:
        panel.plot(samples, drawn["input"], color=INPUT, linewidth=0.8, marker=marker)
    panel.plot(samples, drawn["target"], color=TARGET, linewidth=1.1, marker=marker, zorder=3)  # on the forecasts
    look = line(group.training, len(samples)) | {"markevery": max(1, len(samples) // DOTS)}
    forecasts = {states: drawn[column(group.names[0], states)] for states in LOOKS}
    for states, forecast in forecasts.items():
        panel.plot(samples, forecast, **(look | LOOKS[states]))
    panel.set_ylim(limits)
    panel.xaxis.set_major_locator(whole_numbers(5))
    panel.yaxis.set_major_locator(MaxNLocator(5))
    panel.set_xlabel("sample")
    low, high = limits
    below = [
        f"↓ {states}: off the scale, down to {_number(f.min())}" for states, f in forecasts.items() if f.min() < low
    ]
    above = [
        f"↑ {states}: off the scale, up to {_number(f.max())}" for states, f in forecasts.items() if f.max() > high
    ]
    for y, side, notes in ((0.03, "bottom", below), (0.97, "top", above)):
        if notes:
            note = "\n".join(notes)
            panel.text(0.5, y, note, transform=panel.transAxes, ha="center", va=side, color=look["color"])


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")  # that of the tick labels


def _keys(with_input: bool) -> list[Line2D]:
    grey = {"color": "#555555"}
    return [
        Line2D([], [], color=TARGET, linewidth=1.1, label="target"),
        *([Line2D([], [], color=INPUT, linewidth=0.8, label="input")] if with_input else []),
        *(
            Line2D([], [], label=f"forecast, states {STATES[states]}", **(grey | look))
            for states, look in LOOKS.items()
        ),
    ]
