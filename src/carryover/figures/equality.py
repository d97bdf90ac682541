"""Every case against every other: identical, or the first epoch at which the two part."""

from collections.abc import Sequence
from itertools import combinations
from textwrap import fill, wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from carryover.comparison.partings import Parting, epochs_that_differ, first_parting
from carryover.figures.groups import Group
from carryover.figures.style import (
    DIFFERENT,
    IDENTICAL,
    SMALL,
    cells,
    line,
    new_figure,
    nothing_to_show,
    set_legend,
    set_title,
)
from carryover.training.case_results import CaseResults, Cases

CHARACTERS = 14
"""How many characters of the smallest text a cell of 1 inch is wide."""


def draw_equality(cases: Cases, groups: Sequence[Group]) -> Figure:
    """Draw the lower half of the matrix of cases, sorted by training: the upper half would say the same again.

    Args:
        cases: by name.
        groups: the cases, grouped into those that are the same training.
    """
    names = [name for group in groups for name in group.names]
    if len(names) < 2:
        return nothing_to_show("There is only one case, so there is no pair to compare.")
    side = len(names) - 1
    figure = new_figure(2.8 + max(0.75 * side, 1.5) + 0.25 * len(groups))
    axes = figure.subplots()
    columns = max(side, 3)  # a single cell would be as broad as the figure
    width = 7.2 / columns  # of a cell, in inches
    differs = np.full((side, side), np.nan)
    for (column, a), (row, b) in combinations(enumerate(names), 2):
        parting = first_parting(cases[a], cases[b])
        differs[row - 1, column] = parting is not None
        axes.text(
            column,
            row,
            _describe(parting, cases[a], cases[b], round(width * CHARACTERS)),
            ha="center",
            va="center",
            fontsize=SMALL,
            color="black" if parting else "white",
        )
    cells(axes, differs, left=-0.5, top=0.5)
    axes.vlines(np.arange(side - 1) + 0.5, 0.5, side + 0.5, colors="white", linewidth=3)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(side + 0.5, 0.5)
    look: dict[str, Any] = {"family": "monospace", "fontsize": SMALL}
    axes.set_xticks(range(side), names[:-1], rotation=30, ha="right", rotation_mode="anchor", **look)
    axes.set_yticks(range(1, side + 1), names[1:], **look)
    axes.tick_params(length=0, pad=12)
    _mark_groups(axes, groups, side)
    set_title(figure, "Which cases are identical to the last bit, and where the others part")
    looks = {group.words: line(group.training, namesakes=group.namesakes) for group in groups}
    keys = [
        Patch(color=IDENTICAL, label="identical"),
        Patch(color=DIFFERENT, label="different: first epoch, and parts that differ"),
    ]
    handles = [Line2D([], [], linewidth=4, label=fill(words, 50), **look) for words, look in looks.items()]
    note = "parts: the loss of the epoch; weights, optimizer and states at its end"
    set_legend(figure, [*keys, *handles], columns=2, note=note)
    return figure


def _mark_groups(axes: Axes, groups: Sequence[Group], side: int) -> None:
    """Draw a line in the colour and style of each group's training along its rows and columns."""
    start = 0
    for group in groups:
        look = line(group.training, namesakes=group.namesakes)
        look |= {"linewidth": 4, "clip_on": False, "solid_capstyle": "butt"}
        first, last = start - 0.42, start + len(group.names) - 0.58
        if last > 0.5:
            axes.plot([-0.012] * 2, [max(first, 0.58), last], transform=axes.get_yaxis_transform(), **look)
        if first < side - 0.5:
            axes.plot([first, min(last, side - 0.58)], [-0.012] * 2, transform=axes.get_xaxis_transform(), **look)
        start += len(group.names)


def _describe(parting: Parting | None, a: CaseResults, b: CaseResults, width: int) -> str:
    """The text of a cell, in lines of `width` characters; a narrow cell names only the first part that differs."""
    if parting is None:
        return "identical" if width >= len("identical") else "="
    if parting.epoch > min(len(a.history), len(b.history)):
        return "\n".join(wrap(f"after training: {parting.parts[0]}", width, break_long_words=False))
    equal = [part for part in epochs_that_differ(a, b) if part not in parting.parts]
    if not equal:
        what = "all parts"
    elif equal == ["states"]:
        what = "all but states"
    else:
        more = "" if len(parting.parts) == 1 else ", ..."
        what = ", ".join(parting.parts) if width >= 12 else f"{parting.parts[0]}{more}"
    return "\n".join([f"epoch {parting.epoch}", *wrap(what, width, break_long_words=False)])
