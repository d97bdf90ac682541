"""Draw what each case predicts after training."""

import argparse
from pathlib import Path

from carryover.case_results import read_cases
from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.dataset import read_series
from carryover.figures.predictions import draw_predictions
from carryover.figures.saving import save
from carryover.splitting import read_scales, series_in_own_units
from carryover.yaml_file import read_yaml


def plot_predictions(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    cases = read_cases(arguments.cases, params)
    predictions = {name: case.predictions for name, case in cases.items()}
    series = series_in_own_units(read_series(arguments.data), read_scales(arguments.scales))
    figure = draw_predictions(series, predictions, params["dataset"])
    save(figure, arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    run(plot_predictions, parser)
