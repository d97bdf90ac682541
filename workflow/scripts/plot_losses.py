"""Draw the loss per epoch of every case, with the reference under them."""

import argparse
from pathlib import Path

from carryover.case_results import read_cases
from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.comparison import trainings
from carryover.figures.losses import draw_losses
from carryover.figures.saving import save
from carryover.reference import known_cases, read_reference
from carryover.yaml_file import read_yaml


def plot_losses(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    cases = read_cases(arguments.cases, params)
    reference = read_reference(arguments.reference)
    known = known_cases(reference, params)
    losses = reference.losses[["epoch", *known]] if known else None
    save(draw_losses(cases, trainings(cases), losses), arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--reference", required=True, type=Path, metavar="FOLDER", help="the reference")
    run(plot_losses, parser)
