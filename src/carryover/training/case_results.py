"""The results of a case, in its folder: history.csv, predictions.csv and final.npz."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from carryover.job.arrays import Arrays, read_arrays, write_arrays
from carryover.job.digests import digest
from carryover.job.errors import UserError
from carryover.job.tables import read_table, write_table

REMEDY = "train the case again"

PARTS = ("weights", "optimizer", "states")
"""The parts of a training state, as snapshot.recorded_state has them; each has a digest per epoch."""

HISTORY = {"epoch": "int64", "loss": "float64"} | {f"{part}_sha256": "str" for part in PARTS}
PREDICTIONS = {"sample": "int64", "prediction": "float64"}
"""The columns of the tables, with their dtypes."""

CASE_FILES = ("history.csv", "predictions.csv", "final.npz")


class CaseResults(NamedTuple):
    """The results of one case.

    Attributes:
        history: one row per epoch (counted from 1): `epoch`, `loss`, and the digests `weights_sha256`,
            `optimizer_sha256` and `states_sha256` at the epoch's end ("" for a case without states).
        predictions: one row per target: `sample`, the number of the predicted sample, and `prediction`.
        final: the training state after the last epoch, as arrays named `weights/...`, `optimizer/...`, `states/...`;
            the seeds of random layers are among the weights.
    """

    history: pd.DataFrame
    predictions: pd.DataFrame
    final: Arrays


Cases = Mapping[str, CaseResults]
"""The results of the cases of a run, by name."""


def write_case(history: Path, predictions: Path, final: Path, results: CaseResults) -> None:
    """Write the results of a case into its three files."""
    write_table(history, results.history)
    write_table(predictions, results.predictions)
    write_arrays(final, results.final)


def check_case_folder(folder: Path) -> None:
    """Check that a folder that somebody has named is that of a case.

    Raises:
        UserError: if it is not; the message names what is missing, and a folder of a case in or below it.
    """
    missing = [name for name in CASE_FILES if not (folder / name).is_file()]
    if not missing:
        return
    cases = sorted(path.parent for place in ("*", "cases/*") for path in folder.glob(f"{place}/history.csv"))
    what = f"it has no {', no '.join(missing)}" if folder.is_dir() else "there is no such folder"
    example = cases[0] if cases else "results/cases/single_fit"
    raise UserError(f"{folder}: not the folder of a case: {what}; give one that a run has written, such as {example}")


def read_case(folder: Path) -> CaseResults:
    """Read the results of a case.

    Raises:
        UserError: if a file is missing or broken, or has a number that is not finite; or if the final state does not
            match the last digests in the history.
    """
    history = read_table(folder / "history.csv", HISTORY, REMEDY)
    if list(history["epoch"]) != list(range(1, len(history) + 1)):
        raise UserError(f"{folder / 'history.csv'}: the epochs are not 1, 2, 3, ...; {REMEDY}")
    predictions = read_table(folder / "predictions.csv", PREDICTIONS, REMEDY)
    try:
        final = read_arrays(folder / "final.npz")
    except FileNotFoundError:
        raise UserError(f"{folder / 'final.npz'}: missing; {REMEDY}") from None
    for part in PARTS:
        tensors = {name: tensor for name, tensor in final.items() if name.startswith(f"{part}/")}
        if digest(tensors) != history[f"{part}_sha256"].iloc[-1]:
            raise UserError(f"{folder / 'final.npz'}: the {part} do not match the last epoch in history.csv; {REMEDY}")
    return CaseResults(history, predictions, final)


def remove_other_cases(folder: Path, names: Iterable[str]) -> list[Path]:
    """Remove the results of cases with other names from a folder; only a case's own files are removed.

    Returns:
        The folders of the removed cases.
    """
    others = [path.parent for path in folder.glob("*/history.csv") if path.parent.name not in names]
    for other in others:
        for name in CASE_FILES:
            (other / name).unlink(missing_ok=True)
        with suppress(OSError):  # there is something else in it
            other.rmdir()
    return others


def read_cases(folder: Path, params: Mapping[str, Any]) -> dict[str, CaseResults]:
    """Read the results of all cases of a run.

    Args:
        folder: the folder with one folder per case.
        params: the parameters of the run, in the form of params.yaml.

    Raises:
        UserError: as read_case; or if a case was trained for another number of epochs than the parameters say.
    """
    cases = {name: read_case(folder / name) for name in params["cases"]}
    for name, case in cases.items():
        if len(case.history) != params["training"]["epochs"]:
            raise UserError(
                f"{folder / name / 'history.csv'}: {len(case.history)} epochs, "
                f"expected training.epochs = {params['training']['epochs']}; {REMEDY}"
            )
    return cases
