"""The loss differences of the claimed pairs, with "exactly zero" as clear as "different"."""

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from carryover.figures.style import DIFFERENT, IDENTICAL


def draw_loss_differences(differences: dict[str, pd.DataFrame]) -> Figure:
    """Above, how large each difference is; below, a lane per pair that says for each epoch whether there is any.

    Zero has no place on a logarithmic axis, hence the lanes.

    Args:
        differences: per claimed pair, as `a = b` or `a != b`, the columns `epoch` and `difference`, the same epochs
            in each.
    """
    lanes = len(differences)
    if not lanes:
        figure = Figure(figsize=(10, 2))
        figure.text(0.5, 0.5, "params.yaml claims nothing, so there is no pair to show", ha="center", va="center")
        return figure
    figure = Figure(figsize=(10, 5 + 0.4 * lanes), layout="constrained")
    sizes, strip = figure.subplots(2, 1, sharex=True, height_ratios=[4, 0.4 * lanes])
    epochs = next(iter(differences.values()))["epoch"].to_numpy()
    any_difference = False
    for claim, table in differences.items():
        size = table["difference"].abs()
        if size.any():
            any_difference = True
            sizes.plot(table["epoch"], size.where(size > 0), marker=".", label=claim.replace("!=", "≠"))
    if any_difference:
        sizes.set_yscale("log")
        figure.legend(*sizes.get_legend_handles_labels(), loc="outside upper left", ncols=2)  # not on the curves
    else:
        sizes.text(0.5, 0.5, "no pair differs in any epoch", transform=sizes.transAxes, ha="center", va="center")
        sizes.set_yticks([])
    sizes.set_ylabel("absolute difference of the losses\n(log scale)")
    sizes.set_title("How far the losses of each claimed pair are apart, epoch by epoch", loc="left")

    differs = np.array([table["difference"].to_numpy() != 0 for table in differences.values()], dtype=float)
    edges = np.append(epochs - 0.5, epochs[-1] + 0.5)
    strip.pcolormesh(
        edges,
        np.arange(lanes + 1) - 0.5,
        differs,
        cmap=ListedColormap([IDENTICAL, DIFFERENT]),
        vmin=0,
        vmax=1,
        edgecolors="white",
        linewidth=0.5,
    )
    strip.set_yticks(range(lanes), [claim.replace("!=", "≠") for claim in differences], family="monospace", fontsize=8)
    strip.invert_yaxis()
    strip.set_xlim(edges[0], edges[-1])
    strip.grid(False)
    strip.set_xlabel("epoch")
    figure.legend(
        handles=[
            Patch(color=IDENTICAL, label="exactly zero: the same bits"),
            Patch(color=DIFFERENT, label="different"),
        ],
        loc="outside lower right",
        ncols=2,
    )
    return figure
