"""<data>/<source>_notes.json: what make_dataset did with the series, and what is suspicious in it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from carryover.job.errors import UserError
from carryover.job.files import write_json
from carryover.series.dataset import REMEDY
from carryover.series.rows import Rows
from carryover.series.sequences import Sequences
from carryover.series.times import have_steps, step_of


class Span(NamedTuple):
    """From when to when the targets of a series are.

    Attributes:
        first, last: the times, by ISO 8601.
        step: how far apart successive ones are, in words.
        regular: whether it is always the same step.
    """

    first: str
    last: str
    step: str
    regular: bool

    @classmethod
    def of(cls, rows: Rows) -> "Span | None":
        """Return the span of the times of a series; None if no sequence has two."""
        if not have_steps(rows.times, rows.sequences):
            return None
        first, last = np.datetime_as_string([rows.times.min(), rows.times.max()], unit="auto")
        return cls(str(first), str(last), *step_of(rows.times, rows.sequences))


class Notes(NamedTuple):
    """What make_dataset did with the samples of a series.

    Attributes:
        samples: how many there are.
        trained_on: how many are in the training part.
        held_out: how many are in the held-out part.
        left_over: how many of the oldest are in neither part; of sequences, the oldest of the longer ones.
        not_forecast: how many of the last held-out ones do not fill a window.
        without_target: how many rows after these, or of each sequence, have no target, because it is so many rows
            ahead.
        filled: how many missing values of each column have been filled in; nothing of columns without.
        times: from when to when the targets are; None if that is not known.
        warnings: the result of checks.warnings.
        sequences: those of the series; None if it is a single one.
    """

    samples: int
    trained_on: int
    held_out: int
    left_over: int
    not_forecast: int
    without_target: int
    filled: dict[str, int]
    times: Span | None
    warnings: list[str]
    sequences: Sequences | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the notes as values of JSON; from_json makes them notes again. A single sequence is not mentioned."""
        values = self._asdict() | {"times": self.times._asdict() if self.times else None}
        sequences = values.pop("sequences")
        return values | ({"sequences": sequences._asdict()} if sequences else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Notes":
        """Return the notes that as_json has turned into JSON."""
        times, sequences = values["times"], values.get("sequences")
        of_times = {"times": Span(**times) if times else None}
        return cls(**values | of_times | {"sequences": Sequences(**sequences) if sequences else None})

    @property
    def samples_per_sequence(self) -> int | None:
        """The samples of each independent sequence; None if the series is a single one."""
        return self.sequences.samples if self.sequences else None

    @property
    def in_words(self) -> str:
        """Say where the samples went.

        >>> Notes(99, 60, 32, 7, 2, 0, {}, None, []).in_words
        '99 samples: 60 to train on, 32 held out (the last 2 are not forecast: no full window), the oldest 7 left over'
        """
        oldest = "" if self.sequences else "the oldest "
        partial = f" (the last {self.not_forecast:,} are not forecast: no full window)"
        parts = [
            f"{self.samples:,} samples: {self.trained_on:,} to train on, {self.held_out:,} held out"
            f"{partial if self.not_forecast else ''}"
            f"{f', {oldest}{self.left_over:,} left over' if self.left_over else ''}"
        ]
        if self.sequences:
            parts.append(self.sequences.in_words)
        if self.without_target:
            many, whose = self.without_target > 1, " of each sequence" if self.sequences else ""
            ahead, last = (f"{self.without_target:,} rows", "rows{} have") if many else ("1 row", "row{} has")
            parts.append(f"the target is {ahead} ahead, so the last {last.format(whose)} none")
        if self.times:
            parts.append(f"the targets are from {self.times.first} to {self.times.last}, {self.times.step} apart")
        if self.filled:
            counts = ", ".join(f"{count:,} of {name!r}" for name, count in self.filled.items())
            parts.append(f"missing values filled in: {counts}")
        return "; ".join(parts)


def write_notes(path: Path, notes: Notes) -> None:
    """Write the notes as JSON."""
    write_json(path, notes.as_json())


def read_notes(path: Path) -> Notes:
    """Read a file that write_notes wrote.

    Raises:
        UserError: if the file has another form.
        OSError: if it is missing or cannot be read.
    """
    try:
        return Notes.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path}: not the notes of make_dataset; {REMEDY}") from None
