"""Phrases that the verdict, the terminal and `carryover explain` share. Nothing here needs NumPy or pandas."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from carryover.comparison.claims import readable
from carryover.training.behaviours import Training


def count(number: int, noun: str) -> str:
    """Put a number before its noun.

    >>> count(1, "epoch"), count(7999, "element")
    ('1 epoch', '7,999 elements')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seeds_of(some: int, seeds: int) -> str:
    """Say in how many of the seeds something is so.

    >>> seeds_of(3, 128)
    '3 of 128 seeds'
    """
    return f"{some:,} of {count(seeds, 'seed')}"


def by(comparison: Mapping[str, Any], lower: str) -> str:
    """Say by how much one of two is lower, from a comparison of statistics.statistics.

    >>> numbers = {"median_difference": -0.2, "confidence_low": -0.25, "confidence_high": -0.125, "corrected": 0.02}
    >>> by({"a": "x", "b": "y"} | numbers, lower="x")
    'by 0.2 (95 % interval: 0.125 to 0.25; p = 0.02)'

    Args:
        comparison: of two trainings, or of a training and a baseline.
        lower: the name of the one of which it is said; if it is the higher one, the number is negative.
    """
    sign = -1 if lower == comparison["a"] else 1
    low, high = sorted(sign * comparison[end] for end in ("confidence_low", "confidence_high"))
    difference, p = sign * comparison["median_difference"], comparison["corrected"]
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return f"by {difference + 0.0:.3g} (95 % interval: {low + 0.0:.3g} to {high + 0.0:.3g}; {chance})"


def parting(epoch: int, parts: Sequence[str], epochs: int, same_training: bool = False) -> str:
    """Say where two cases part.

    >>> parting(2, ["loss", "weights"], epochs=70)
    'part at epoch 2 (loss, weights)'
    >>> parting(71, ["predictions"], epochs=70)
    'part only in the predictions after training'
    >>> parting(3, ["epochs"], epochs=2)
    'are the same for 2 epochs, and only one has been trained for longer'
    >>> parting(1, ["states"], epochs=70, same_training=True)
    'part at epoch 1 (states), but every loss and weight is the same'

    Args:
        epoch, parts: as in partings.Parting.
        epochs: how many epochs were compared.
        same_training: whether every loss and weight is equal.
    """
    if list(parts) == ["epochs"]:
        return f"are the same for {count(epochs, 'epoch')}, and only one has been trained for longer"
    if epoch > epochs:
        return "part only in the predictions after training"
    place = f"part at epoch {epoch} ({', '.join(parts)})"
    return f"{place}, but every loss and weight is the same" if same_training else place


def parting_of_claim(claim: Mapping[str, Any]) -> str:
    """Say where the two cases of a claim part, from its entry in results/details.json."""
    return parting(claim["first_divergent_epoch"], claim["parts"], claim["compared"]["epochs"], claim["same_training"])


def compared(epochs: int, parts: Sequence[str], predictions: int, tensors: int, elements: int) -> str:
    """Say what was compared in two cases.

    >>> compared(70, ["loss", "weights", "optimizer"], predictions=1000, tensors=28, elements=3999)
    '70 epochs of loss, weights and optimizer; 1,000 predictions; 28 tensors of 3,999 elements at the end'
    """
    return (
        f"{count(epochs, 'epoch')} of {', '.join(parts[:-1])} and {parts[-1]}; {count(predictions, 'prediction')}; "
        f"{count(tensors, 'tensor')} of {count(elements, 'element')} at the end"
    )


def code(name: str) -> str:
    """Write a name as code in Markdown; the sign of a claim stays outside.

    >>> code("single_fit"), code("single_fit != loop_with_reset")
    ('`single_fit`', '`single_fit` ≠ `loop_with_reset`')
    """
    return " ".join(word if word in ("=", "≠") else f"`{word}`" for word in readable(name).split())


def plain(text: str) -> str:
    """Write a text in Markdown as it is, whatever signs it has.

    >>> print(plain("column 'rho (g/m**3)': 0"))
    column 'rho (g/m\\*\\*3)': 0
    """
    return re.sub(r"([\\`*_<>\[\]|&#~$])", r"\\\1", text)


def same(cases: Iterable[str]) -> str:
    """Join the names of cases that are the same training.

    >>> same(["loop_without_reset", "single_fit"])
    '`loop_without_reset` = `single_fit`'
    """
    return " = ".join(map(code, cases))


def same_trainings(trainings: Iterable[Training]) -> str:
    """Join the names of trainings that have turned out to be the same.

    >>> same_trainings([Training("never", "contiguous"), Training("never", "interleaved")])
    'never reset, contiguous batches = never reset, interleaved batches'
    """
    return " = ".join(dict.fromkeys(training.words for training in trainings))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
