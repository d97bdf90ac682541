"""Write the series that is learnt."""

import argparse
from pathlib import Path

from carryover.command_line import ArgumentParser, finite_number, positive_integer, run, seed
from carryover.dataset import noisy_sine, write_series


def make_dataset(arguments: argparse.Namespace) -> None:
    series = noisy_sine(arguments.samples, arguments.step, arguments.noise, arguments.seed)
    write_series(arguments.output, series)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the series: columns x and y")
    parser.add_argument("--source", required=True, choices=["noisy_sine"], help="what the series is")
    parser.add_argument("--samples", required=True, type=positive_integer, metavar="N", help="how many")
    parser.add_argument("--step", required=True, type=finite_number, help="between two samples, in radians")
    parser.add_argument("--noise", required=True, type=finite_number, help="standard deviation of the noise")
    parser.add_argument("--seed", required=True, type=seed, metavar="N", help="of the noise")
    run(make_dataset, parser)
