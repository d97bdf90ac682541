"""What the command lines of the steps share: the types of options, and errors reported in one line."""

import argparse
import gc
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from carryover.job.errors import UserError


class ArgumentParser(argparse.ArgumentParser):
    """An argparse parser that reports an error in one line and takes no abbreviated options."""

    def __init__(self, description: str | None, **others: Any) -> None:
        super().__init__(description=description, allow_abbrev=False, **others)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self.prog}: {message} (see --help)\n")


def positive_integer(text: str) -> int:
    """Convert an option that counts something."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def count_or_all(text: str) -> int | None:
    """Convert an option that counts something; None stands for `all`."""
    return None if text == "all" else positive_integer(text)


def whole_number(text: str) -> int:
    """Convert an option that counts something and may be 0."""
    return 0 if text == "0" else positive_integer(text)


def seed(text: str) -> int:
    """Convert an option that seeds a random generator."""
    if not text.isascii() or not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def finite_number(text: str) -> float:
    """Convert an option that measures something."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return number


@contextmanager
def errors_in_one_line(where: str = "", status: int = 1) -> Iterator[None]:
    """Report an error of the user or the machine in one line, and end the program.

    Args:
        where: what to put before a message that does not name the place itself.
        status: the exit status after an error.
    """
    try:
        yield
        sys.stdout.flush()  # a pipe that is closed shows only here if the output is short
        return
    except UserError as error:
        message = f"{where}{error}"
    except MemoryError as error:
        message = f"{where}not enough memory: {error or 'choose smaller parameters'}"
    except BrokenPipeError:
        # Whoever reads the output, `head` for example, has seen enough; without this, the exit would report it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        message = f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    except KeyboardInterrupt:
        message, status = "interrupted", 128 + signal.SIGINT
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def run(step: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line, and run a step with it."""
    arguments = parser.parse_args()
    with errors_in_one_line():
        step(arguments)
    # The interpreter does not search frozen objects for garbage when it exits; with TensorFlow that takes a second.
    gc.freeze()
