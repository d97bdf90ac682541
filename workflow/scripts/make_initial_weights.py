"""Write the weights from which every case starts: those of a file, checked, or random ones of Keras's initializers."""

import argparse
from pathlib import Path

from carryover.arrays import write_arrays
from carryover.command_line import ArgumentParser, add_model_arguments, run
from carryover.initial_weights import Weights, read_weights


def random_weights(arguments: argparse.Namespace) -> Weights:
    # Importing Keras takes seconds, and a file of weights does without it.
    from carryover.keras_loading import load_keras

    load_keras()
    from carryover.model import random_weights as draw

    return draw(arguments.units, arguments.seed)


def make_initial_weights(arguments: argparse.Namespace) -> None:
    if arguments.initial_weights == "random":
        weights = random_weights(arguments)
    else:
        weights = read_weights(Path(arguments.initial_weights), arguments.units)
    write_arrays(arguments.output, weights)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="NPZ", help="the weights, by name")
    add_model_arguments(parser)
    run(make_initial_weights, parser)
