"""Forecast the held-out part of the series with each trained network, as you would deploy it."""

import argparse
from pathlib import Path

from carryover.forecasts.held_out import held_out_windows, targets_and_baselines, write_forecasts
from carryover.job.command_line import ArgumentParser, run
from carryover.job.portable import load_keras
from carryover.job.yaml_file import read_yaml
from carryover.series.dataset import Floats, read_series
from carryover.series.lags import longest_lag
from carryover.series.notes import read_notes
from carryover.series.scales import read_scales, series_in_own_units
from carryover.training.case_results import remove_other_cases
from carryover.training.options import add_model_arguments, network_of
from carryover.training.variants import Variant, variant_of
from carryover.training.weights import Weights, read_trained_weights


def score(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    cases, dataset = params["cases"], params["dataset"]
    # DVC tracks the folder of the cases as a whole, so nothing else may be in it. This is the first step that reads it.
    for folder in remove_other_cases(arguments.cases, cases):
        print(f"removed {folder}: the parameters no longer name this case")
    training, held_out = read_series(arguments.data), read_series(arguments.held_out, may_be_empty=True)
    scales = read_scales(arguments.scales)
    sequence = read_notes(arguments.notes).samples_per_sequence
    lags = dataset["horizon"], dataset["season"]
    windows = held_out_windows(
        training, held_out, arguments.time_steps, arguments.targets, sequence, longest_lag(*lags)
    )
    of_the_run = network_of(arguments, training.x.shape[1])
    forecasts: dict[str, Floats] = {}
    if len(windows.samples):
        trained: dict[Variant, dict[str, Weights]] = {}
        for case in cases:
            variant = variant_of(case, params).architecture
            weights = read_trained_weights(arguments.cases / case / "final.npz", variant.network(of_the_run))
            trained.setdefault(variant, {})[case] = weights
        load_keras()
        from carryover.forecasts.scoring import forecast_cases

        for variant, of_cases in trained.items():
            forecasts |= forecast_cases(variant.network(of_the_run), of_cases, windows, scales[-1])
    before, after = (series_in_own_units(part, scales) for part in (training, held_out))
    known = targets_and_baselines(before, after, windows.samples, *lags)
    write_forecasts(arguments.output, known, forecasts, cases)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="one folder per case")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the training part of the series")
    parser.add_argument("--held_out", required=True, type=Path, metavar="CSV", help="the held-out part of the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--notes", required=True, type=Path, metavar="JSON", help="notes on the series")
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the forecasts, to write")
    add_model_arguments(parser)
    run(score, parser)
