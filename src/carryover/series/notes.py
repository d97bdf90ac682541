"""<data>/<source>_notes.json: what make_dataset did with the series, and what is suspicious in it."""

import json
from pathlib import Path
from typing import NamedTuple

from carryover.job.errors import UserError
from carryover.job.files import write_json
from carryover.series.dataset import REMEDY


class Notes(NamedTuple):
    """What make_dataset did with the samples of a series.

    Attributes:
        samples: how many there are.
        trained_on: how many are in the training part.
        held_out: how many are in the held-out part.
        left_over: how many of the oldest are in neither part.
        not_forecast: how many of the last held-out ones do not fill a window.
        warnings: the result of checks.warnings.
    """

    samples: int
    trained_on: int
    held_out: int
    left_over: int
    not_forecast: int
    warnings: list[str]

    @property
    def in_words(self) -> str:
        """Say where the samples went.

        >>> Notes(99, 60, 32, 7, 2, []).in_words
        '99 samples: 60 to train on, 32 held out (the last 2 are not forecast: no full window), the oldest 7 left over'
        """
        partial = f" (the last {self.not_forecast:,} are not forecast: no full window)"
        return (
            f"{self.samples:,} samples: {self.trained_on:,} to train on, {self.held_out:,} held out"
            f"{partial if self.not_forecast else ''}"
            f"{f', the oldest {self.left_over:,} left over' if self.left_over else ''}"
        )


def write_notes(path: Path, notes: Notes) -> None:
    """Write the notes as JSON."""
    write_json(path, notes._asdict())


def read_notes(path: Path) -> Notes:
    """Read a file that write_notes wrote.

    Raises:
        UserError: if the file has another form.
        OSError: if it is missing or cannot be read.
    """
    try:
        return Notes(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise UserError(f"{path}: not the notes of make_dataset; {REMEDY}") from None
