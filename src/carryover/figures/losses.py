"""The loss per epoch of every training, with the losses of 2017 under them."""

from collections.abc import Sequence
from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from carryover.figures.groups import Group
from carryover.figures.style import REFERENCE, epoch_axis, line, loss_axis, new_figure, set_legend, set_title
from carryover.job.yaml_file import Params
from carryover.training.case_results import Cases


def draw_losses(cases: Cases, groups: Sequence[Group], reference: pd.DataFrame | None, params: Params) -> Figure:
    """Draw one line per training; cases that are the same training share a line and are named together.

    Args:
        cases: by name.
        groups: the cases, grouped into those that are the same training.
        reference: `epoch` and a column of losses per case; None if the run cannot be compared with it.
        params: of the run.
    """
    figure = new_figure(6.2 + 0.25 * len(groups))
    axes = figure.subplots()
    handles: list[Line2D] = []
    if reference is not None:
        for name in [group.names[0] for group in groups if group.names[0] in reference]:
            handles = axes.plot(
                reference["epoch"], reference[name], color=REFERENCE, linewidth=8, label="Keras 2.0.4 on Theano, 2017"
            )
    for group in groups:
        history = cases[group.names[0]].history
        look = line(group.training, len(history), group.namesakes)
        handles += axes.plot(
            history["epoch"],
            history["loss"],
            linewidth=2,
            label=fill(f"{group.words}: {group.label()}", 100),
            **look,
        )
    epoch_axis(axes, max(len(case.history) for case in cases.values()))
    loss_axis(axes, "loss of the epoch", params)
    set_title(figure, "Loss per epoch of each training, with the cases that spell it")
    set_legend(figure, handles, columns=1)
    return figure
