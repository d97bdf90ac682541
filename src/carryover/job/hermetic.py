"""`hermetic python SCRIPT ...`: run Python in an environment that owes nothing to the caller.

A prefix like `env -i` or `nice`. It clears the environment but for PASSED_ON, sets what the numerics need, gives
Keras and matplotlib the configuration that the project pins, and becomes `python -I -B SCRIPT ...`: isolated, without
PYTHON* variables, user site and script folder on the path, and without writing bytecode beside the library's modules.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from carryover.job.portable import ENVIRONMENT

HOME = Path(__file__).parents[1] / "home"
"""The home folder of every job: the committed configuration of Keras and matplotlib, only ever read."""

PASSED_ON = ("TMPDIR",)
"""What is taken over from the caller: where temporary files go."""


def environment(caller: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a job.

    Args:
        caller: the environment of whoever starts the job; all but PASSED_ON is dropped.
    """
    return {name: caller[name] for name in PASSED_ON if name in caller} | {
        "HOME": str(HOME),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # matplotlib's list of fonts, which has no say in what is drawn: the project uses matplotlib's own font.
        "XDG_CACHE_HOME": str(Path(sys.prefix) / "cache"),
        "MPLBACKEND": "agg",
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **ENVIRONMENT,
    }


def command(arguments: list[str]) -> list[str]:
    """The command that is run for `hermetic ARGUMENTS`.

    >>> command(["python", "step.py", "--epochs", "70"])[1:]
    ['-I', '-B', 'step.py', '--epochs', '70']

    Raises:
        ValueError: if the arguments are not `python` and something for it to run.
    """
    match arguments:
        case ["python", _, *_]:
            return [sys.executable, "-I", "-B", *arguments[1:]]
    raise ValueError(f"usage: hermetic python SCRIPT [ARGUMENT ...] (got: {' '.join(arguments) or 'nothing'})")


def main() -> None:
    """Become the job. The process is replaced, so that signals and the exit status are the job's own."""
    try:
        job = command(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    os.execve(job[0], job, environment(os.environ))
