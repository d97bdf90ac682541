"""Cases made by hand, for the tests of what compares, draws and explains them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carryover.job.arrays import Arrays
from carryover.job.digests import digest
from carryover.training import case_results
from carryover.training.case_results import CASE_FILES, PARTS, CaseResults

EPOCHS = 5


def case(**changes: dict[int, Any]) -> CaseResults:
    """Return a case of 5 epochs.

    Args:
        changes: for a column, other values at some epochs; for the prediction, at some rows.
    """
    history = pd.DataFrame(
        {
            "epoch": range(1, EPOCHS + 1),
            "loss": [0.5, 0.4, 0.3, 0.2, 0.25],
            "weights_sha256": [f"w{epoch}" for epoch in range(EPOCHS)],
            "optimizer_sha256": [f"o{epoch}" for epoch in range(EPOCHS)],
            "states_sha256": [f"s{epoch}" for epoch in range(EPOCHS)],
        }
    )
    predictions = pd.DataFrame({"sample": [1, 3], "prediction": [0.5, -0.5]})
    final = {"weights/dense/kernel": np.zeros((2, 1), np.float32), "states/lstm_1/cell_state": np.ones(3, np.float32)}
    for column, values in changes.items():
        for place, value in values.items():
            if column == "prediction":
                predictions.loc[place, column] = value
            elif column == "final":
                final["weights/dense/kernel"][place] = value
            else:
                history.loc[place - 1, f"{column}_sha256" if column != "loss" else column] = value
    return CaseResults(history, predictions, final)


STATELESS = case(states=dict.fromkeys(range(1, EPOCHS + 1), ""))


def digest_of(final: Arrays, part: str) -> str:
    return digest({name: tensor for name, tensor in final.items() if name.startswith(f"{part}/")})


def write_case(folder: Path, results: CaseResults | None = None) -> None:
    """Write a case as training does: its last digests are those of its final state."""
    results = results or case()
    history = results.history.copy()
    for part in PARTS:
        history.loc[len(history) - 1, f"{part}_sha256"] = digest_of(results.final, part)
    case_results.write_case(*(folder / name for name in CASE_FILES), results._replace(history=history))
