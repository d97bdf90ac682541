"""Draw every figure, from one reading of the results."""

import argparse
from pathlib import Path

from carryover.comparison.claims import claims
from carryover.comparison.partings import loss_differences_of, trainings
from carryover.comparison.reference import known_losses, read_reference
from carryover.figures.equality import draw_equality
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.groups import grouped
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.losses import draw_losses
from carryover.figures.predictions import draw_predictions
from carryover.figures.replicates import draw_replicates
from carryover.figures.style import save
from carryover.forecasts.held_out import read_forecasts
from carryover.job.command_line import ArgumentParser, run
from carryover.job.yaml_file import read_yaml
from carryover.replicates.losses import read_replicates
from carryover.series.dataset import read_series
from carryover.series.scales import read_scales, series_in_own_units
from carryover.training.behaviours import Training
from carryover.training.case_results import read_cases


def render_figures(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    cases = read_cases(arguments.cases, params)
    groups = grouped(trainings(cases), params["cases"])
    # Replicates have contiguous batches.
    replicates = {
        Training(behaviour, "contiguous"): losses
        for behaviour, losses in read_replicates(arguments.replicates, params).items()
    }
    forecasts = read_forecasts(arguments.forecasts, params)
    of_2017 = known_losses(read_reference(arguments.reference), params)
    series = series_in_own_units(read_series(arguments.data), read_scales(arguments.scales))
    predictions = {name: case.predictions for name, case in cases.items()}
    claimed = {name: loss_differences_of(cases, a, b) for name, (a, _, b) in claims(params).items()}
    figures = {
        "losses": draw_losses(cases, groups, of_2017, params),
        "equality": draw_equality(cases, groups),
        "loss_differences": draw_loss_differences(claimed, params),
        "predictions": draw_predictions(series, predictions, groups, params["dataset"]),
        "replicates": draw_replicates(replicates, cases, groups, params),
        "forecasts": draw_forecasts(forecasts, groups, series.columns[-1]),
    }
    for name, figure in figures.items():
        save(figure, arguments.output / f"{name}.svg", arguments.output / f"{name}.png")


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--replicates", required=True, type=Path, metavar="FOLDER", help="with a folder per behaviour")
    parser.add_argument("--forecasts", required=True, type=Path, metavar="CSV", help="what the networks forecast")
    parser.add_argument("--reference", required=True, type=Path, metavar="FOLDER", help="the reference")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the training part of the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="one SVG and one PNG per figure")
    run(render_figures, parser)
