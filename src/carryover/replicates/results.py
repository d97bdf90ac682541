"""The results of training replicates: losses.csv and errors.csv in a folder for each shard."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.forecasts.ways import BASELINES, STATES, column
from carryover.job.errors import UserError
from carryover.job.tables import read_table, write_table
from carryover.replicates.shards import Shard, shards
from carryover.training.behaviours import Training
from carryover.training.cases import replicated

REMEDY = "train the replicates again"

SHARD_FILES = ("losses.csv", "errors.csv")

Array = NDArray[np.float64]

Losses = Mapping[Training, Array]
"""The losses of each training, of shape (replicates, epochs)."""


class Replicates(NamedTuple):
    """The results of all replicates of a run; row i of every array is of the seed first_seed + i.

    Attributes:
        losses: the losses of each training, of shape (replicates, epochs); empty if there are no replicates.
        errors: for each training the root mean squared error on the held-out part, of shape (replicates,), by the keys
            of ways.STATES; empty if nothing is held out.
        baselines: the same for the forecasts without a network, by the keys of ways.BASELINES.
    """

    losses: Losses
    errors: Mapping[Training, Mapping[str, Array]]
    baselines: Mapping[str, Array]


def read_replicates(folder: Path, params: Mapping[str, Any]) -> Replicates:
    """Read the replicates of a run.

    Args:
        folder: a folder with one folder per shard.
        params: the parameters of the run, in the form of params.yaml.

    Raises:
        UserError: if a file is missing or broken, or does not have exactly the trainings of the cases, the seeds and
            epochs of its shard, and the forecasts of the other shards.
    """
    trainings = replicated(params)
    parts = shards(**params["replicates"])
    if not parts:
        return Replicates({}, {}, {})
    losses = pd.concat([_read_losses(folder, shard, trainings, params["training"]["epochs"]) for shard in parts])
    tables = [_read_errors(folder, shard, trainings) for shard in parts]
    for shard, table in zip(parts, tables, strict=True):
        if list(table) != list(tables[0]) or table.empty != tables[0].empty:
            path = folder / shard.name / "errors.csv"
            raise UserError(f"{path}: expected the errors of the same forecasts as in {parts[0].name}; {REMEDY}")
    errors = pd.concat(tables)
    epochs = params["training"]["epochs"]
    return Replicates(
        {training: losses[training.name].to_numpy().reshape(-1, epochs) for training in trainings},
        {}
        if errors.empty
        else {
            training: {states: errors[column(training.name, states)].to_numpy() for states in STATES}
            for training in trainings
        },
        {name: errors[name].to_numpy() for name in BASELINES if name in errors and not errors.empty},
    )


def write_shard(folder: Path, shard: Shard, losses: Losses, errors: Mapping[str, Array]) -> None:
    """Write the results of a shard.

    Args:
        folder: the folder of all shards.
        shard: the seeds.
        losses: of each training.
        errors: as scoring.Errors; without any, the table has no rows.
    """
    epochs = next(iter(losses.values())).shape[1]
    index = pd.MultiIndex.from_product([shard.seeds, range(1, epochs + 1)], names=["seed", "epoch"])
    of_epochs = {training.name: loss.ravel() for training, loss in losses.items()}
    write_table(folder / shard.name / "losses.csv", pd.DataFrame(of_epochs, index=index).reset_index())
    columns: Mapping[str, Any] = errors or {
        column(training.name, states): [] for training in losses for states in STATES
    }
    seeds = pd.Index(shard.seeds if errors else [], name="seed")
    write_table(folder / shard.name / "errors.csv", pd.DataFrame(columns, index=seeds).reset_index())


def remove_other_shards(folder: Path, expected: Iterable[Shard]) -> list[Path]:
    """Remove the tables of all shards but the expected ones; make the folder if there is none.

    Returns:
        The removed files.
    """
    folder.mkdir(parents=True, exist_ok=True)  # DVC tracks the folder, even if it is empty
    paths = {folder / shard.name / file for shard in expected for file in SHARD_FILES}
    of_earlier_versions = "*/*-*.csv"
    patterns = (*(f"*-*/{name}" for name in SHARD_FILES), of_earlier_versions)
    others = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path not in paths]
    for path in others:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return others


def _read_losses(folder: Path, shard: Shard, trainings: Iterable[Training], epochs: int) -> pd.DataFrame:
    path = folder / shard.name / "losses.csv"
    columns = {"seed": "int64", "epoch": "int64"} | {training.name: "float64" for training in trainings}
    table = read_table(path, columns, REMEDY)
    expected = pd.MultiIndex.from_product([shard.seeds, range(1, epochs + 1)])
    if not pd.MultiIndex.from_frame(table[["seed", "epoch"]]).equals(expected):
        raise UserError(
            f"{path}: expected the seeds {shard.first_seed} to {shard.last_seed} with {epochs} epochs each; {REMEDY}"
        )
    return table


def _read_errors(folder: Path, shard: Shard, trainings: Iterable[Training]) -> pd.DataFrame:
    path = folder / shard.name / "errors.csv"
    there = read_table(path, None, REMEDY, may_be_empty=True)
    networks = [column(training.name, states) for training in trainings for states in STATES]
    numbers = [*(name for name in BASELINES if name in there), *networks]
    table = read_table(path, {"seed": "int64"} | dict.fromkeys(numbers, "float64"), REMEDY, may_be_empty=True)
    if not table.empty and list(table["seed"]) != list(shard.seeds):
        raise UserError(f"{path}: expected the seeds {shard.first_seed} to {shard.last_seed}; {REMEDY}")
    return table
