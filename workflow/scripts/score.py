"""Let each trained network forecast the held-out part of the series, as it would be deployed."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from carryover.command_line import ArgumentParser, add_model_arguments, network, run
from carryover.dataset import read_series
from carryover.errors import UserError
from carryover.files import writing
from carryover.held_out import STATES, column, naive_forecasts
from carryover.keras_loading import load_keras
from carryover.splitting import in_own_units, read_scales, series_in_own_units
from carryover.weights import read_trained_weights
from carryover.yaml_file import read_yaml


def score(arguments: argparse.Namespace) -> None:
    cases = read_yaml(arguments.params)["cases"]
    training, held_out = read_series(arguments.data), read_series(arguments.held_out, may_be_empty=True)
    scales = read_scales(arguments.scales)
    inputs = np.concatenate([training.x, held_out.x])
    # The windows go on as they were cut in the training part; one that is not whole is left out.
    steps = arguments.time_steps
    windows = inputs[: len(inputs) // steps * steps].reshape(-1, steps, inputs.shape[1])[len(training.y) // steps :]
    samples = len(training.y) + np.arange(len(windows)) * steps + steps - 1
    before, after = (series_in_own_units(part, scales) for part in (training, held_out))
    forecasts = {"sample": samples, "target": np.concatenate([before.y, after.y])[samples]}
    forecasts |= naive_forecasts(before, after, samples)
    if len(windows):
        load_keras()
        from carryover.scoring import forecast_with_carried_states, forecast_with_reset_states
    of = network(arguments, inputs.shape[1])
    for case in cases:
        made = dict.fromkeys(STATES, np.empty(0, np.float32))
        if len(windows):
            weights = read_trained_weights(arguments.cases / case / "final.npz", of)
            made["carried"] = forecast_with_carried_states(of, weights, inputs)[samples]
            made["reset"] = forecast_with_reset_states(of, weights, windows)
        for states, forecast in made.items():
            if not np.isfinite(forecast).all():
                raise UserError(
                    f"case {case}: a forecast is not finite: the network runs away on what it has not seen; train it "
                    "otherwise, or set dataset.held_out: 0"
                )
            forecasts[column(case, states)] = in_own_units(forecast, scales[-1])
        print(f"{case}: forecast {len(samples)} samples", flush=True)
    with writing(arguments.output) as file:
        pd.DataFrame(forecasts).to_csv(file, index=False, float_format="%.9g", lineterminator="\n")


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the training part of the series")
    parser.add_argument("--held_out", required=True, type=Path, metavar="CSV", help="what comes after it")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the forecasts, to write")
    add_model_arguments(parser)
    run(score, parser)
