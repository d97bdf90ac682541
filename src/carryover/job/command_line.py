"""What the command lines of the steps share: their types, and one line for every mistake."""

import argparse
import gc
import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from carryover.job.errors import UserError


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, with mistakes told in one line and no abbreviated options."""

    def __init__(self, description: str | None, **others: Any) -> None:
        super().__init__(description=description, allow_abbrev=False, **others)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self.prog}: {message} (see --help)\n")


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
