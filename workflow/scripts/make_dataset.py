"""Write the series that is learnt, the samples after it that are held out, and the scale of each column."""

import argparse
from pathlib import Path

import numpy as np

from carryover.command_line import (
    ArgumentParser,
    add_series_arguments,
    finite_number,
    noisy_sine_samples,
    positive_integer,
    run,
    seed,
)
from carryover.csv_series import read_csv_columns
from carryover.dataset import Series, noisy_sine, write_series
from carryover.errors import UserError
from carryover.splitting import AS_IT_IS, scales_of, split_rows, standardize, write_scales


def make_dataset(arguments: argparse.Namespace) -> None:
    if arguments.source == "noisy_sine":
        samples = noisy_sine_samples(arguments)
        if arguments.held_out % 1:
            raise UserError(
                f"--held_out: {arguments.held_out} is for a CSV file; the noisy sine has as many as you say"
            )
        series = noisy_sine(samples + int(arguments.held_out), arguments.step, arguments.noise, arguments.seed)
        columns = series.columns
        # The series is float32: from its values to float64 and back is no change.
        values = np.column_stack([series.x, series.y]).astype(np.float64)
        where = "dataset"
    else:
        columns = (*arguments.inputs, arguments.target)
        file = arguments.series / f"{arguments.source}.csv"
        values = read_csv_columns(file, list(columns))
        where = str(file)
    multiple = arguments.time_steps * arguments.batch_size
    try:
        training, held_out = split_rows(len(values), arguments.samples, arguments.held_out, multiple)
        scales = scales_of(values[training], list(columns)) if arguments.standardize else [AS_IT_IS] * len(columns)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if arguments.standardize:
        values = standardize(values, scales)
    series = Series(values[:, :-1].astype(np.float32), values[:, -1].astype(np.float32), columns)
    write_series(arguments.output, series.part(training))
    write_series(arguments.output_held_out, series.part(held_out))
    write_scales(arguments.output_scales, columns, scales)
    print(
        f"{len(series.y)} samples, of which {training.stop - training.start} are trained on"
        f"{f', the oldest {training.start} left over,' if training.start else ''}"
        f" and {len(series.y) - held_out.start} held out"
    )


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the training part, to write")
    parser.add_argument("--output_held_out", required=True, type=Path, metavar="CSV", help="what comes after it")
    parser.add_argument("--output_scales", required=True, type=Path, metavar="CSV", help="the scale of each column")
    parser.add_argument("--series", required=True, type=Path, metavar="FOLDER", help="where the CSV files lie")
    add_series_arguments(parser)
    parser.add_argument("--held_out", required=True, type=finite_number, metavar="N", help="samples, or their share")
    parser.add_argument("--seed", required=True, type=seed, metavar="N", help="of the noise")
    parser.add_argument("--inputs", required=True, nargs="+", metavar="COLUMN", help="of a CSV file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="of a CSV file")
    parser.add_argument("--standardize", action="store_true", help="to mean 0 and deviation 1 of the training part")
    parser.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    parser.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    run(make_dataset, parser)
