"""The results of training replicates: the loss of each replicate at each epoch, in one file per shard."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.job.errors import UserError
from carryover.job.tables import read_table, write_table
from carryover.replicates.shards import Shard, shards
from carryover.training.behaviours import Training

REMEDY = "train the replicates again"

COLUMNS = {"seed": "int64", "epoch": "int64", "loss": "float64"}
"""The dtypes of the columns of a shard's file."""

Losses = dict[Training, NDArray[np.float64]]
"""The losses of each training, of shape (replicates, epochs); row i has the losses of the seed first_seed + i."""


def read_replicates(folder: Path, params: Mapping[str, Any]) -> Losses:
    """Read the replicates of a run.

    Args:
        folder: a folder with one folder per behaviour, each with one file per shard.
        params: the parameters of the run, in the form of params.yaml.

    Returns:
        The losses by training; empty if replicates.count is 0.

    Raises:
        UserError: if a file is missing or broken, or does not have exactly the seeds and epochs of its shard.
    """
    parts: dict[Training, list[NDArray[np.float64]]] = {}
    for shard in shards(**params["replicates"]):
        losses = _read_shard(folder / shard.path, shard, params["training"]["epochs"])
        parts.setdefault(shard.training, []).append(losses)
    return {training: np.concatenate(losses) for training, losses in parts.items()}


def remove_other_shards(folder: Path, expected: Iterable[Shard]) -> list[Path]:
    """Remove the files of all shards but the expected ones; make the folder if there is none.

    Returns:
        The removed files.
    """
    folder.mkdir(parents=True, exist_ok=True)  # DVC tracks the folder, even if it is empty
    paths = {folder / shard.path for shard in expected}
    others = [path for path in folder.glob("*/*-*.csv") if path not in paths]
    for path in others:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return others


def write_shard(path: Path, shard: Shard, losses: NDArray[np.float64]) -> None:
    """Write the losses of a shard, of shape (replicates, epochs)."""
    epochs = range(1, losses.shape[1] + 1)
    index = pd.MultiIndex.from_product([shard.seeds, epochs], names=["seed", "epoch"])
    write_table(path, pd.DataFrame({"loss": losses.ravel()}, index=index).reset_index())


def _read_shard(path: Path, shard: Shard, epochs: int) -> NDArray[np.float64]:
    table = read_table(path, COLUMNS, REMEDY)
    expected = pd.MultiIndex.from_product([shard.seeds, range(1, epochs + 1)])
    if not pd.MultiIndex.from_frame(table[["seed", "epoch"]]).equals(expected):
        raise UserError(
            f"{path}: expected the seeds {shard.first_seed} to {shard.last_seed} with {epochs} epochs each; {REMEDY}"
        )
    return table["loss"].to_numpy().reshape(len(shard.seeds), epochs)
