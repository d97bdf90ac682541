"""Where two cases part, in full: the epoch, the tensors, how many elements, and by how much."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carryover.comparison import words
from carryover.comparison.partings import Parting, epochs_that_differ, first_parting, same_training
from carryover.training.case_results import CaseResults


class TensorDifference(NamedTuple):
    """How two tensors of the same dtype and shape differ.

    Attributes:
        name: the name in final.npz (`optimizer/adadelta/iteration`), or "predictions".
        elements: how many elements each tensor has.
        different: how many of them differ in at least one bit.
        largest_ulps: the largest distance of an element from its counterpart, in units in the last place (ULPs), that
            is in steps to the next number of the dtype; for integers, the largest difference.
        largest: the largest absolute difference.
    """

    name: str
    elements: int
    different: int
    largest_ulps: int
    largest: float


class Explanation(NamedTuple):
    """What was compared in two cases, and how they differ.

    Attributes:
        parting: the first place at which they differ; None if they are identical.
        same_training: whether every loss and weight is equal, though other parts may differ.
        epochs: how many epochs were compared.
        parts: what was compared at the end of each epoch: "states" if both cases have them, "loss", "weights",
            "optimizer".
        first_loss_epoch: the first epoch at which the losses differ; 0 if there is none.
        largest_loss_difference: the largest absolute difference of the losses over all epochs.
        predictions: the difference of the predictions after training; None if they are of different samples.
        tensors: the differences of those tensors of the final training state that both cases have.
        unmatched: the names of the tensors that only one case has, or that differ in dtype or shape.
    """

    parting: Parting | None
    same_training: bool
    epochs: int
    parts: tuple[str, ...]
    first_loss_epoch: int
    largest_loss_difference: float
    predictions: TensorDifference | None
    tensors: tuple[TensorDifference, ...]
    unmatched: tuple[str, ...]

    @property
    def elements(self) -> int:
        """The number of elements in all compared tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def different(self) -> int:
        """The number of these elements that differ in at least one bit."""
        return sum(tensor.different for tensor in self.tensors)

    @property
    def widest(self) -> TensorDifference | None:
        """The tensor with the largest difference; None if no tensor differs."""
        widest = max(self.tensors, key=lambda tensor: (tensor.largest, tensor.different), default=None)
        return widest if widest and widest.different else None


def explain(a: CaseResults, b: CaseResults) -> Explanation:
    """Compare two cases, of the same run or of two runs: epoch by epoch, and the final states tensor by tensor."""
    differs = epochs_that_differ(a, b)
    losses = (a.history["loss"] - b.history["loss"]).abs().head(len(differs))
    same_samples = a.predictions["sample"].equals(b.predictions["sample"])
    matched = [name for name in a.final if name in b.final and _alike(a.final[name], b.final[name])]
    return Explanation(
        parting=first_parting(a, b),
        same_training=same_training(a, b),
        epochs=len(differs),
        parts=tuple(differs.columns),
        first_loss_epoch=int(differs["loss"].to_numpy().argmax()) + 1 if differs["loss"].any() else 0,
        largest_loss_difference=float(losses.max()),
        predictions=_difference(
            "predictions",
            a.predictions["prediction"].to_numpy(np.float32),
            b.predictions["prediction"].to_numpy(np.float32),
        )
        if same_samples
        else None,
        tensors=tuple(_difference(name, a.final[name], b.final[name]) for name in matched),
        unmatched=tuple(name for name in {**a.final, **b.final} if name not in matched),
    )


