"""The forecasts of the held-out part of the series: the best beside its rivals, and those of each training."""

import math
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from carryover.comparison.units import ahead, target_of
from carryover.figures.groups import Group
from carryover.figures.rivals import Rival, rivals
from carryover.figures.style import (
    BASELINE,
    BASELINE_STYLES,
    INPUT,
    SMALL,
    TARGET,
    line,
    new_figure,
    nothing_to_show,
    number,
    sample_axis,
    set_legend,
    set_title,
)
from carryover.forecasts.held_out import scores
from carryover.forecasts.ways import STATES, column, states_in_words
from carryover.replicates.results import Replicates
from carryover.series.times import Times

LOOKS: dict[str, dict[str, Any]] = {
    "carried": {"linewidth": 2.2},
    "reset": {"linestyle": "none", "marker": "o", "markersize": 2.2},
}
"""What tells a forecast's states apart: a line where they are carried, dots where they are reset."""

DRAWN_AT_MOST = 600
"""How many samples are drawn: of more, a figure of this size shows only their envelope."""

DOTS = 70
"""How many dots a small panel has at least, where there are so many samples: more would be a line."""

PALE = 0.5
"""How opaque the network without memory is in the wide panel, so that it does not hide the best."""

REACH = 1.5
"""How far the panels reach above and below the target, in ranges of the target."""


def draw_forecasts(
    forecasts: pd.DataFrame,
    groups: Sequence[Group],
    dataset: Mapping[str, Any],
    replicates: Replicates,
    times: Times,
) -> Figure:
    """Draw the best forecast beside its rivals, and below a panel per training with states carried and states reset.

    The networks are those of this run's own cases, which are one seed. A forecast that is far off leaves its panel, and
    a note says how far it goes.

    Args:
        forecasts: as held_out.read_forecasts returns them; without rows for a figure that says that there are none.
        groups: the cases, grouped into those that are the same training.
        dataset: the section of the parameters.
        replicates: of the run; they choose what is drawn first (rivals.rivals).
        times: as times.read_times returns them; without any, the x axis is of the numbers of the samples.
    """
    if forecasts.empty:
        return nothing_to_show("There are no forecasts: dataset.held_out leaves no whole window.")
    samples = forecasts["sample"].to_numpy()
    drawn = forecasts.set_axis(times[samples] if len(times) else samples).head(DRAWN_AT_MOST)
    target = target_of(dataset)
    errors = scores(forecasts, {"cases": [group.names[0] for group in groups]})
    rows = math.ceil(len(groups) / 2)
    heights = [5, 0.7 + 2.9 * rows]
    figure = new_figure(0.4 + sum(heights))
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=heights).flatten()
    _draw_rivals(upper, drawn, rivals(groups, replicates, errors), target)
    _draw_trainings(lower, drawn, groups, errors["cases"], target, states_in_words(dataset))
    title = f"Forecasts of the held-out part of the series, one seed{ahead(dataset)}: {_stretch(drawn)}"
    if len(drawn) < len(forecasts):
        title += f", the first {len(drawn):,} of {len(forecasts):,}"
    set_title(figure, fill(title, 100, break_on_hyphens=False))
    return figure


def _stretch(drawn: pd.DataFrame) -> str:
    """Say from where to where the samples are, by their index."""
    first, last = drawn.index[[0, -1]]
    if isinstance(drawn.index, pd.DatetimeIndex):
        return f"{_time(first)} to {_time(last)}"
    return f"samples {first:,} to {last:,}"


def _time(time: pd.Timestamp) -> str:
    """Write a time without the zeros at its end, to stay in one line."""
    return str(time).removesuffix(":00").removesuffix(" 00:00").replace(" ", "\N{NO-BREAK SPACE}")


def _draw_rivals(figure: SubFigure, drawn: pd.DataFrame, compared: Sequence[Rival], target: str) -> None:
    """Draw the forecasts that are compared in one wide panel, with their errors in the legend."""
    panel = figure.subplots()
    limits = _limits(drawn, [rival.column for rival in compared])
    panel.margins(x=0.01)
    keys = _draw_target(panel, drawn, limits)
    panel.set_ylabel(target)
    networks = [rival for rival in compared if rival.training]
    for place, rival in reversed([*enumerate(networks)]):
        _draw_forecast(panel, drawn, rival.column, _look(rival, len(drawn)) | ({"alpha": PALE} if place else {}))
    _note_what_is_off(panel, {rival.role: drawn[rival.column] for rival in networks}, limits)
    for rival in compared:
        if rival.column == "input":
            keys = [key for key in keys if key.get_label() != "input"]  # the line that is there already
        elif not rival.training:
            _draw_forecast(panel, drawn, rival.column, _look(rival, len(drawn)))
        keys.append(Line2D([], [], label=_label(rival), **_look(rival, 0) | {"markersize": 4}))
    panel.set_title("The best forecast and its rivals, with their errors (RMSE) on all held-out samples", loc="left")
    set_legend(figure, keys, columns=1)


