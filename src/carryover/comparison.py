"""Where two cases part: equality to the last bit, epoch by epoch."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.case_results import PARTS, CaseResults
from carryover.errors import UserError

Cases = Mapping[str, CaseResults]


class Parting(NamedTuple):
    """The first place at which two cases differ.

    Attributes:
        epoch: the epoch, counted from 1, at whose end they differ; the number of epochs plus 1 where only the
            predictions after training do.
        parts: what differs there: of "states", "loss", "weights", "optimizer"; or "predictions".
    """

    epoch: int
    parts: tuple[str, ...]


class TensorDifference(NamedTuple):
    """The tensor of the final training state in which two cases differ most.

    Attributes:
        name: as in final.npz.
        largest: the largest absolute difference between two of its elements.
    """

    name: str
    largest: float


def first_parting(a: CaseResults, b: CaseResults) -> Parting | None:
    """Where two cases part, or None where every loss, digest and prediction is equal.

    The states are compared where both cases have them. The 9 significant digits of a table carry a float32 exactly.

    Raises:
        UserError: if the cases have not the same epochs or samples.
    """
    if not a.history["epoch"].equals(b.history["epoch"]):
        raise UserError("the cases have not been trained for the same epochs; run the pipeline anew")
    if not a.predictions["sample"].equals(b.predictions["sample"]):
        raise UserError("the cases have not predicted the same samples; run the pipeline anew")
    differs = pd.DataFrame({part: a.history[f"{part}_sha256"] != b.history[f"{part}_sha256"] for part in PARTS})
    if "" in (a.history["states_sha256"].iloc[0], b.history["states_sha256"].iloc[0]):
        differs["states"] = False
    differs["loss"] = _bits(a.history["loss"]) != _bits(b.history["loss"])
    # In the order in which an epoch passes a difference on.
    differs = differs[["states", "loss", "weights", "optimizer"]]
    if differs.to_numpy().any():
        row = int(differs.any(axis=1).to_numpy().argmax())
        return Parting(int(a.history["epoch"].iloc[row]), tuple(differs.columns[differs.iloc[row]]))
    if (_bits(a.predictions["prediction"]) != _bits(b.predictions["prediction"])).any():
        return Parting(len(a.history) + 1, ("predictions",))
    return None


def _bits(numbers: "pd.Series[float]") -> NDArray[np.uint32]:
    return numbers.to_numpy(np.float32).view(np.uint32)


def widest_tensor(a: CaseResults, b: CaseResults) -> TensorDifference | None:
    """The tensor that differs most at the end, of those that both cases have; None where all are equal."""
    differences = [
        TensorDifference(name, float(np.max(np.abs(tensor.astype(float) - b.final[name].astype(float)))))
        for name, tensor in a.final.items()
        if name in b.final and tensor.size
    ]
    widest = max(differences, key=lambda difference: difference.largest, default=None)
    return widest if widest and widest.largest > 0 else None


def loss_differences(cases: Cases) -> pd.DataFrame:
    """The losses of every pair of cases side by side, tidy.

    Returns:
        columns `epoch`, `case_a`, `case_b`, `loss_a`, `loss_b`, `difference` (loss_a - loss_b, 0 only if equal); pairs
        in the order of the cases, epochs ascending within a pair.
    """
    columns = ["epoch", "case_a", "case_b", "loss_a", "loss_b", "difference"]
    tables = [
        pd.DataFrame(
            {
                "epoch": cases[a].history["epoch"],
                "case_a": a,
                "case_b": b,
                "loss_a": cases[a].history["loss"],
                "loss_b": cases[b].history["loss"],
                "difference": cases[a].history["loss"] - cases[b].history["loss"],
            }
        )
        for a, b in combinations(cases, 2)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def trainings(cases: Cases) -> list[list[str]]:
    """The cases grouped into those that are the same training, in the order of their first members.

    A case joins a group that it equals member by member: two cases with different states may both equal one without.
    """
    groups: list[list[str]] = []
    for name, case in cases.items():
        for group in groups:
            if all(first_parting(cases[member], case) is None for member in group):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups
