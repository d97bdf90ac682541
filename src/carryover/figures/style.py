"""The one home of what the figures share: colours, line styles, sizes, the places of titles and legends, and saving.

The colours are those of Okabe and Ito, which colour-blind people can tell apart (https://jfly.uni-koeln.de/color/).
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import ListedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from carryover.comparison.units import is_standardized
from carryover.job.files import writing
from carryover.training.behaviours import Training
from carryover.training.options import LOSSES

COLOURS = {"never": "#0072B2", "every_epoch": "#D55E00", "every_sequence": "#882255", "every_batch": "#009E73"}
"""The colour of each behaviour, in every figure. The third is Paul Tol's wine (https://personal.sron.nl/~pault/)."""

LINE_STYLES = {"contiguous": "-", "interleaved": "--"}
"""The line style of each batch order, in every figure."""

IDENTICAL, DIFFERENT = "#333333", "#F0E442"
"""What is equal to the last bit, and what is not: dark and light in a grey print too."""

TARGET, INPUT, REFERENCE = "#000000", "#BBBBBB", "#D0D0D0"
"""What is to be forecast, what the network sees, and the results of 2017."""

BASELINE = "#666666"
"""The colour of a forecast that needs no network."""

BASELINE_STYLES: dict[str, Any] = {
    "input": ":",
    "mean": "-.",
    "last_known": (0, (6, 1.5, 1, 1.5, 1, 1.5)),
    "season": (0, (1, 3)),
}
"""The line style of each such forecast: none that a batch order has."""

STATES_MARKERS: dict[str, dict[str, Any]] = {
    "carried": {"linestyle": "none", "marker": "o", "markersize": 4, "markeredgewidth": 0},
    "reset": {"linestyle": "none", "marker": "D", "markersize": 4, "markerfacecolor": "none"},
}
"""What tells apart the errors of forecasts with states carried and with states reset."""

PAIR_COLOURS = ("#CC79A7", "#E69F00", "#56B4E9", "#000000", "#888888")
PAIR_MARKERS = ("o", "s", "^", "D", "v", "P")
"""What tells lines about two cases apart: no colour of a behaviour, since the two may have different ones."""

MARKERS = ("", "o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h")
"""What tells lines of one colour and style apart: of several variants, or of cases that should be identical, but are
not."""

WIDTH = 10.0
"""The width of a figure in inches. GitHub shows it some 850 pixels wide, so that 9 points are 11 pixels there."""

SMALL = 9
"""The smallest size of a text, in points."""


def number(value: float) -> str:
    """A number to three digits, with the minus sign that tick labels have.

    >>> number(0.1), number(40), number(0)
    ('0.100', '40.0', '0')
    """
    return f"{value:#.3g}".rstrip(".").replace("-", "\N{MINUS SIGN}") if value else "0"


def new_figure(height: float) -> Figure:
    """An empty figure, WIDTH wide and `height` inches high."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def nothing_to_show(why: str) -> Figure:
    """A figure that only says why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 2))
    figure.text(0.5, 0.5, why, ha="center", va="center")
    return figure


def set_title(figure: Figure, text: str) -> None:
    """Put the title of a figure where every figure has it: above everything, at the left edge."""
    figure.suptitle(text, x=0.01, ha="left", fontsize="large")


def set_legend(figure: Figure | SubFigure, handles: Iterable[Artist], columns: int, note: str | None = None) -> None:
    """Put the legend where every figure has it: below everything, on no curve. A note may stand above its entries."""
    figure.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=columns,
        handlelength=3.2,
        title=note,
        alignment="left",
        frameon=False,
    )


def line(training: Training, points: int = 0, namesakes: int = 0) -> dict[str, Any]:
    """The colour and the line style of a training, as arguments of `plot`.

    Args:
        training: whose results the line shows.
        points: how many points the line has; one alone gets a marker, since it would not be seen.
        namesakes: how many lines of this colour and style there are already.
    """
    every = max(1, points // 12)
    return {
        "color": COLOURS[training.behaviour],
        "linestyle": LINE_STYLES[training.batches],
        "marker": MARKERS[namesakes % len(MARKERS)] or ("o" if points == 1 else None),
        # Lines that lie on each other have their markers in different places.
        "markevery": (namesakes * every // 3 % every, every) if namesakes else every,
    }


def pair_line(number: int) -> dict[str, Any]:
    """The colour and the marker of the line of a pair, counted from 0, as arguments of `plot`; 30 are different."""
    return {
        "color": PAIR_COLOURS[number % len(PAIR_COLOURS)],
        "marker": PAIR_MARKERS[number % len(PAIR_MARKERS)],
        "markersize": 5,
    }


def epoch_axis(axes: Axes, epochs: int) -> None:
    """Make the x axis one of whole epochs, the first of which is 1."""
    axes.set_xlim(0.5, epochs + 0.5)
    axes.xaxis.set_major_locator(whole_numbers(8))
    axes.set_xlabel("epoch")


def whole_numbers(ticks: int) -> MaxNLocator:
    """Ticks at whole, round numbers, at most so many."""
    return MaxNLocator(ticks, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])


def sample_axis(axes: Axes, times: bool) -> None:
    """Make the x axis one of samples: of their times, or of their numbers."""
    axes.set_xlabel("time" if times else "sample")
    if not times:
        axes.xaxis.set_major_locator(whole_numbers(5))
        return
    # With fewer than 7, matplotlib finds no round steps for some lengths of time.
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def loss_axis(axes: Axes, quantity: str, params: Mapping[str, Any]) -> None:
    """Make the y axis a logarithmic one of losses, and name the loss of the run. Call it after drawing the lines."""
    log_axis(axes)
    of = " of the standardized target" if is_standardized(params["dataset"]) else ""
    axes.set_ylabel(f"{quantity}\n({LOSSES[params['training']['loss']]}{of}, log scale)")


def log_axis(axes: Axes) -> None:
    """Make the y axis logarithmic, with tick labels however few decades it spans."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if low <= 0:  # nothing on it can be drawn
        low, high = axes.set_ylim(0.1, 1)
    decades = math.log10(high / low)
    axes.yaxis.set_minor_locator(NullLocator())
    digits = (1, 2, 3, 5, 7) if decades < 1.5 else (1, 2, 5) if decades < 3 else (1,)
    axes.yaxis.set_major_locator(MaxNLocator(5) if decades < 0.7 else LogLocator(subs=digits, numticks=15))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))


def cells(axes: Axes, differs: NDArray[np.float64], left: float, top: float) -> None:
    """Colour a table of cells by IDENTICAL and DIFFERENT, with white lines between the rows.

    Args:
        axes: to draw on, y downwards.
        differs: of shape (rows, columns): 0 for identical, 1 for different, NaN for a cell that stays white.
        left, top: the x and the y at which the first cell begins; each cell is 1 wide and 1 high.
    """
    rows, columns = differs.shape
    axes.imshow(
        differs,
        cmap=ListedColormap([IDENTICAL, DIFFERENT]),
        vmin=0,
        vmax=1,
        extent=(left, left + columns, top + rows, top),
        aspect="auto",
        interpolation="nearest",
    )
    axes.hlines(np.arange(1, rows) + top, left, left + columns, colors="white", linewidth=3)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write a figure as SVG and PNG: the same bytes each time, without matplotlib's date and version.

    `figure.savefig` would lay out and draw the figure twice for each file.
    """
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")
    with writing(png, "wb") as file:
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})  # type: ignore[no-untyped-call]
    with writing(svg, "wb") as file:
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