def _look(rival: Rival, points: int) -> dict[str, Any]:
    if rival.training and rival.states:
        return line(rival.training, points) | {"markevery": 1} | LOOKS[rival.states]
    if rival.column == "input":
        return {"color": INPUT, "linewidth": 0.8}
    marker = "o" if points == 1 else None
    return {"color": BASELINE, "linestyle": BASELINE_STYLES[rival.column], "linewidth": 1.4, "marker": marker}


def _label(rival: Rival) -> str:
    seeds = "" if rival.median is None else f", median of the seeds {number(rival.median)}"
    return fill(f"{rival.role}: {rival.words}; error {number(rival.error)}{seeds}", 112)


def _draw_trainings(
    figure: SubFigure,
    drawn: pd.DataFrame,
    groups: Sequence[Group],
    errors: Mapping[str, Mapping[str, float]],
    target: str,
    words: Mapping[str, str],
) -> None:
    """Draw a panel per training, all with the same limits."""
    columns = min(2, len(groups))
    panels = figure.subplots(math.ceil(len(groups) / columns), columns, squeeze=False).flatten().tolist()
    limits = _limits(drawn, [column(group.names[0], states) for group in groups for states in STATES])
    for group, panel in zip(groups, panels, strict=False):
        _draw_training(panel, drawn, group, limits)
        error = ", ".join(f"{number(error)} {states}" for states, error in errors[group.names[0]].items())
        panel.set_title(
            f"{fill(group.words, 54)}\n{group.label(52)}\nerror (RMSE): {error}", loc="left", fontsize=SMALL + 1
        )
        panel.set_ylabel(target)
    for panel in panels[len(groups) :]:
        panel.remove()
    keys = _keys("input" in drawn, words)
    set_legend(figure, keys, columns=3 if len(keys) == 3 else 2)


def _draw_training(panel: Axes, drawn: pd.DataFrame, group: Group, limits: tuple[float, float]) -> None:
    _draw_target(panel, drawn, limits)
    look = line(group.training, len(drawn)) | {"markevery": max(1, len(drawn) // DOTS)}
    columns = {states: column(group.names[0], states) for states in LOOKS}
    for states, name in columns.items():
        _draw_forecast(panel, drawn, name, look | LOOKS[states])
    _note_what_is_off(panel, {states: drawn[name] for states, name in columns.items()}, limits, look["color"])


def _draw_target(panel: Axes, drawn: pd.DataFrame, limits: tuple[float, float]) -> list[Line2D]:
    """Draw the target on what is drawn later, and the input under it if there is one; set up both axes."""
    marker = "o" if len(drawn) == 1 else None  # a line of one sample would not be seen
    keys = panel.plot(
        drawn.index, drawn["target"], color=TARGET, linewidth=1.1, marker=marker, zorder=3, label="target"
    )
    if "input" in drawn:
        keys += panel.plot(drawn.index, drawn["input"], color=INPUT, linewidth=0.8, marker=marker, label="input")
    panel.set_ylim(limits)
    sample_axis(panel, times=isinstance(drawn.index, pd.DatetimeIndex))
    panel.yaxis.set_major_locator(MaxNLocator(5))
    return keys


def _draw_forecast(panel: Axes, drawn: pd.DataFrame, name: str, look: Mapping[str, Any]) -> None:
    panel.plot(drawn.index, drawn[name], **look)


def _limits(drawn: pd.DataFrame, names: Iterable[str]) -> tuple[float, float]:
    """The y-limits of panels: every forecast, but no more than REACH ranges of the target beyond the target."""
    low, high = drawn["target"].min(), drawn["target"].max()
    reach = REACH * ((high - low) or abs(high) or 1.0)
    seen = drawn[[*names, "target", *(["input"] if "input" in drawn else [])]].to_numpy(float)
    seen = seen[np.isfinite(seen)]
    bottom, top = max(seen.min(), low - reach), min(seen.max(), high + reach)
    margin = 0.05 * ((top - bottom) or 1.0)
    return float(bottom - margin), float(top + margin)


def _note_what_is_off(
    panel: Axes, forecasts: Mapping[str, "pd.Series[float]"], limits: tuple[float, float], colour: str = "black"
) -> None:
    """Say of each forecast, by its name, how far it goes beyond the limits of its panel."""
    low, high = limits
    below = [f"↓ {name}: off the scale, down to {number(f.min())}" for name, f in forecasts.items() if f.min() < low]
    above = [f"↑ {name}: off the scale, up to {number(f.max())}" for name, f in forecasts.items() if f.max() > high]
    for y, side, notes in ((0.03, "bottom", below), (0.97, "top", above)):
        if notes:
            panel.text(0.5, y, "\n".join(notes), transform=panel.transAxes, ha="center", va=side, color=colour)


def _keys(with_input: bool, words: Mapping[str, str]) -> list[Line2D]:
    grey = {"color": "#555555"}
    return [
        Line2D([], [], color=TARGET, linewidth=1.1, label="target"),
        *([Line2D([], [], color=INPUT, linewidth=0.8, label="input")] if with_input else []),
        *(Line2D([], [], label=f"forecast, states {words[states]}", **(grey | look)) for states, look in LOOKS.items()),
    ]
