"""The options of a network and its training on a command line: the keys of `model`, `optimizer` and `training`."""

import argparse

from carryover.job.command_line import finite_number, positive_integer, seed
from carryover.job.errors import UserError
from carryover.series.windows import TARGETS
from carryover.training.network import ACTIVATIONS, GATES, RECURRENT_ACTIVATIONS, STACKED, Network, OwnNetwork
from carryover.training.optimizers import OPTIMIZERS

LOSSES = {"mse": "mean squared error", "mae": "mean absolute error", "huber": "Huber's loss"}
"""Keras's names of the mean squared error, the mean absolute error, and Huber's loss with delta = 1."""


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `model`."""
    model = parser.add_argument_group("model")
    model.add_argument("--build", required=True, metavar="PY", help="the file that builds the network")
    model.add_argument("--cell", required=True, choices=list(GATES), help="kind of recurrent layer")
    model.add_argument("--units", required=True, type=positive_integer, nargs="+", metavar="N", help="units per layer")
    model.add_argument("--activation", required=True, choices=ACTIVATIONS, help="of a cell's output")
    model.add_argument("--recurrent_activation", required=True, choices=RECURRENT_ACTIVATIONS, help="of the gates")
    model.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    model.add_argument("--targets", required=True, choices=TARGETS, help="steps of a window to learn")
    model.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    model.add_argument("--initial_weights", required=True, metavar="NPZ", help="a file, or 'random'")
    model.add_argument("--seed", required=True, type=seed, metavar="N", help="seed of the random weights")


def network_of(arguments: argparse.Namespace, inputs: int) -> Network | OwnNetwork:
    """Return the network that the options of add_model_arguments describe, for a series with this many inputs."""
    if arguments.build != STACKED:
        batch_shape = arguments.batch_size, arguments.time_steps, inputs
        return OwnNetwork(arguments.build, batch_shape, arguments.targets)
    gates, cell, activation = arguments.recurrent_activation, arguments.cell, arguments.activation
    return Network(arguments.units, gates, cell, activation, inputs, arguments.targets)


def add_optimizer_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key that `optimizer` may have; optimizer_parameters checks them."""
    optimizer = parser.add_argument_group("optimizer")
    optimizer.add_argument("--name", required=True, choices=list(OPTIMIZERS), help="name of the optimizer")
    for name in dict.fromkeys(name for names in OPTIMIZERS.values() for name in names):
        others = ", ".join(optimizer for optimizer, names in OPTIMIZERS.items() if name in names)
        optimizer.add_argument(f"--{name}", type=finite_number, help=f"for {others}")


def optimizer_parameters(arguments: argparse.Namespace) -> dict[str, float]:
    """Return the parameters of the optimizer by name.

    Raises:
        UserError: if one is missing, or belongs to another optimizer.
    """
    own = OPTIMIZERS[arguments.name]
    every = {name for names in OPTIMIZERS.values() for name in names}
    given = {name: value for name in every if (value := getattr(arguments, name)) is not None}
    if wrong := sorted(given.keys() ^ set(own)):
        state = "missing" if wrong[0] in own else f"not a parameter of {arguments.name}"
        raise UserError(f"--{wrong[0]}: {state}; {arguments.name} has {', '.join(own)}")
    return {name: given[name] for name in own}


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `training`."""
    training = parser.add_argument_group("training")
    training.add_argument("--loss", required=True, choices=list(LOSSES), help="the loss, by Keras's name")
    training.add_argument("--epochs", required=True, type=positive_integer, metavar="N", help="number of epochs")
