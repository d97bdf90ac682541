"""Draw the replicates: the loss per epoch with its spread, and the final losses, paired by seed."""

import argparse
from pathlib import Path

from carryover.case_results import read_cases
from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.figures.replicates import draw_replicates
from carryover.figures.saving import save
from carryover.replicates import read_replicates
from carryover.yaml_file import read_yaml


def plot_replicates(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    losses = read_replicates(arguments.replicates, params)
    cases = read_cases(arguments.cases, params)
    save(draw_replicates(losses, cases, params), arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--replicates", required=True, type=Path, metavar="FOLDER", help="with a folder per behaviour")
    run(plot_replicates, parser)
