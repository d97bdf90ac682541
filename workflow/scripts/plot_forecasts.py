"""Draw what each network forecasts on the part of the series that it has not seen."""

import argparse
from pathlib import Path

from carryover.case_results import read_cases
from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.comparison import trainings
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.saving import save
from carryover.held_out import read_forecasts
from carryover.yaml_file import read_yaml


def plot_forecasts(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    groups = trainings(read_cases(arguments.cases, params))
    figure = draw_forecasts(read_forecasts(arguments.forecasts, params), groups)
    save(figure, arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--forecasts", required=True, type=Path, metavar="CSV", help="what the networks forecast")
    run(plot_forecasts, parser)
