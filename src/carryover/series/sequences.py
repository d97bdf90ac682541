"""Independent sequences in one series, such as machines or patients: where they begin, and equal ones of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carryover.job.errors import UserError


class Sequences(NamedTuple):
    """How many sequences a series has, of equal length after they have been cut.

    Attributes:
        samples: of each sequence.
        trained_on: how many sequences are in the training part.
        held_out: how many sequences are in the held-out part.
        left_over: how many of the first sequences are in neither, because they do not fill a batch.
    """

    samples: int
    trained_on: int
    held_out: int
    left_over: int

    @property
    def in_words(self) -> str:
        """Say where the sequences went.

        >>> Sequences(240, 8, 3, 1).in_words
        'the newest 240 samples of each sequence: 8 sequences to train on, 3 held out, the first 1 left over'
        """
        return (
            f"the newest {self.samples:,} samples of each sequence: {self.trained_on:,} sequences to train on, "
            f"{self.held_out:,} held out{f', the first {self.left_over:,} left over' if self.left_over else ''}"
        )


def lengths_of(ids: Sequence[str], lines: NDArray[np.int64]) -> dict[str, int]:
    """Return how many rows each sequence has, by its id, in the order of the rows.

    >>> lengths_of(["a", "a", "b"], np.array([2, 3, 4]))
    {'a': 2, 'b': 1}

    Args:
        ids: the sequence of each row.
        lines: the number of each row's line in the file, for messages.

    Raises:
        UserError: if a row has no sequence, or if the rows of a sequence are not together.
    """
    lengths: dict[str, int] = {}
    for row, name in enumerate(ids):
        if not name:
            raise UserError(f"line {lines[row]}: it is not said which sequence the row is of; fill in the cell")
        if name in lengths and ids[row - 1] != name:
            last = max(before for before in range(row) if ids[before] == name)
            raise UserError(
                f"line {lines[row]}: the sequence {name!r} comes back after line {lines[last]}; put the rows of a "
                "sequence together (dataset.sequence)"
            )
        lengths[name] = lengths.get(name, 0) + 1
    return lengths


def rows_of_each(lengths: Mapping[str, int], rows: int) -> list[slice]:
    """Return the rows of each sequence; without sequences, all rows.

    >>> rows_of_each({"a": 2, "b": 1}, 3), rows_of_each({}, 3)
    ([slice(0, 2, None), slice(2, 3, None)], [slice(0, 3, None)])
    """
    ends = np.cumsum([*lengths.values()] or [rows]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def goes_on(lengths: Mapping[str, int], rows: int) -> NDArray[np.bool_]:
    """Return for each row but the first whether it is of the same sequence as the row before it.

    >>> goes_on({"a": 2, "b": 1}, 3).tolist(), goes_on({}, 3).tolist()
    ([True, False], [True, True])
    """
    result = np.ones(max(rows - 1, 0), bool)
    result[[one.start - 1 for one in rows_of_each(lengths, rows)[1:]]] = False
    return result


def equal_sequences(
    lengths: Mapping[str, int], held_out: float, time_steps: int, batch_size: int
) -> tuple[NDArray[np.intp], Sequences]:
    """Cut sequences to the whole windows of the shortest one, and as many of them as fill whole batches.

    Args:
        lengths: how many rows each sequence has, by its id.
        held_out: which share of the sequences is held out, 0 for none; they are the last ones.
        time_steps: samples per window.
        batch_size: windows per batch: in interleaved batches, so many sequences go side by side.

    Returns:
        The rows that are kept, which are the newest of each sequence, and how many sequences they make.

    Raises:
        UserError: if the shortest sequence has no window, if half of all rows would be cut off, or if too few sequences
            are left to train on.
    """
    shortest, rows = min(lengths.items(), key=lambda item: item[1])
    samples = rows - rows % time_steps
    total = sum(lengths.values())
    if not samples:
        raise UserError(
            f"the sequence {shortest!r} has {rows} rows, fewer than one window of {time_steps}; leave it out, or lower "
            "model.time_steps"
        )
    if 2 * samples * len(lengths) < total:
        raise UserError(
            f"the sequence {shortest!r} has only {rows} rows, and the others would be cut to its length: "
            f"{total - samples * len(lengths)} of {total} rows would be left over; leave out short sequences"
        )
    last = max(1, round(held_out * len(lengths))) if held_out else 0
    first = len(lengths) - last
    if first < batch_size:
        fits = f"set model.batch_size to {first} or less, " if first else ""
        raise UserError(
            f"{len(lengths)} sequences, {last} of them held out, leave {first} to train on, fewer than "
            f"model.batch_size {batch_size}; {fits}lower dataset.held_out, or add sequences"
        )
    ends = np.cumsum([*lengths.values()])[first % batch_size :]
    kept = (ends[:, None] + np.arange(-samples, 0)).ravel()
    return kept, Sequences(samples, first - first % batch_size, last, first % batch_size)
