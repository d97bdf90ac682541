"""Saving a figure so that the same figure gives the same bytes."""

from pathlib import Path

from matplotlib.figure import Figure

from carryover.job.files import writing

IDENTICAL = "#0072B2"
DIFFERENT = "#F0E442"
"""The two colours in which every figure tells equal from different: one is dark and one light in grey print too."""


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write a figure as SVG and PNG, without the date and the version that matplotlib would put in."""
    with writing(svg, "wb") as file:
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    with writing(png, "wb") as file:
        figure.savefig(file, format="png", metadata={"Software": None})
