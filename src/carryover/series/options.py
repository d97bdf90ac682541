"""The options of a series on a command line: the keys of `dataset` in params.yaml."""

import argparse

from carryover.job.command_line import finite_number, whole_number
from carryover.job.errors import UserError
from carryover.series.csv_format import HEADERS, MISSING, ORDERS, CsvFormat

NOISY_SINE = "noisy_sine"
"""The value of dataset.source for the series of 2017; any other names a CSV file in SERIES."""

SERIES = "data/series"
"""The folder of the CSV files that dataset.source may name."""


def add_noisy_sine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `dataset` that says what a noisy sine is, except its length and its seed."""
    dataset = parser.add_argument_group("dataset")
    dataset.add_argument("--source", required=True, metavar="NAME", help="noisy_sine, or a CSV file without .csv")
    dataset.add_argument("--step", required=True, type=finite_number, help="between samples, in radians")
    dataset.add_argument("--noise", required=True, type=finite_number, help="standard deviation of the noise")


def add_csv_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `dataset` that says how a CSV file is written."""
    file = parser.add_argument_group("CSV file")
    file.add_argument("--encoding", required=True, metavar="NAME", help="by Python's name")
    file.add_argument("--delimiter", required=True, metavar="CHARACTER", help="between two cells")
    file.add_argument("--decimal", required=True, choices=[".", ","], help="decimal sign")
    file.add_argument("--thousands", required=True, metavar="CHARACTER", help="between thousands; '' for none")
    file.add_argument("--comment", required=True, metavar="TEXT", help="begins lines to leave out; '' for none")
    file.add_argument("--skip_rows", required=True, type=whole_number, metavar="N", help="lines above the header")
    file.add_argument("--skip_footer", required=True, type=whole_number, metavar="N", help="lines below the last row")
    file.add_argument("--header", required=True, choices=HEADERS, help="where the names of the columns are")
    file.add_argument("--sequence", required=True, metavar="COLUMN", help="the column with the sequence; '' for none")
    file.add_argument("--time", default=[], nargs="+", metavar="COLUMN", help="the columns with the time")
    file.add_argument("--time_format", required=True, metavar="FORMAT", help="iso8601, or Python's directives")
    file.add_argument("--order", required=True, choices=ORDERS, help="which row comes first")
    file.add_argument("--missing", required=True, choices=MISSING, help="what to do where a value is missing")
    file.add_argument("--missing_values", required=True, nargs="+", metavar="TEXT", help="cells that mean missing")


def add_lag_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the keys of `dataset` that say how far ahead the target is, and how long a season is."""
    lags = parser.add_argument_group("lags")
    lags.add_argument("--horizon", required=True, type=whole_number, metavar="N", help="rows ahead of the target")
    lags.add_argument("--season", required=True, type=whole_number, metavar="N", help="rows of a season, or 0")


def csv_format(arguments: argparse.Namespace) -> CsvFormat:
    """Return the format that the options of add_csv_arguments describe."""
    return CsvFormat.of(vars(arguments))


def noisy_sine_held_out(arguments: argparse.Namespace) -> int:
    """Return how many samples of the noisy sine are to be held out.

    Raises:
        UserError: if it is a share, of which there is none without an end.
    """
    if arguments.held_out % 1:
        raise UserError(
            f"--held_out: {arguments.held_out} is for a CSV file; give a number of samples for the noisy sine"
        )
    return int(arguments.held_out)


def noisy_sine_samples(arguments: argparse.Namespace) -> int:
    """Return how many samples of the noisy sine the options ask for.

    Raises:
        UserError: if they ask for all: the noisy sine has no end.
    """
    if arguments.samples is None:
        raise UserError("--samples: all is for a CSV file; give a number of samples for the noisy sine")
    samples: int = arguments.samples
    return samples
