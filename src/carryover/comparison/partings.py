"""Where two cases part: equality to the last bit, epoch by epoch."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.training.case_results import PARTS, CaseResults, Cases


class Parting(NamedTuple):
    """The first place at which two cases differ.

    Attributes:
        epoch: the epoch, counted from 1, at whose end they differ; the number of epochs plus 1 if they differ only
            after that.
        parts: what differs there: some of "states", "loss", "weights" and "optimizer"; or "epochs" if only one case was
            trained for that long; or "predictions" if only the predictions after training differ.
    """

    epoch: int
    parts: tuple[str, ...]


def first_parting(a: CaseResults, b: CaseResults) -> Parting | None:
    """Return where two cases part, or None if every loss, digest and prediction is equal.

    The states are compared if both cases have them. The 9 significant digits in the tables represent a float32 exactly.
    """
    epochs = min(len(a.history), len(b.history))
    differs = epochs_that_differ(a, b)
    if differs.to_numpy().any():
        row = int(differs.any(axis=1).to_numpy().argmax())
        return Parting(row + 1, tuple(differs.columns[differs.iloc[row]]))
    if len(a.history) != len(b.history):
        return Parting(epochs + 1, ("epochs",))
    if not a.predictions["sample"].equals(b.predictions["sample"]) or (
        (_bits(a.predictions["prediction"]) != _bits(b.predictions["prediction"])).any()
    ):
        return Parting(epochs + 1, ("predictions",))
    return None


def epochs_that_differ(a: CaseResults, b: CaseResults) -> pd.DataFrame:
    """Return what differs at the end of each epoch for which both cases were trained.

    Returns:
        One row per epoch with boolean columns, in the order in which a difference spreads within an epoch: `states`
        (absent unless both cases have them), `loss`, `weights`, `optimizer`.
    """
    epochs = min(len(a.history), len(b.history))
    first, second = a.history.head(epochs), b.history.head(epochs)
    differs = pd.DataFrame({part: first[f"{part}_sha256"] != second[f"{part}_sha256"] for part in PARTS})
    differs["loss"] = _bits(first["loss"]) != _bits(second["loss"])
    have_states = "" not in (first["states_sha256"].iloc[0], second["states_sha256"].iloc[0])
    return differs[[*(["states"] if have_states else []), "loss", "weights", "optimizer"]]


def _bits(numbers: "pd.Series[float]") -> NDArray[np.uint32]:
    return numbers.to_numpy(np.float32).view(np.uint32)


def losses(cases: Cases) -> pd.DataFrame:
    """Return the losses of all cases in one tidy table.

    Returns:
        The columns `epoch`, `case` and `loss`; the cases in order, the epochs ascending within a case.
    """
    tables = [case.history[["epoch", "loss"]].assign(case=name) for name, case in cases.items()]
    return pd.concat(tables, ignore_index=True)[["epoch", "case", "loss"]]


def loss_differences(cases: Cases) -> pd.DataFrame:
    """Return the losses of every pair of cases side by side, in one tidy table.

    Returns:
        The tables of loss_differences_of one after another, the pairs in the order of the cases.
    """
    pairs = [loss_differences_of(cases, a, b) for a, b in combinations(cases, 2)]
    return pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=LOSS_DIFFERENCES)


LOSS_DIFFERENCES = ["epoch", "case_a", "case_b", "loss_a", "loss_b", "difference"]


def loss_differences_of(cases: Cases, a: str, b: str) -> pd.DataFrame:
    """Return the losses of two cases side by side.

    Returns:
        The columns `epoch`, `case_a`, `case_b`, `loss_a`, `loss_b` and `difference` (loss_a - loss_b, 0 only if the
        losses are equal), the epochs ascending.
    """
    epoch, loss_a, loss_b = cases[a].history["epoch"], cases[a].history["loss"], cases[b].history["loss"]
    # Rounded to the digits of the table, because the digits that float64 adds are noise.
    difference = (loss_a - loss_b).map("{:.9g}".format).astype(float)
    columns = (epoch, a, b, loss_a, loss_b, difference)
    return pd.DataFrame(dict(zip(LOSS_DIFFERENCES, columns, strict=True)))


def same_training(a: CaseResults, b: CaseResults) -> bool:
    """Say whether two cases are the same training: whether they learn the same.

    They do if every loss and, at the end of every epoch, every weight is equal to the last bit. Their states may
    differ, as they do just after a reset, and so may the optimizer's variables, as long as no weight follows from it.
    """
    return _learnt(a) == _learnt(b)


def trainings(cases: Cases) -> list[list[str]]:
    """Group the cases that are the same_training, in the order of their first members."""
    groups: dict[Learnt, list[str]] = {}
    for name, case in cases.items():
        groups.setdefault(_learnt(case), []).append(name)
    return list(groups.values())


Learnt = tuple[bytes, tuple[str, ...]]


def _learnt(case: CaseResults) -> Learnt:
    return _bits(case.history["loss"]).tobytes(), tuple(case.history["weights_sha256"])
