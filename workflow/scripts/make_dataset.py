"""Write the part of the series to train on, the held-out part after it, the scale of each column, and notes on them."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carryover.job.command_line import ArgumentParser, count_or_all, finite_number, positive_integer, run, seed
from carryover.job.errors import UserError
from carryover.series.csv_file import read_csv_columns
from carryover.series.dataset import write_series
from carryover.series.noisy_sine import noisy_sine
from carryover.series.notes import write_notes
from carryover.series.options import NOISY_SINE, add_noisy_sine_arguments, noisy_sine_held_out, noisy_sine_samples
from carryover.series.scales import write_scales
from carryover.series.splitting import divide


def read_or_make(arguments: argparse.Namespace) -> tuple[str, list[str], NDArray[np.float64]]:
    """Return the origin of the series, for messages; its columns, the target last; and its values, by column."""
    if arguments.source != NOISY_SINE:
        columns = [*arguments.inputs, arguments.target]
        file = arguments.series / f"{arguments.source}.csv"
        return str(file), columns, read_csv_columns(file, columns)
    samples = noisy_sine_samples(arguments) + noisy_sine_held_out(arguments)
    series = noisy_sine(samples, arguments.step, arguments.noise, arguments.seed)
    return "dataset", list(series.columns), series.values


def make_dataset(arguments: argparse.Namespace) -> None:
    where, columns, values = read_or_make(arguments)
    windows = arguments.time_steps, arguments.batch_size
    try:
        parts = divide(values, columns, arguments.samples, arguments.held_out, *windows, arguments.standardize)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    write_series(arguments.output, parts.training)
    write_series(arguments.output_held_out, parts.held_out)
    write_scales(arguments.output_scales, tuple(columns), parts.scales)
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
    parser.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    parser.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    run(make_dataset, parser)
