"""Write the initial weights of every case: checked ones from a file, or random ones from Keras's initializers."""

import argparse
from pathlib import Path

from carryover.job.arrays import write_arrays
from carryover.job.command_line import ArgumentParser, run
from carryover.job.own_files import find
from carryover.job.portable import load_keras
from carryover.series.dataset import read_columns
from carryover.training.options import add_model_arguments, network_of
from carryover.training.weights import read_weights


def make_initial_weights(arguments: argparse.Namespace) -> None:
    *inputs, _ = read_columns(arguments.data)
    network = network_of(arguments, len(inputs))
    if arguments.initial_weights == "random":
        load_keras()
        from carryover.training.model import random_weights

        weights = random_weights(network, arguments.seed)
    else:
        weights = read_weights(find(arguments.initial_weights), network)
    write_arrays(arguments.output, weights)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series, to count its inputs")
    parser.add_argument("--output", required=True, type=Path, metavar="NPZ", help="the weights, to write")
    add_model_arguments(parser)
    run(make_initial_weights, parser)
