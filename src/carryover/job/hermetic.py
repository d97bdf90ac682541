"""`hermetic python SCRIPT ...`: run Python in an environment that does not depend on the caller's.

It is a prefix like `env -i` or `nice`. It clears the environment except for PASSED_ON, sets what the numerics need, and
gives Keras and matplotlib the configuration that the project pins. Then it becomes `python -I -B SCRIPT ...`, which
ignores PYTHON* variables, the user's site-packages and the script's folder, and writes no bytecode beside the library.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from carryover.job.portable import ENVIRONMENT

HOME = Path(__file__).parents[1] / "home"
"""The home folder of every job. It has the committed configuration of Keras and matplotlib, and no job writes to it."""

PASSED_ON = ("TMPDIR",)
"""The variables that a job takes over from the caller: where temporary files go."""


def environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a job.

    Args:
        caller: the environment of the process that starts the job; all but PASSED_ON is dropped.
    """
    return {name: caller[name] for name in PASSED_ON if name in caller} | {
        "HOME": str(HOME),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # For matplotlib's list of fonts. It does not affect the figures: the project uses matplotlib's own font.
        "XDG_CACHE_HOME": str(Path(sys.prefix) / "cache"),
        "MPLBACKEND": "agg",
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **ENVIRONMENT,
    }


def command(arguments: list[str]) -> list[str]:
    """Return the command that `hermetic ARGUMENTS` runs.

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
    """Replace this process by the job, so that signals and the exit status are the job's own."""
    try:
        job = command(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    os.execve(job[0], job, environment(os.environ))
