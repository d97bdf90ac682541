"""Write the series that is learnt."""

import argparse
from pathlib import Path

from carryover.command_line import ArgumentParser, add_series_arguments, run, seed
from carryover.dataset import noisy_sine, write_series


def make_dataset(arguments: argparse.Namespace) -> None:
    series = noisy_sine(arguments.samples, arguments.step, arguments.noise, arguments.seed)
    write_series(arguments.output, series)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="CSV", help="the series: columns x and y")
    add_series_arguments(parser)
    parser.add_argument("--seed", required=True, type=seed, metavar="N", help="of the noise")
    run(make_dataset, parser)
