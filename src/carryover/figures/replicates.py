"""The replicates: the loss per epoch with its spread, and the final losses, paired by seed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carryover.job.yaml_file import Params
from carryover.replicates.losses import Losses
from carryover.training.case_results import Cases

LABELS = {"never": "never reset", "every_epoch": "reset every epoch", "every_batch": "reset every batch"}
STYLES = {"never": ("#0072B2", "-"), "every_epoch": ("#D55E00", "--"), "every_batch": ("#009E73", "-.")}
"""Of a behaviour's line: its colour, and its style, which a grey print tells apart too."""

PAIRED_AT_MOST = 128
"""So many seeds are drawn as lines: more would be one grey area, and a file of megabytes."""


def draw_replicates(losses: Losses, cases: Cases, params: Params) -> Figure:
    """Left the loss per epoch, median and quartiles, with the run's own cases; right the final loss of each seed.

    Args:
        losses: per behaviour, of shape (replicates, epochs); empty for a figure that says that there are none.
        cases: by name; of each behaviour the first is drawn.
        params: of the run.
    """
    figure = Figure(figsize=(12, 6), layout="constrained")
    if not losses:
        figure.text(0.5, 0.5, "No replicates: replicates.count is 0.", ha="center", va="center")
        return figure
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_epochs(left, losses, _case_of_each(losses, params), cases)
    _draw_final_losses(right, losses)
    return figure


def _case_of_each(losses: Losses, params: Params) -> dict[str, str]:
    """The first case of each behaviour; one without states is as if reset before every batch."""
    found: dict[str, str] = {}
    for name, case in params["cases"].items():
        behaviour = case["reset"] if case["stateful"] else "every_batch"
        if behaviour in losses:
            found.setdefault(behaviour, name)
    return found


def _draw_epochs(axes: Axes, losses: Losses, names: dict[str, str], cases: Cases) -> None:
    for behaviour, loss in losses.items():
        colour, style = STYLES[behaviour]
        epochs = np.arange(1, loss.shape[1] + 1)
        lower, median, upper = np.quantile(loss, [0.25, 0.5, 0.75], axis=0)
        marker = "o" if len(epochs) == 1 else None
        axes.fill_between(epochs, lower, upper, color=colour, alpha=0.2, linewidth=0)
        axes.plot(epochs, median, color=colour, linestyle=style, linewidth=2, marker=marker, label=LABELS[behaviour])
    for behaviour, name in names.items():
        history = cases[name].history
        axes.plot(history["epoch"], history["loss"], color=STYLES[behaviour][0], linewidth=1, linestyle=":")
    if names:
        axes.plot([], [], color="black", linewidth=1, linestyle=":", label="the case of each, a single run")
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss of the epoch (log scale)")
    axes.set_title(f"Loss per epoch: median and quartiles of {len(loss):,} seeds", loc="left")
    axes.legend(loc="lower left")


def _draw_final_losses(axes: Axes, losses: Losses) -> None:
    finals = np.column_stack([loss[:, -1] for loss in losses.values()])
    places = np.arange(1, len(losses) + 1)
    for row in finals[:PAIRED_AT_MOST]:
        axes.plot(places, row, color="#888888", linewidth=0.5, alpha=0.5, marker="." if len(places) == 1 else None)
    boxes = axes.boxplot(
        finals,
        positions=places,
        widths=0.35,
        patch_artist=True,
        showfliers=False,
        medianprops={"color": "black", "linewidth": 2},
        tick_labels=[LABELS[behaviour] for behaviour in losses],
        zorder=3,
    )
    for box, behaviour in zip(boxes["boxes"], losses, strict=True):
        box.set(facecolor=STYLES[behaviour][0], alpha=0.6)
    drawn = min(len(finals), PAIRED_AT_MOST)
    seeds = "each line a seed" if drawn == len(finals) else f"the first {drawn} seeds as lines"
    axes.set_title(f"Final loss: {seeds}; boxes: quartiles", loc="left")
