"""What has been found in a file, in words."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from carryover.new.choice import Learnt, Settings
from carryover.new.numbers import Column, changes_rarely
from carryover.new.times import Times
from carryover.new.yaml_text import as_value
from carryover.series.cells import quoted
from carryover.series.csv_format import CsvFormat

MOST = 12
"""How many columns are described; of the others, only their number is told."""


def describe(rows: int, times: Times | None, learnt: Learnt, settings: Settings) -> Iterator[str]:
    """Yield what has been found in a file, a line each.

    Args:
        rows: how many it has.
        times, learnt: what has been found.
        settings: the parameters that are not as in params.yaml.
    """
    yield f"{rows:,} rows, {_when(times)}"
    dataset = settings["dataset"]
    if form := [f"{key}: {as_value(dataset[key].value)}" for key in CsvFormat._fields if key in dataset]:
        yield f"read with {', '.join(form)}"
    yield from _first([f"{quoted(name)}: {_column(column)}" for name, column in learnt.columns.items()], "columns")
    others = [f"not used: {_name(name)}: {reason}" for name, reason in learnt.others.items()]
    yield from _first(others, "columns are not used")
    if times and times.problem:
        yield f"not used: the times in {' and '.join(map(quoted, times.columns))}: {times.problem}"
    yield from _assumed(times, learnt)


def _when(times: Times | None) -> str:
    if times is None or times.problem:
        return "without times, taken to be in order"
    step = f", {times.step.words} apart" if times.step else ""
    absent = times.step.absent if times.step else times.times[:0]
    without = f", {len(absent):,} absent, such as {_written(absent[:1])[0]}" if len(absent) else ""
    first, last = _written(times.times[[0, -1]])
    return f"{first} to {last}{step}{without}"


def _written(times: pd.DatetimeIndex) -> list[str]:
    """Write times as short as they are."""
    texts: list[str] = np.datetime_as_string(times, unit="s").tolist()
    return [text.replace("T", " ").removesuffix(":00").removesuffix(" 00:00") for text in texts]


def _column(column: Column) -> str:
    span = f"{np.nanmin(column.values):.6g} to {np.nanmax(column.values):.6g}"
    gaps = ", ".join(quoted(str(gap)) if gap != "" else "empty" for gap in column.gaps)
    return f"{span}, {sum(column.gaps.values()):,} missing ({gaps})" if gaps else span


def _name(name: str) -> str:
    return quoted(name) if name else "a column without a name"


def _assumed(times: Times | None, learnt: Learnt) -> Iterator[str]:
    if times and not times.times.is_monotonic_increasing:
        yield "assumed: the file has one series; if several are below each other, name their column in dataset.sequence"
    if times is None or times.problem:
        for name, column in learnt.columns.items():
            if changes_rarely(column.values):
                yield f"odd: {quoted(name)} changes rarely; if it tells sequences apart, set dataset.sequence to it"
    for gap in sorted(
        {gap for column in learnt.columns.values() for gap in column.gaps if isinstance(gap, int | float)}
    ):
        yield f"assumed: {gap} means a missing value, since it is far from all others"
    if learnt.assumed:
        last = "the last column of numbers that can be learnt" if learnt.others else "the last column of numbers"
        yield f"assumed: the target is {quoted(learnt.target)}, {last}; choose another by --target"


def _first(lines: list[str], what: str) -> Iterator[str]:
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"{len(lines) - MOST:,} more {what}"
