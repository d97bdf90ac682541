"""What the steps' command lines share: one line for every mistake, and the options that several steps have."""

import argparse
import gc
import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from carryover.errors import UserError
from carryover.network import GATES, Network
from carryover.optimizers import OPTIMIZERS


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, with mistakes told in one line and no abbreviated options."""

    def __init__(self, description: str | None, **others: Any) -> None:
        super().__init__(description=description, allow_abbrev=False, **others)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self.prog}: {message} (see --help)\n")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each key of `model` in params.yaml."""
    model = parser.add_argument_group("model")
    model.add_argument("--cell", required=True, choices=list(GATES), help="kind of recurrent layer")
    model.add_argument("--units", required=True, type=positive_integer, nargs="+", metavar="N", help="per layer")
    activations = ["tanh", "relu", "sigmoid", "linear"]
    model.add_argument("--activation", required=True, choices=activations, help="of what a cell puts out")
    activations = ["hard_sigmoid_2017", "hard_sigmoid", "sigmoid"]
    model.add_argument("--recurrent_activation", required=True, choices=activations, help="activation of the gates")
    model.add_argument("--time_steps", required=True, type=positive_integer, metavar="N", help="steps per window")
    model.add_argument("--batch_size", required=True, type=positive_integer, metavar="N", help="windows per batch")
    model.add_argument(
        "--initial_weights",
        required=True,
        metavar="NPZ",
        help="where the initial weights come from, or 'random'",
    )
    model.add_argument("--seed", required=True, type=seed, metavar="N", help="of Keras's random generators")


def network(arguments: argparse.Namespace, inputs: int) -> Network:
    """The network that the options of add_model_arguments describe, for a series of so many inputs."""
    return Network(arguments.units, arguments.recurrent_activation, arguments.cell, arguments.activation, inputs)


def add_optimizer_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each key that `optimizer` in params.yaml may have; optimizer_parameters checks them."""
    optimizer = parser.add_argument_group("optimizer")
    optimizer.add_argument("--name", required=True, choices=list(OPTIMIZERS), help="of the optimizer")
    for name in dict.fromkeys(name for names in OPTIMIZERS.values() for name in names):
        others = ", ".join(optimizer for optimizer, names in OPTIMIZERS.items() if name in names)
        optimizer.add_argument(f"--{name}", type=finite_number, help=f"of {others}")


def optimizer_parameters(arguments: argparse.Namespace) -> dict[str, float]:
    """The parameters of the optimizer, by name.

    Raises:
        UserError: where one is missing, or is another optimizer's.
    """
    own = OPTIMIZERS[arguments.name]
    every = {name for names in OPTIMIZERS.values() for name in names}
    given = {name: value for name in every if (value := getattr(arguments, name)) is not None}
    if wrong := sorted(given.keys() ^ set(own)):
        state = "missing" if wrong[0] in own else f"not a parameter of {arguments.name}"
        raise UserError(f"--{wrong[0]}: {state}; it has {', '.join(own)}")
    return {name: given[name] for name in own}


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each key of `training` in params.yaml."""
    training = parser.add_argument_group("training")
    losses = ["mse", "mae", "huber"]
    training.add_argument("--loss", required=True, choices=losses, help="mean squared, mean absolute, or Huber's")
    training.add_argument("--epochs", required=True, type=positive_integer, metavar="N")


def add_series_arguments(parser: argparse.ArgumentParser) -> None:
    """The options for the keys of `dataset` in params.yaml that say what a series is, but for its seed."""
    dataset = parser.add_argument_group("dataset")
    dataset.add_argument("--source", required=True, metavar="NAME", help="noisy_sine, or the name of a CSV file")
    dataset.add_argument("--samples", required=True, type=count_or_all, metavar="N", help="how many to train on")
    dataset.add_argument("--step", required=True, type=finite_number, help="between two samples, in radians")
    dataset.add_argument("--noise", required=True, type=finite_number, help="standard deviation of the noise")


def noisy_sine_samples(arguments: argparse.Namespace) -> int:
    """How many samples of the noisy sine the options of add_series_arguments ask for.

    Raises:
        UserError: where they ask for all, of which there is no end.
    """
    if arguments.samples is None:
        raise UserError("--samples: all is for a CSV file; the noisy sine has as many as you say")
    samples: int = arguments.samples
    return samples


def add_figure_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every step has that draws a figure."""
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--svg", required=True, type=Path, help="the figure, to write")
    parser.add_argument("--png", required=True, type=Path, help="the figure, to write")


def positive_integer(text: str) -> int:
    """The type of options that count something."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def count_or_all(text: str) -> int | None:
    """The type of options that count something; None for `all`."""
    return None if text == "all" else positive_integer(text)


def whole_number(text: str) -> int:
    """The type of options that count something of which there may be none."""
    return 0 if text == "0" else positive_integer(text)


def seed(text: str) -> int:
    """The type of options that seed a random generator."""
    if not text.isascii() or not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def finite_number(text: str) -> float:
    """The type of options that measure something."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return number


@contextmanager
def mistakes_in_one_line(where: str = "", status: int = 1) -> Iterator[None]:
    """Within this, a mistake of the user's or of the machine's ends the program with one line.

    Args:
        where: put before the message, if it does not say where itself.
        status: the exit status then.
    """
    try:
        yield
        return
    except UserError as error:
        message = f"{where}{error}"
    except MemoryError as error:
        message = f"{where}not enough memory: {error or 'choose smaller parameters'}"
    except OSError as error:
        message = f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    except KeyboardInterrupt:
        message, status = "interrupted", 128 + signal.SIGINT
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def run(step: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Run a step on its command line."""
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        step(arguments)
    # What is frozen is not searched for garbage at the interpreter's exit; with TensorFlow that takes a second.
    gc.freeze()
