"""Draw every figure, from one reading of the results."""

import argparse
from pathlib import Path

from carryover.comparison.claims import claims
from carryover.comparison.partings import loss_differences_of, trainings
from carryover.comparison.reference import known_losses
from carryover.comparison.results import add_results_arguments, read_results
from carryover.figures.equality import draw_equality
from carryover.figures.errors import draw_errors
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.groups import grouped
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.losses import draw_losses
from carryover.figures.predictions import draw_predictions
from carryover.figures.replicates import draw_replicates
from carryover.figures.style import save
from carryover.job.command_line import ArgumentParser, run
from carryover.series.times import read_times


def render_figures(arguments: argparse.Namespace) -> None:
    params, cases, replicates, forecasts, reference, series = read_results(arguments)
    dataset, times = params["dataset"], read_times(arguments.times)
    groups = grouped(trainings(cases), params)
    predictions = {name: case.predictions for name, case in cases.items()}
    claimed = {name: loss_differences_of(cases, a, b) for name, (a, _, b) in claims(params).items()}
    figures = {
        "losses": draw_losses(cases, groups, known_losses(reference, params), params),
        "equality": draw_equality(cases, groups),
        "loss_differences": draw_loss_differences(claimed, params),
        "predictions": draw_predictions(series, predictions, groups, dataset, times),
        "replicates": draw_replicates(replicates.losses, cases, groups, params),
        "errors": draw_errors(replicates, dataset),
        "forecasts": draw_forecasts(forecasts, groups, dataset, replicates, times),
    }
    for name, figure in figures.items():
        save(figure, arguments.output / f"{name}.svg", arguments.output / f"{name}.png")


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_results_arguments(parser)
    parser.add_argument("--times", required=True, type=Path, metavar="CSV", help="the times of the samples")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="one SVG and one PNG per figure")
    run(render_figures, parser)
