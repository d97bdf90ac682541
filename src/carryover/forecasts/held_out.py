"""Error on unseen data: the forecasts of the held-out part by the networks, and naive forecasts to compare with."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.forecasts.ways import BASELINES, STATES, column
from carryover.job.errors import UserError
from carryover.job.tables import read_table, write_table
from carryover.series.batches import target_samples
from carryover.series.dataset import Floats, Series
from carryover.series.lags import naive_lags

REMEDY = "score the cases again"


class HeldOutWindows(NamedTuple):
    """The windows to forecast, and the series that leads up to them.

    Attributes:
        sequences: the inputs of both parts of the series, of shape (sequences, samples, inputs): all of it, if it is a
            single sequence.
        windows: the inputs of the held-out windows, of shape (windows, time_steps, inputs).
        samples: the numbers of the samples that the windows forecast, counted from the start of the training part.
    """

    sequences: Floats
    windows: Floats
    samples: NDArray[np.intp]


def held_out_windows(
    training: Series, held_out: Series, time_steps: int, targets: str, sequence: int | None = None, lag: int = 0
) -> HeldOutWindows:
    """Cut the held-out part into windows, continuing those of the training part; a last partial window is dropped.

    So is a window for which a naive forecast would repeat a value of another sequence.

    Args:
        training, held_out: the parts of the series.
        time_steps: samples per window.
        targets: which samples of a window are forecast, one of series.windows.TARGETS.
        sequence: samples per independent sequence, a multiple of `time_steps`; None if the series is a single one.
        lag: how many samples back the naive forecasts look at most.
    """
    series = np.concatenate([training.x, held_out.x])
    whole = len(series) // time_steps
    windows = series[: whole * time_steps].reshape(whole, time_steps, -1)
    samples = target_samples(whole, time_steps, targets).reshape(whole, -1)
    length = sequence or len(series)
    forecast = (np.arange(whole) >= len(training.y) // time_steps) & (samples[:, 0] % length >= lag)
    return HeldOutWindows(series.reshape(-1, length, series.shape[1]), windows[forecast], samples[forecast].ravel())


def targets_and_baselines(
    training: Series, held_out: Series, samples: NDArray[np.intp], horizon: int, season: int
) -> dict[str, NDArray[Any]]:
    """Return the columns of the forecasts that need no network: `sample`, `target` and BASELINES.

    Args:
        training, held_out: the parts of the series, in its own units.
        samples: as in HeldOutWindows.
        horizon, season: the keys of `dataset`.

    Returns:
        Arrays of shape (len(samples),), float32 except for `sample`. The forecast `input` is there only if the series
        has a single input, of the same time as the target; `last_known` and `season` as naive_lags has them.
    """
    y = np.concatenate([training.y, held_out.y])
    x = np.concatenate([training.x, held_out.x])
    mean = np.float32(training.y.mean(dtype=np.float64))
    naive = {"mean": np.full(len(samples), mean)}
    if x.shape[1] == 1 and not horizon:
        naive["input"] = x[samples, 0]
    naive |= {name: y[samples - lag] for name, lag in naive_lags(horizon, season).items()}
    return {"sample": samples, "target": y[samples]} | {name: naive[name] for name in BASELINES if name in naive}


def root_mean_squared_error(forecasts: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Return the root of the mean squared difference along the last axis, computed in float64."""
    difference = forecasts.astype(np.float64) - targets.astype(np.float64)
    error: NDArray[np.float64] = np.sqrt(np.mean(difference**2, axis=-1))
    return error


def write_forecasts(
    path: Path, known: Mapping[str, NDArray[Any]], forecasts: Mapping[str, Floats], cases: Iterable[str]
) -> None:
    """Write the forecasts of all cases beside the columns of `known`; there are no rows if nothing is held out."""
    none = np.empty(0, np.float32)
    columns = {column(case, states): none for case in cases for states in STATES} | dict(forecasts)
    write_table(path, pd.DataFrame({**known, **columns}))


def read_forecasts(path: Path, params: Mapping[str, Any]) -> pd.DataFrame:
    """Read the forecasts of a run.

    Returns:
        One row per forecast sample: `sample`, counted from the start of the training part; `target`; the naive
        forecasts by their names in BASELINES; and for each case `<case>/carried` and `<case>/reset`. All columns but
        `sample` are float64, in the series' own units. There are no rows if nothing is held out.

    Raises:
        UserError: if the file is missing or has another form.
    """
    table = read_table(path, None, REMEDY, may_be_empty=True)
    wanted = {"sample", "target"} | {column(case, states) for case in params["cases"] for states in STATES}
    if missing := sorted(wanted - set(table.columns)):
        raise UserError(f"{path}: there is no column {missing[0]}; {REMEDY}")
    return table


def scores(forecasts: pd.DataFrame, params: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the root mean squared error of each forecast, in the series' own units.

    Returns:
        `samples`: how many samples are forecast; `baselines`: the error of each naive forecast by name; `cases`: the
        errors of each case, with the states `carried` and with the states `reset`.
    """

    def error(name: str) -> float:
        return float(root_mean_squared_error(forecasts[name].to_numpy(), forecasts["target"].to_numpy()))

    return {
        "samples": len(forecasts),
        "baselines": {name: error(name) for name in BASELINES if name in forecasts},
        "cases": {case: {states: error(column(case, states)) for states in STATES} for case in params["cases"]},
    }
