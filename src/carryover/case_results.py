"""What training a case leaves behind, in its folder: history.csv, predictions.csv and final.npz."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from carryover.arrays import Arrays, read_arrays
from carryover.errors import UserError

PARTS = ("weights", "optimizer", "states")
"""The parts of a training state, each with a digest per epoch."""

HISTORY = {"epoch": "int64", "loss": "float64"} | {f"{part}_sha256": "str" for part in PARTS}
PREDICTIONS = {"sample": "int64", "prediction": "float64"}
"""The columns of the tables, with their dtypes."""

CASE_FILES = ("history.csv", "predictions.csv", "final.npz")


class CaseResults(NamedTuple):
    """The results of one case.

    Attributes:
        history: one row per epoch (counted from 1): `epoch`, `loss`, and the digests `weights_sha256`,
            `optimizer_sha256` and `states_sha256` at the epoch's end ("" for a case without states).
        predictions: one row per window: `sample`, the number of the sample that is predicted, and `prediction`.
        final: the training state after the last epoch: arrays named `weights/...`, `optimizer/...`, `states/...`.
    """

    history: pd.DataFrame
    predictions: pd.DataFrame
    final: Arrays


def read_case(folder: Path) -> CaseResults:
    """Read the results of a case.

    Raises:
        UserError: where a file is missing, broken, or holds a number that is not finite.
    """
    history = _read_table(folder / "history.csv", HISTORY)
    predictions = _read_table(folder / "predictions.csv", PREDICTIONS)
    try:
        final = read_arrays(folder / "final.npz")
    except FileNotFoundError:
        raise UserError(f"{folder / 'final.npz'}: missing; train the case anew") from None
    return CaseResults(history, predictions, final)


def remove_other_cases(folder: Path, names: Iterable[str]) -> list[Path]:
    """Remove what cases of other names have left below a folder; nothing but a case's own files is touched.

    Returns:
        the folders of these cases.
    """
    others = [path.parent for path in folder.glob("*/history.csv") if path.parent.name not in names]
    for other in others:
        for name in CASE_FILES:
            (other / name).unlink(missing_ok=True)
        with suppress(OSError):  # something else lies in it
            other.rmdir()
    return others


def read_cases(folder: Path, names: Iterable[str]) -> dict[str, CaseResults]:
    """Read the results of the cases of these names, each from its folder below this one; errors as read_case."""
    return {name: read_case(folder / name) for name in names}


def _read_table(path: Path, dtypes: dict[str, str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=dtypes, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(f"{path}: missing; train the case anew") from None
    except ValueError as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}; train the case anew") from error
    if list(table.columns) != list(dtypes):
        raise UserError(f"{path}: columns {list(table.columns)}, expected {list(dtypes)}; train the case anew")
    if table.empty or not np.isfinite(table.select_dtypes("number").to_numpy()).all():
        raise UserError(f"{path}: empty, or holds a number that is not finite; train the case anew")
    return table
