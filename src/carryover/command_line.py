"""What the steps' command lines share: one line for every mistake, and files that are whole or absent."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from carryover.errors import UserError


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, with mistakes told in one line and no abbreviated options."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self.prog}: {message} (see --help)\n")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each key of `model` in params.yaml."""
    model = parser.add_argument_group("model")
    model.add_argument("--cell", required=True, choices=["lstm"], help="kind of recurrent layer")
    model.add_argument("--units", required=True, type=positive_integer, nargs="+", metavar="N", help="per layer")
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
    model.add_argument("--seed", required=True, type=int, metavar="N", help="of Keras's random generators")


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


@contextmanager
def mistakes_in_one_line(where: str = "") -> Iterator[None]:
    """Within this, a mistake of the user's or of the machine's ends the program with one line and exit status 1.

    Args:
        where: put before the message, if it does not say where itself.
    """
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {where}{error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {place}{error.strerror or error}")


def run(step: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Run a step on its command line."""
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        step(arguments)
    # What is frozen is not searched for garbage at the interpreter's exit; with TensorFlow that takes a second.
    gc.freeze()


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that appears under its name only when it is whole; a failed write leaves what was there before.

    Args:
        path: the file; missing parent folders are made.
        mode: "w" for UTF-8 text with Unix line ends, "wb" for bytes.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open(mode, **text) as file:  # type: ignore[call-overload]
            yield file
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
