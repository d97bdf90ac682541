"""The options of a series on a command line: the keys of `dataset` in params.yaml."""

import argparse

from carryover.job.command_line import finite_number
from carryover.job.errors import UserError

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
