"""The errors on unseen data: every seed a dot, for each training and both ways to deploy its network."""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from carryover.comparison.units import ahead, target_of
from carryover.figures.groups import by_order, in_panels
from carryover.figures.replicates import NO_REPLICATES
from carryover.figures.style import (
    BASELINE,
    BASELINE_STYLES,
    SMALL,
    STATES_MARKERS,
    line,
    log_axis,
    new_figure,
    nothing_to_show,
    number,
    set_legend,
    set_title,
)
from carryover.forecasts.ways import BASELINES, states_in_words
from carryover.replicates.results import Replicates
from carryover.training.behaviours import BEHAVIOURS, Training

Array = NDArray[np.float64]

DRAWN_AT_MOST = 500
"""How many seeds are drawn as dots: more would be one area. The medians are of all seeds."""

FEW = 20
"""Fewer dots hide none of each other, and are opaque."""

COLUMNS = {"carried": -0.23, "reset": 0.23}
"""Where the column of dots of each way of deployment stands, from the middle of its training; trainings are 1 apart."""

SPREAD = 0.16
"""How far the dots of a column reach to each side of its middle."""

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of the golden ratio, without their whole part, lie evenly between 0 and 1, however many there are."""

APART = 0.14
"""The smallest distance between the labels of two baselines, in heights of the panel."""


def draw_errors(replicates: Replicates, dataset: Mapping[str, Any]) -> Figure:
    """Draw the error of each seed on the held-out part, on a log scale, a panel for each batch order of each variant.

    Each training has two columns of dots: with states carried and with states reset. A seed has the same place in every
    column. The line across a column is the median of all its seeds, and the line across a panel that of a baseline. An
    error of 0, which has no place on a log scale, is drawn on the lower edge.

    Args:
        replicates: without any errors for a figure that says why there are none.
        dataset: the section of the parameters.
    """
    if not replicates.losses:
        return nothing_to_show(NO_REPLICATES)
    if not replicates.errors:
        return nothing_to_show("There are no errors on unseen data: dataset.held_out leaves no whole window.")
    rows = by_order(replicates.errors)
    floor = _floor(replicates)
    figure = new_figure(1.6 + 4.4 * len(rows))
    lengths = [[len(trainings) for trainings in row.values()] for row in rows]
    widths = [max(of_column) for of_column in zip_longest(*lengths, fillvalue=0)]
    panels = figure.subplots(len(rows), len(widths), sharey=True, squeeze=False, width_ratios=widths)
    for panel, trainings in in_panels(panels, rows):
        for place, training in enumerate(trainings):
            for states, errors in replicates.errors[training].items():
                _draw_column(panel, place + COLUMNS[states], errors, training, states, floor)
        _name_columns(panel, {training: replicates.errors[training] for training in trainings})
    medians = {name: float(np.median(errors)) for name, errors in replicates.baselines.items()}
    _draw_baselines(figure.axes, medians, floor)
    for row, orders in zip(panels, rows, strict=True):
        log_axis(row[0])
        row[0].set_ylabel(f"error on unseen data\n(RMSE, in the units of {target_of(dataset)}, log scale)")
        _label_baselines(row[len(orders) - 1], medians, floor)
    seeds = _seeds(replicates)
    of_seeds = f"{seeds:,} seeds" if seeds > 1 else "1 seed"
    set_title(figure, f"Error on unseen data of each training from {of_seeds}{ahead(dataset)}")
    set_legend(figure, _keys(bool(medians), states_in_words(dataset)), columns=2, note=_note(replicates))
    return figure


def _seeds(replicates: Replicates) -> int:
    return len(next(iter(replicates.losses.values())))


def _all_errors(replicates: Replicates) -> Array:
    of_trainings = [errors for by_states in replicates.errors.values() for errors in by_states.values()]
    return np.concatenate([*of_trainings, *replicates.baselines.values()])


def _floor(replicates: Replicates) -> float:
    """Where errors of 0 are drawn: at half of the smallest error above 0."""
    errors = _all_errors(replicates)
    return 0.5 * float(min(errors[errors > 0], default=1.0))


def _draw_column(panel: Axes, x: float, errors: Array, training: Training, states: str, floor: float) -> None:
    drawn = errors[:DRAWN_AT_MOST]
    colour = line(training)["color"]
    places = x + SPREAD * (2 * (np.arange(1, len(drawn) + 1) * GOLDEN % 1) - 1)
    panel.plot(
        places, np.maximum(drawn, floor), color=colour, alpha=1 if len(drawn) < FEW else 0.45, **STATES_MARKERS[states]
    )
    panel.plot(
        [x - 1.3 * SPREAD, x + 1.3 * SPREAD],
        [max(float(np.median(errors)), floor)] * 2,
        color="black",
        linewidth=1.8,
        zorder=2.5 if len(errors) > 1 else 1.5,  # the dot of a single seed would be hidden
        path_effects=[withStroke(linewidth=3.4, foreground="white")],
    )


def _name_columns(panel: Axes, errors: Mapping[Training, Mapping[str, Array]]) -> None:
    """Write the states and the median under each column, and under both the behaviour."""
    columns = [(place + COLUMNS[s], s, of[s]) for place, of in enumerate(errors.values()) for s in COLUMNS]
    names = [f"{states}\n{number(float(np.median(error)))}" for _, states, error in columns]
    panel.set_xticks([x for x, _, _ in columns], names, fontsize=SMALL)
    behaviours = ["\n\n" + fill(BEHAVIOURS[training.behaviour], 13) for training in errors]
    panel.set_xticks(range(len(errors)), behaviours, minor=True)
    panel.tick_params(axis="x", which="both", length=0)
    panel.set_xlim(-0.55, len(errors) - 0.45)
    panel.set_xlabel("when the states were reset in training")
    panel.grid(False, axis="x")


def _draw_baselines(panels: Iterable[Axes], medians: Mapping[str, float], floor: float) -> None:
    for panel in panels:
        for name, median in medians.items():
            panel.axhline(max(median, floor), color=BASELINE, linestyle=BASELINE_STYLES[name], linewidth=1.4, zorder=1)


def _label_baselines(panel: Axes, medians: Mapping[str, float], floor: float) -> None:
    """Name each baseline at the right end of its line; keep the names apart, and none above the panel."""
    ordered = sorted(medians, key=medians.__getitem__)
    places = [_height(panel, max(medians[name], floor)) for name in ordered]
    for lower in range(len(places) - 1):
        places[lower + 1] = max(places[lower + 1], places[lower] + APART)
    for below, name in enumerate(reversed(ordered)):
        place = min(places[len(ordered) - 1 - below], 0.97 - APART * below)
        label = fill(f"{BASELINES[name]}: {number(medians[name])}", 18)
        panel.text(1.01, place, label, transform=panel.transAxes, va="center", fontsize=SMALL, color=BASELINE)


def _height(panel: Axes, y: float) -> float:
    """Where a y is in a panel, from 0 at its lower edge to 1 at its upper edge."""
    height: float = panel.transAxes.inverted().transform(panel.transData.transform((0, y)))[1]
    return height


def _keys(with_baselines: bool, words: Mapping[str, str]) -> list[Artist]:
    grey: dict[str, Any] = {"color": "#555555"}
    return [
        *(
            Line2D([], [], label=f"a seed: forecast with states {meaning}", **(grey | STATES_MARKERS[states]))
            for states, meaning in words.items()
        ),
        Line2D([], [], color="black", linewidth=1.8, label="median of the seeds, written below"),
        *([Line2D([], [], color=BASELINE, linestyle=":", label="median without a network")] if with_baselines else []),
    ]


def _note(replicates: Replicates) -> str | None:
    """What the dots do not show."""
    seeds, zeros = _seeds(replicates), int((_all_errors(replicates) == 0).sum())
    notes = []
    if seeds > DRAWN_AT_MOST:
        notes.append(f"The dots are the first {DRAWN_AT_MOST:,} of {seeds:,} seeds; the medians are of all.")
    if zeros:
        errors = "1 error of 0 is" if zeros == 1 else f"{zeros:,} errors of 0 are"
        notes.append(f"{errors} drawn at the lower edge, since 0 has no place on a log scale.")
    return "\n".join(notes) or None
