"""Draw the matrix that says of every two cases whether they are identical, or where they part."""

import argparse
from pathlib import Path

from carryover.case_results import read_cases
from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.figures.equality import draw_equality
from carryover.figures.saving import save
from carryover.yaml_file import read_yaml


def plot_equality(arguments: argparse.Namespace) -> None:
    cases = read_cases(arguments.cases, read_yaml(arguments.params))
    save(draw_equality(cases), arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    run(plot_equality, parser)
