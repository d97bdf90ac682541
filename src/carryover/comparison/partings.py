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
        epoch: the epoch, counted from 1, at whose end they differ; the number of epochs plus 1 where only the
            predictions after training do.
        parts: what differs there: of "states", "loss", "weights", "optimizer"; or "epochs", where only one of the two
            has been trained for so long; or "predictions".
    """

    epoch: int
    parts: tuple[str, ...]


def first_parting(a: CaseResults, b: CaseResults) -> Parting | None:
    """Where two cases part, or None where every loss, digest and prediction is equal.

    The states are compared where both cases have them. The 9 significant digits of a table carry a float32 exactly.
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
    """What differs at the end of each epoch that both cases have been trained for.

    Returns:
        one row per epoch; boolean columns, in the order in which an epoch passes a difference on: `states` (absent
        unless both cases have them), `loss`, `weights`, `optimizer`.
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
    """The losses of all cases in one table, tidy.

    Returns:
        columns `epoch`, `case`, `loss`; cases in their order, epochs ascending within a case.
    """
    tables = [case.history[["epoch", "loss"]].assign(case=name) for name, case in cases.items()]
    return pd.concat(tables, ignore_index=True)[["epoch", "case", "loss"]]


def loss_differences(cases: Cases) -> pd.DataFrame:
    """The losses of every pair of cases side by side, tidy.

    Returns:
        the tables of loss_differences_of, pairs in the order of the cases.
    """
    pairs = [loss_differences_of(cases, a, b) for a, b in combinations(cases, 2)]
    return pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=LOSS_DIFFERENCES)


LOSS_DIFFERENCES = ["epoch", "case_a", "case_b", "loss_a", "loss_b", "difference"]


def loss_differences_of(cases: Cases, a: str, b: str) -> pd.DataFrame:
    """The losses of two cases side by side.

    Returns:
        columns `epoch`, `case_a`, `case_b`, `loss_a`, `loss_b`, `difference` (loss_a - loss_b, 0 only if equal), epochs
        ascending.
    """
    epoch, loss_a, loss_b = cases[a].history["epoch"], cases[a].history["loss"], cases[b].history["loss"]
    # In the digits of the table: what float64 adds behind them is noise.
    difference = (loss_a - loss_b).map("{:.9g}".format).astype(float)
    columns = (epoch, a, b, loss_a, loss_b, difference)
    return pd.DataFrame(dict(zip(LOSS_DIFFERENCES, columns, strict=True)))


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
