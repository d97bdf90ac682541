"""Saving a figure so that the same figure gives the same bytes."""

from pathlib import Path

from matplotlib.figure import Figure

from carryover.command_line import writing

IDENTICAL = "#56B4E9"
DIFFERENT = "#E69F00"
"""The two colours in which every figure tells equal from different, one dark and one light in grey print."""


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write a figure as SVG and PNG, without the date and the version that matplotlib would put in."""
    with writing(svg, "wb") as file:
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    with writing(png, "wb") as file:
        figure.savefig(file, format="png", metadata={"Software": None})