def summary(explanation: Explanation) -> dict[str, Any]:
    """Summarize an explanation for results/details.json, without the list of tensors.

    Returns:
        `first_divergent_epoch`: 0 if nothing differs, the number of epochs plus 1 if only the predictions differ;
        `parts`: what differs there;
        `same_training`: whether every loss and weight is equal;
        `first_divergent_loss_epoch`: 0 if no loss differs;
        `max_abs_loss_difference`: over all epochs;
        `compared`: how many `epochs` and which `parts` were compared, and how many `predictions`, `tensors` and
        `elements` at the end;
        `different_elements`: how many of these elements differ;
        `widest`: the `tensor` with the largest difference, and how it differs; None if no tensor differs.
    """
    parting, widest = explanation.parting, explanation.widest
    return {
        "first_divergent_epoch": parting.epoch if parting else 0,
        "parts": list(parting.parts) if parting else [],
        "same_training": explanation.same_training,
        "first_divergent_loss_epoch": explanation.first_loss_epoch,
        "max_abs_loss_difference": explanation.largest_loss_difference,
        "compared": {
            "epochs": explanation.epochs,
            "parts": list(explanation.parts),
            "predictions": explanation.predictions.elements if explanation.predictions else 0,
            "tensors": len(explanation.tensors),
            "elements": explanation.elements,
        },
        "different_elements": explanation.different,
        "widest": {"tensor": widest.name} | _counts(widest) if widest else None,
    }


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return the whole explanation for programs: the summary, and every tensor.

    A difference that is not finite, because a tensor has NaN or infinity in it, is null.
    """
    return {
        "identical": explanation.parting is None,
        **summary(explanation),
        "predictions": _counts(explanation.predictions) if explanation.predictions else None,
        "tensors": {tensor.name: _counts(tensor) for tensor in explanation.tensors},
        "unmatched": list(explanation.unmatched),
    }


def _counts(tensor: TensorDifference) -> dict[str, Any]:
    return {
        "elements": tensor.elements,
        "different": tensor.different,
        "max_ulps": tensor.largest_ulps,
        "max_abs_difference": tensor.largest if math.isfinite(tensor.largest) else None,
    }


def in_brief(explanation: Explanation) -> str:
    """Say where two cases part, and by how much their losses differ; or, if they are identical, what was compared."""
    parting = explanation.parting
    if parting is None:
        return words.compared(**summary(explanation)["compared"])
    place = words.parting(parting.epoch, parting.parts, explanation.epochs, explanation.same_training)
    if not explanation.first_loss_epoch:
        return f"they {place}"
    return (
        f"they {place}\nThe loss differs from epoch {explanation.first_loss_epoch}, "
        f"by up to {explanation.largest_loss_difference:.3g}."
    )


def as_text(explanation: Explanation) -> str:
    """Write the explanation for people: the result in one sentence, then the differences."""
    parting = explanation.parting
    if parting is None:
        return f"identical: {in_brief(explanation)}{_left_out(explanation)}"
    lines = [f"different: {in_brief(explanation)}"]
    if 1 <= parting.epoch < explanation.epochs:
        lines.append(f"To see the tensors at that epoch, train both with training.epochs: {parting.epoch}.")
    tensors = [*explanation.tensors, *([explanation.predictions] if explanation.predictions else [])]
    parted = [tensor for tensor in tensors if tensor.different]
    if parted:
        width = max(len(tensor.name) for tensor in parted)
        table = pd.DataFrame(
            {
                "after the last epoch".ljust(width): [tensor.name.ljust(width) for tensor in parted],
                "elements that differ": [f"{tensor.different:,} of {tensor.elements:,}" for tensor in parted],
                "by up to, in ULPs": [f"{tensor.largest_ulps:,}" for tensor in parted],
                "in value": [f"{tensor.largest:.3g}" for tensor in parted],
            }
        )
        lines += ["", table.to_string(index=False), ""]
    equal = [tensor.name for tensor in tensors if not tensor.different]
    if equal:
        lines.append(f"Equal in every bit: {', '.join(equal)}.")
    return "\n".join(lines) + _left_out(explanation)


def _left_out(explanation: Explanation) -> str:
    if not explanation.unmatched:
        return ""
    return f"\nNot compared, because only one case has them in this dtype and shape: {', '.join(explanation.unmatched)}"


def _alike(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape


def _difference(name: str, a: NDArray[Any], b: NDArray[Any]) -> TensorDifference:
    distances = ulps(a, b)
    differs = distances > 0
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are ordinary values here
        values = np.abs(a[differs].astype(float) - b[differs].astype(float))
    return TensorDifference(
        name, a.size, int(differs.sum()), int(distances.max(initial=0)), float(values.max(initial=0.0))
    )


def ulps(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the distance of each element from its counterpart in steps to the next number of the dtype.

    The distance is 0 only if the bits are equal.

    >>> one = np.ones(1, np.float32)
    >>> int(ulps(one, np.nextafter(one, np.float32(2)))[0]), int(ulps(np.zeros(1), -np.zeros(1))[0])
    (1, 1)

    Args:
        a, b: tensors of the same shape and the same floating-point or integer dtype of at most 64 bits.
    """
    x, y = _in_order(np.atleast_1d(a)), _in_order(np.atleast_1d(b))
    # Unsigned, because the distance between two 64-bit numbers may need 64 bits.
    return (np.maximum(x, y).astype(np.uint64) - np.minimum(x, y).astype(np.uint64)).reshape(a.shape)


def _in_order(tensor: NDArray[Any]) -> NDArray[np.int64]:
    """Map elements to integers in the same order, one for each bit pattern: minus zero comes just before zero."""
    if tensor.dtype.kind != "f":
        return tensor.astype(np.int64)
    bits = np.ascontiguousarray(tensor).view(f"i{tensor.dtype.itemsize}").astype(np.int64)
    magnitude = bits & (2 ** (8 * tensor.dtype.itemsize - 1) - 1)
    return np.asarray(np.where(bits < 0, ~magnitude, magnitude))
