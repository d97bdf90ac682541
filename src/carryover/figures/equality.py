"""Every case against every case: identical, or the first epoch at which the two part."""

from textwrap import fill

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from carryover.comparison.explanation import Explanation, explain
from carryover.figures.style import DIFFERENT, IDENTICAL
from carryover.training.case_results import Cases


def draw_equality(cases: Cases) -> Figure:
    """The lower half of the matrix of cases, without the diagonal: what is left out would say the same again.

    Args:
        cases: by name.
    """
    names = list(cases)
    side = max(5.0, 1.7 * len(names))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    # White where nothing is said.
    colours = np.full((len(names), len(names)), np.nan)
    for row, a in enumerate(names):
        for column, b in enumerate(names[:row]):
            explanation = explain(cases[b], cases[a])
            colours[row, column] = explanation.parting is not None
            colour = "black" if explanation.parting else "white"
            axes.text(column, row, _describe(explanation), ha="center", va="center", fontsize=10, color=colour)
    axes.imshow(colours, cmap=ListedColormap([IDENTICAL, DIFFERENT]), vmin=0, vmax=1)
    if len(names) > 1:
        axes.set_xlim(-0.5, len(names) - 1.5)
        axes.set_ylim(len(names) - 0.5, 0.5)
    axes.set_xticks(range(len(names[:-1])), names[:-1], family="monospace", rotation=20, ha="right")
    axes.set_yticks(range(1, len(names)), names[1:], family="monospace")
    axes.set_xticks(np.arange(len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names)) + 0.5, minor=True)
    axes.grid(False)
    axes.grid(which="minor", color="white", linewidth=3)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    figure.suptitle("Which cases are the same training to the last bit, and where the others part")
    figure.supxlabel(
        "compared: loss, weights, optimizer and states at each epoch's end, predictions, final training state",
        fontsize=10,
    )
    return figure


def _describe(explanation: Explanation) -> str:
    if explanation.parting is None:
        return f"identical\n\n{explanation.elements:,} elements\nat the end"
    if explanation.parting.epoch > explanation.epochs:
        where = "part after\ntraining:\npredictions"
    else:
        where = f"part at epoch {explanation.parting.epoch}:\n{fill(', '.join(explanation.parting.parts), width=16)}"
    return f"{where}\n\nat the end\n{explanation.different:,} of {explanation.elements:,}\nelements differ"
