"""The options of a network and its training on a command line: the keys of `model`, `optimizer` and `training`."""

import argparse

from carryover.job.command_line import finite_number, positive_integer, seed
from carryover.job.errors import UserError
from carryover.job.own_files import find
from carryover.series.windows import TARGETS
from carryover.training.network import ACTIVATIONS, GATES, RECURRENT_ACTIVATIONS, STACKED, Network, OwnNetwork
from carryover.training.optimizers import OPTIMIZERS

LOSSES = {"mse": "mean squared error", "mae": "mean absolute error", "huber": "Huber's loss"}
"""Keras's names of the mean squared error, the mean absolute error, and Huber's loss with delta = 1."""


OF_THE_CASE = "optimizer."
"""What the options of a case's own optimizer begin with: the keys of its section within the case."""


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `model`. A case may have its own cell and units, after those of the run."""
    model = parser.add_argument_group("model")
    model.add_argument("--build", required=True, metavar="PY", help="the file that builds the network")
    model.add_argument("--cell", required=True, action="append", choices=list(GATES), help="kind of recurrent layer")
    model.add_argument(
        "--units",
        required=True,
        action="append",
        type=positive_integer,
        nargs="+",
        metavar="N",
        help="units per layer",
    )
    model.add_argument("--activation", required=True, choices=ACTIVATIONS, help="of a cell's output")
    model.add_argument("--recurrent_activation", required=True, choices=RECURRENT_ACTIVATIONS, help="of the gates")
    model.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    model.add_argument("--targets", required=True, choices=TARGETS, help="steps of a window to learn")
    model.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    model.add_argument("--initial_weights", required=True, metavar="NPZ", help="a file, or 'random'")
    model.add_argument("--seed", required=True, type=seed, metavar="N", help="seed of the random weights")


def network_of(arguments: argparse.Namespace, inputs: int, of_the_case: bool = False) -> Network | OwnNetwork:
    """Return the network that the options of add_model_arguments describe.

    Args:
        arguments: the options.
        inputs: how many the series has.
        of_the_case: whether to take the cell and the units of the case, if it has its own.
    """
    if arguments.build != STACKED:
        batch_shape = arguments.batch_size, arguments.time_steps, inputs
        return OwnNetwork(str(find(arguments.build)), batch_shape, arguments.targets)
    cell, units = (given[-1 if of_the_case else 0] for given in (arguments.cell, arguments.units))
    gates, activation = arguments.recurrent_activation, arguments.activation
    return Network(units, gates, cell, activation, inputs, arguments.targets)


def add_optimizer_arguments(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """Add one option for each key that `optimizer` may have; optimizer_of checks them.

    Args:
        parser: to which the options are added.
        prefix: with which they begin: "" for that of the run, OF_THE_CASE for one that a case may have of its own.
    """
    optimizer = parser.add_argument_group("optimizer of the case" if prefix else "optimizer")
    optimizer.add_argument(
        f"--{prefix}name", required=not prefix, choices=list(OPTIMIZERS), help="name of the optimizer"
    )
    for name in dict.fromkeys(name for names in OPTIMIZERS.values() for name in names):
        others = ", ".join(optimizer for optimizer, names in OPTIMIZERS.items() if name in names)
        optimizer.add_argument(f"--{prefix}{name}", type=finite_number, help=f"for {others}")


def optimizer_of(arguments: argparse.Namespace) -> tuple[str, dict[str, float]]:
    """Return the name of the optimizer and its parameters by name: of the case's own, or else of the run's.

    Raises:
        UserError: if a parameter is missing, or belongs to another optimizer.
    """
    prefix = OF_THE_CASE if getattr(arguments, f"{OF_THE_CASE}name", None) else ""
    optimizer = getattr(arguments, f"{prefix}name")
    own = OPTIMIZERS[optimizer]
    every = {name for names in OPTIMIZERS.values() for name in names}
    given = {name: value for name in every if (value := getattr(arguments, f"{prefix}{name}")) is not None}
    if wrong := sorted(given.keys() ^ set(own)):
        state = "missing" if wrong[0] in own else f"not a parameter of {optimizer}"
        raise UserError(f"--{prefix}{wrong[0]}: {state}; {optimizer} has {', '.join(own)}")
    return optimizer, {name: given[name] for name in own}


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each key of `training`."""
    training = parser.add_argument_group("training")
    training.add_argument("--loss", required=True, choices=list(LOSSES), help="the loss, by Keras's name")
    training.add_argument("--epochs", required=True, type=positive_integer, metavar="N", help="number of epochs")
