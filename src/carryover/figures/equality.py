"""Every case against every case: identical, or the first epoch at which the two part."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from carryover.comparison import Cases, Parting, first_parting
from carryover.figures.saving import DIFFERENT, IDENTICAL


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
            parting = first_parting(cases[b], cases[a])
            colours[row, column] = parting is not None
            text = _describe(parting, len(cases[a].history))
            axes.text(column, row, text, ha="center", va="center", fontsize=11, color="black" if parting else "white")
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
        "compared: loss, weights, optimizer and states at each epoch's end, and the predictions", fontsize=10
    )
    return figure


def _describe(parting: Parting | None, epochs: int) -> str:
    if parting is None:
        return "identical"
    if parting.epoch > epochs:
        return "part after\ntraining:\npredictions"
    return f"part at\nepoch {parting.epoch}:\n" + ",\n".join(parting.parts)
