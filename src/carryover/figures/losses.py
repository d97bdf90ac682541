"""The loss per epoch of every case, with the reference of 2017 under them."""

import pandas as pd
from matplotlib.figure import Figure

from carryover.training.case_results import Cases


def draw_losses(cases: Cases, trainings: list[list[str]], reference: pd.DataFrame | None) -> Figure:
    """One line per training; cases that are the same training share a line, and stand in its label together.

    Args:
        cases: by name.
        trainings: the names, grouped into bit-identical cases.
        reference: `epoch` and a column of losses per case; None where the run cannot be compared with it.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots()
    styles = ["-", "--", "-.", ":"]
    if reference is not None:
        known = [group[0] for group in trainings if group[0] in reference]
        for number, name in enumerate(known):
            label = "Keras 2.0.4 on Theano, 2017 (under each)" if number == 0 else None
            axes.plot(reference["epoch"], reference[name], color="#cccccc", linewidth=8, label=label)
    for number, group in enumerate(trainings):
        history = cases[group[0]].history
        axes.plot(
            history["epoch"],
            history["loss"],
            linewidth=2,
            linestyle=styles[number % len(styles)],
            marker="o" if len(history) == 1 else None,
            label=" = ".join(group),
        )
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss of the epoch (log scale)")
    axes.set_title(f"Loss per epoch: {len(cases)} cases, {len(trainings)} different trainings", loc="left")
    title = "“=” joins cases that are identical to the last bit"
    figure.legend(loc="outside lower center", ncols=2, title=title, alignment="left", frameon=False)
    return figure
