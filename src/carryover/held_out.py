"""What a network is worth on the part of the series that it has not seen: its forecasts there, and naive ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.dataset import Series
from carryover.errors import UserError

STATES = {"carried": "carried from the start of the series", "reset": "reset at every window"}
"""Whether a network is deployed with its states carried on, or reset."""

BASELINES = {
    "input": "the input itself",
    "mean": "the mean of the training part",
    "previous_target": "the target one sample before, if that is known",
}
"""Forecasts that need no training."""


def naive_forecasts(training: Series, held_out: Series, samples: NDArray[np.intp]) -> dict[str, Any]:
    """The forecasts of BASELINES; that of the input only where there is one.

    Args:
        training: the training part.
        held_out: what comes after it.
        samples: which samples of the held-out part are forecast, counted from the first one of the training part.

    Returns:
        float32 arrays of shape (len(samples),).
    """
    y = np.concatenate([training.y, held_out.y])
    x = np.concatenate([training.x, held_out.x])
    inputs = {"input": x[samples, 0]} if x.shape[1] == 1 else {}
    mean = np.float32(training.y.mean(dtype=np.float64))
    return inputs | {"mean": np.full(len(samples), mean), "previous_target": y[samples - 1]}


def column(case: str, states: str) -> str:
    """The column of a case's forecasts in a table of forecasts.

    >>> column("single_fit", "carried")
    'single_fit/carried'
    """
    return f"{case}/{states}"


def read_forecasts(path: Path, params: Mapping[str, Any]) -> pd.DataFrame:
    """Read the forecasts of a run.

    Returns:
        one row per forecast sample: `sample`, counted from the first one of the training part; `target`; the naive
        forecasts by their names in BASELINES; and for each case `<case>/carried` and `<case>/reset`. All but the
        first are float64, in the series' own units. No rows where nothing is held out.

    Raises:
        UserError: where the file is missing or not that.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: missing; score the cases anew") from None
    except ValueError as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}; score the cases anew") from error
    wanted = {"sample", "target"} | {column(case, states) for case in params["cases"] for states in STATES}
    if missing := sorted(wanted - set(table.columns)):
        raise UserError(f"{path}: there is no column {missing[0]}; score the cases anew")
    if len(table) and not np.isfinite(table.to_numpy(np.float64)).all():
        raise UserError(f"{path}: it holds a value that is not a finite number; score the cases anew")
    return table


def scores(forecasts: pd.DataFrame, params: Mapping[str, Any]) -> dict[str, Any]:
    """The root mean squared error of each forecast.

    Returns:
        `samples`: how many are forecast; `baselines`: per name the error; `cases`: per case the error with the states
        `carried`, and with them `reset`.
    """

    def error(name: str) -> float:
        return float(np.sqrt(np.mean((forecasts[name] - forecasts["target"]) ** 2)))

    return {
        "samples": len(forecasts),
        "baselines": {name: error(name) for name in BASELINES if name in forecasts},
        "cases": {case: {states: error(column(case, states)) for states in STATES} for case in params["cases"]},
    }
