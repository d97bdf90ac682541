"""Choosing the columns to learn and the parameters of a run that fits them, each with the reason."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.job.errors import UserError, hint
from carryover.job.yaml_file import Params
from carryover.new.numbers import Column, Numbers
from carryover.new.table import Table
from carryover.new.times import Times
from carryover.params.check import problem_of_name
from carryover.series.cells import quoted
from carryover.series.checks import check_resolution
from carryover.series.csv_format import ISO

HELD_OUT, HORIZON = 0.2, 1

FEWEST_BATCHES, SMALLEST_BATCH = 10, 2
"""How many batches an epoch must have at least, so that states are carried often; and how many windows a batch, so that
contiguous and interleaved batches are not the same."""

USUAL_BATCH, MANY_BATCHES = 32, 256
"""How many windows a batch has if there are enough, and from how many batches on it has more."""

USUAL_WINDOW, LONGEST_WINDOW, FEWEST_WINDOWS = 16, 48, 80
"""How many rows a window has, unless a season is no longer than the second; and how many windows there are at least."""

REPLICATES = 16
"""How many seeds to train; six trainings need ten to be told apart."""

SEASONS = 3
"""How many seasons there must be at least for one to be used."""


class Setting(NamedTuple):
    """The value of a parameter, and what a reader should know about it."""

    value: Any
    reason: str = ""


Settings = dict[str, dict[str, Setting]]
"""Parameters by section and key."""


class Learnt(NamedTuple):
    """What is learnt.

    Attributes:
        columns: the inputs, of which one is the target.
        target: its name.
        assumed: whether it has been chosen among others.
        others: why the other columns are not learnt.
    """

    columns: dict[str, Column]
    target: str
    assumed: bool
    others: dict[str, str]


def check_rows(rows: int) -> None:
    """Check that there are enough rows to train on.

    Raises:
        UserError: if there are not.
    """
    left, fewest = _rows_to_train_on(rows - HORIZON), FEWEST_BATCHES * SMALLEST_BATCH
    if left < fewest:
        raise UserError(
            f"{rows} rows are too few: {left} are left to train on, since the last fifth is held out, and "
            f"{FEWEST_BATCHES} batches of {SMALLEST_BATCH} need {fewest}; add rows"
        )


def what_to_learn(numbers: Numbers, times: Times | None, target: str | None) -> Learnt:
    """Choose the columns: all that can be learnt, and as the target the last one if none is named.

    Raises:
        UserError: if there is no column, or not the target.
    """
    time = times.columns if times else []
    others = {name: reason for name, reason in numbers.others.items() if name not in time}
    columns = {}
    for name, column in numbers.columns.items():
        if name in time:
            continue
        newest_first = times is not None and times.order == "newest_first"
        values = column.values[::-1] if newest_first else column.values
        if obstacle := _obstacle(name, values, column.gaps):
            others[name] = obstacle
        else:
            columns[name] = column
    if target in others or target in time:
        reason = others.get(str(target), "it has the times")
        raise UserError(f"--target: {target!r} cannot be learnt: {reason}")
    if not columns:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in others.items())
        raise UserError(f"it has no column that can be learnt ({reasons})")
    if target is not None and target not in columns:
        raise UserError(f"--target: there is no column {target!r}{hint(target, columns, repr)}")
    assumed = target is None and len(set(numbers.columns) - set(time)) > 1
    return Learnt(columns, target or list(columns)[-1], assumed, others)


def _obstacle(name: str, values: NDArray[np.float64], gaps: Iterable[str | float]) -> str | None:
    """Say why a column cannot be learnt. The values are in the order of time; gaps stand for missing ones."""
    if problem := problem_of_name(name):
        return f"its name {problem}; rename it"
    if marks := [gap for gap in gaps if isinstance(gap, str) and problem_of_name(gap)]:
        return f"{quoted(marks[0])} stands for missing values, and it {problem_of_name(marks[0])}; empty these cells"
    steps = np.diff(values)
    if steps.min() > 0 and steps.max() < 2 * steps.min():
        return "it grows evenly, as the number of a row or a time does"
    if missing := int(np.isfinite(values).argmax()):
        which = "the first value is" if missing == 1 else f"the first {missing:,} values are"
        return f"{which} missing, with none before to fill in; delete these rows to use it"
    training = np.asarray(pd.Series(values[: _rows_to_train_on(len(values))]).ffill(), np.float64)
    if training.min() == training.max():
        return f"it is {training[0]:g} throughout the part to train on"
    try:
        check_resolution(training[:, None], [name])
    except UserError as error:
        return str(error).removeprefix(f"column {name!r} ")
    return None


def choose(source: str, folder: str, table: Table, numbers: Numbers, times: Times | None, learnt: Learnt) -> Settings:
    """Choose the parameters.

    Args:
        source: the name of the series.
        folder: where the results are written.
        table, numbers, times, learnt: what has been found in the file.
    """
    rows = _rows_to_train_on(len(table.cells) - HORIZON)
    time_steps, window = _time_steps(times, rows)
    windows = rows // time_steps
    batch_size = _batch_size(windows)
    return {
        "dataset": {
            "source": Setting(source),
            "samples": Setting("all", "Train on as many full batches as there are before the held-out part."),
            "held_out": Setting(HELD_OUT, "The last fifth of the rows is only for testing the networks."),
            **_what(learnt, times),
            **_season(times, rows),
            "standardize": Setting(True, "Networks learn best from numbers near 0."),
            **_form(table, numbers, times, learnt),
        },
        "model": {
            "units": Setting([16], "One layer of 16 units."),
            "recurrent_activation": Setting("sigmoid", "As usual in Keras 3."),
            "batch_size": Setting(
                batch_size,
                f"{rows:,} rows to train on make {windows // batch_size:,} batches.",
            ),
            "time_steps": Setting(time_steps, window),
            "targets": Setting(
                "window_end" if time_steps == 1 else "every_step",
                "Every row is learnt. Gradients reach back to the start of its window, states beyond.",
            ),
            "initial_weights": Setting("random", "Each seed draws its own."),
        },
        "optimizer": {
            "name": Setting("adam"),
            "learning_rate": Setting(0.005, "Lower it if the losses jump, raise it if they hardly fall."),
            "beta_1": Setting(0.9),
            "beta_2": Setting(0.999),
            "epsilon": Setting(1e-7),
        },
        "training": {"epochs": Setting(30, "Raise it if the verdict says that the losses were still falling.")},
        "replicates": {
            "count": Setting(REPLICATES, "With more seeds, the verdict can tell smaller differences."),
            "shard_size": Setting(REPLICATES // 2),
        },
        "folders": {"data": Setting(f"{folder}/data"), "results": Setting(f"{folder}/results")},
    }


def _rows_to_train_on(rows: int) -> int:
    """Return how many rows of the file are left without the held-out part."""
    return rows - round(HELD_OUT * rows)


def _time_steps(times: Times | None, rows: int) -> tuple[int, str]:
    """Return how many rows a window has, and what that is: a season if it is short and there are enough rows."""
    season, name = times.step.season if times and times.step else (0, "")
    steps = season if 1 < season <= LONGEST_WINDOW else USUAL_WINDOW
    while steps > 1 and rows // steps < FEWEST_WINDOWS:
        steps //= 2
    return steps, f"A window is a {name}." if steps == season else "So many rows are a window."


def _batch_size(windows: int) -> int:
    """Return a power of two.

    >>> [_batch_size(windows) for windows in (20, 115, 1168, 7006, 336_000)]
    [2, 8, 32, 32, 1024]
    """
    size = max(USUAL_BATCH, windows // MANY_BATCHES)
    return int(2 ** math.floor(math.log2(min(size, windows // FEWEST_BATCHES))))


def _what(learnt: Learnt, times: Times | None) -> dict[str, Setting]:
    others = "All columns of numbers; remove those that do not help." if len(learnt.columns) > 1 else ""
    step = f" ({times.step.words})" if times and times.step else ""
    return {
        "inputs": Setting(list(learnt.columns), others),
        "target": Setting(learnt.target),
        "horizon": Setting(HORIZON, f"The target is forecast so many rows{step} ahead of the inputs."),
    }


def _season(times: Times | None, windows: int) -> dict[str, Setting]:
    rows, name = times.step.season if times and times.step else (0, "")
    if not 0 < rows * SEASONS <= windows:
        return {"season": Setting(0)}
    reason = f"So many rows are a {name}. Forecasts are also compared with the value a {name} before."
    return {"season": Setting(rows, reason)}


def _form(table: Table, numbers: Numbers, times: Times | None, learnt: Learnt) -> dict[str, Setting]:
    """Return the keys of `dataset` that say how the file is written."""
    usable = times is not None and times.problem is None
    gaps = list(dict.fromkeys(gap for column in learnt.columns.values() for gap in column.gaps))
    filled = (
        "A missing value is filled in with the value before it. `interpolate` would also use the value after it, which "
        "is not yet known when a forecast is due."
    )
    return {
        "encoding": Setting(table.encoding, "The file is not UTF-8."),
        "delimiter": Setting(table.delimiter, "The sign between two cells."),
        "decimal": Setting(numbers.decimal, "The decimal sign."),
        "thousands": Setting(numbers.thousands, "The sign between thousands."),
        "comment": Setting(table.comment, "Lines that begin with this are left out."),
        "skip_rows": Setting(table.skip_rows, "So many lines above the table are left out."),
        "skip_footer": Setting(table.skip_footer, "So many lines below the table are left out."),
        "header": Setting(table.header, 'No line names the columns, so they are called "1", "2", "3", ...'),
        "time": Setting(times.columns if times and usable else [], "The time of a row."),
        "time_format": Setting(times.time_format if times and usable else ISO, "How the time is written."),
        "order": Setting(times.order if times else "oldest_first", "The rows are put into the order of time."),
        "missing": Setting("forward_fill" if gaps else "refuse", filled),
        "missing_values": Setting(gaps or [""], "What is in the cells of missing values."),
    }


def differing(settings: Settings, params: Params) -> Settings:
    """Return the settings that are not as in the parameters, and those that a reader looks for."""
    return {
        section: {
            key: setting
            for key, setting in keys.items()
            if key in ("inputs", "target") or params[section].get(key) != setting.value
        }
        for section, keys in settings.items()
    }
