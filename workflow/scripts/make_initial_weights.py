"""Write the weights from which every case starts: those of a file, checked, or random ones of Keras's initializers."""

import argparse
from pathlib import Path

from carryover.arrays import write_arrays
from carryover.command_line import ArgumentParser, add_model_arguments, network, run
from carryover.dataset import read_columns
from carryover.network import Network
from carryover.weights import Weights, read_weights


def random_weights(network: Network, seed: int) -> Weights:
    # Importing Keras takes seconds, and a file of weights does without it.
    from carryover.keras_loading import load_keras

    load_keras()
    from carryover.model import random_weights as draw

    return draw(network, seed)


def make_initial_weights(arguments: argparse.Namespace) -> None:
    *inputs, _ = read_columns(arguments.data)
    of = network(arguments, len(inputs))
    if arguments.initial_weights == "random":
        weights = random_weights(of, arguments.seed)
    else:
        weights = read_weights(Path(arguments.initial_weights), of)
    write_arrays(arguments.output, weights)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series, for its inputs")
    parser.add_argument("--output", required=True, type=Path, metavar="NPZ", help="the weights, by name")
    add_model_arguments(parser)
    run(make_initial_weights, parser)
