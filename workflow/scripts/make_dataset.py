"""Write the part of the series to train on, the held-out part after it, the scale of each column, and notes on them."""

import argparse
from pathlib import Path

from carryover.job.command_line import (
    ArgumentParser,
    count_or_all,
    finite_number,
    positive_integer,
    run,
    seed,
)
from carryover.job.errors import UserError
from carryover.job.own_files import find
from carryover.series.dataset import write_series
from carryover.series.lags import check_lags
from carryover.series.noisy_sine import noisy_sine
from carryover.series.notes import write_notes
from carryover.series.options import (
    NOISY_SINE,
    add_csv_arguments,
    add_lag_arguments,
    add_noisy_sine_arguments,
    csv_format,
    noisy_sine_held_out,
    noisy_sine_samples,
)
from carryover.series.rows import Rows, computed, read_rows
from carryover.series.scales import write_scales
from carryover.series.splitting import divide
from carryover.series.times import write_times


def read_or_make(arguments: argparse.Namespace) -> tuple[str, Rows]:
    """Return the origin of the series, for messages, and its rows."""
    if arguments.source != NOISY_SINE:
        file = find(arguments.series / f"{arguments.source}.csv")
        form = csv_format(arguments)
        return str(file), read_rows(file, arguments.inputs, arguments.target, form, arguments.horizon)
    samples = noisy_sine_samples(arguments) + noisy_sine_held_out(arguments)
    series = noisy_sine(samples, arguments.step, arguments.noise, arguments.seed)
    return "dataset", computed(series.columns, series.values)


def make_dataset(arguments: argparse.Namespace) -> None:
    where, rows = read_or_make(arguments)
    windows = arguments.time_steps, arguments.batch_size
    try:
        parts = divide(rows, arguments.samples, arguments.held_out, *windows, arguments.standardize)
        check_lags(parts.notes, arguments.time_steps, arguments.horizon, arguments.season)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    write_series(arguments.output, parts.training)
    write_series(arguments.output_held_out, parts.held_out)
    write_scales(arguments.output_scales, parts.training.columns, parts.scales)
    write_times(arguments.output_times, parts.times)
    write_notes(arguments.output_notes, parts.notes)
    print(parts.notes.in_words)
    for warning in parts.notes.warnings:
        print(f"warning: {where}: {warning}")


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the training part, to write")
    parser.add_argument("--output_held_out", required=True, type=Path, metavar="CSV", help="held-out part, to write")
    parser.add_argument("--output_scales", required=True, type=Path, metavar="CSV", help="the scales, to write")
    parser.add_argument("--output_notes", required=True, type=Path, metavar="JSON", help="the notes, to write")
    parser.add_argument("--output_times", required=True, type=Path, metavar="CSV", help="the times, to write")
    parser.add_argument("--series", required=True, type=Path, metavar="FOLDER", help="the folder of the CSV files")
    add_noisy_sine_arguments(parser)
    parser.add_argument("--samples", required=True, type=count_or_all, metavar="N", help="samples to train on, or all")
    parser.add_argument(
        "--held_out", required=True, type=finite_number, metavar="N", help="how many samples, or a share"
    )
    parser.add_argument("--seed", required=True, type=seed, metavar="N", help="seed of the noise")
    parser.add_argument("--inputs", required=True, nargs="+", metavar="COLUMN", help="inputs in the CSV file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="target in the CSV file")
    parser.add_argument("--standardize", action="store_true", help="scale to mean 0 and deviation 1")
    add_lag_arguments(parser)
    add_csv_arguments(parser)
    parser.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    parser.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    run(make_dataset, parser)
