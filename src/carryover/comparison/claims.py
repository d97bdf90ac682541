"""The claims: which pairs of cases should be the same training, which should differ, and when a claim says nothing."""

from carryover.job.yaml_file import Params
from carryover.training.behaviours import Training
from carryover.training.cases import training_of

SIGNS = {"identical": "=", "different": "!="}
"""The sign between the two cases of a claim, by the kind of claim."""


def claims(params: Params) -> dict[str, tuple[str, str, str]]:
    """Return the claims by name: `single_fit = loop_without_reset` is ("single_fit", "=", "loop_without_reset")."""
    return {f"{a} {sign} {b}": (a, sign, b) for kind, sign in SIGNS.items() for a, b in params["claims"][kind]}


def readable(name: str) -> str:
    """Write a claim's name with the sign that people use.

    >>> readable("single_fit != stateless_fit")
    'single_fit ≠ stateless_fit'
    """
    return name.replace("!=", "≠")


def spellings(params: Params) -> dict[Training, list[str]]:
    """Group the cases by the training that their definitions spell, whatever the run found."""
    found: dict[Training, list[str]] = {}
    for name in params["cases"]:
        found.setdefault(training_of(name, params), []).append(name)
    return found


def why_the_same(a: Training, b: Training, params: Params, windows: int, sequence: int | None = None) -> str:
    """Say why two trainings that are defined differently learn the same in a run of this size.

    >>> params = {"model": {"batch_size": 1}, "training": {"epochs": 70}}
    >>> why_the_same(Training("never", "interleaved"), Training("never", "contiguous"), params, windows=1000)
    'with batch size 1 both batch orders are the same'

    Args:
        a, b: the trainings.
        params: the parameters of the run.
        windows: how many windows there are in an epoch.
        sequence: windows per independent sequence; None if the series is a single one.

    Returns:
        The reason; empty if the trainings are defined the same, or if nothing makes them learn the same.
    """
    if a.variant != b.variant:
        return ""
    batch_size = params["model"]["batch_size"]
    one_batch, one_epoch = windows == batch_size, params["training"]["epochs"] == 1
    one_in_a_row = sequence is not None and windows == batch_size * sequence
    size = "batch size 1" if batch_size == 1 else "one batch per epoch"
    coinciding = {
        ("contiguous", "interleaved"): (batch_size == 1 or one_batch, f"with {size} both batch orders are the same"),
        ("every_batch", "every_epoch"): (
            one_batch,
            "with one batch per epoch, resetting every epoch is resetting every batch",
        ),
        ("every_epoch", "never"): (one_epoch, "with a single epoch, the reset comes after all learning"),
        ("every_batch", "never"): (one_batch and one_epoch, "with a single batch, there is no state to carry"),
        ("every_epoch", "every_sequence"): (
            one_in_a_row,
            "with one sequence in each row of the batches, resetting every sequence is resetting every epoch",
        ),
        ("every_batch", "every_sequence"): (
            sequence == 1,
            "with one window per sequence, resetting every sequence is resetting every batch",
        ),
        ("every_sequence", "never"): (
            one_in_a_row and one_epoch,
            "with a single epoch and one sequence in each row of the batches, the reset comes after all learning",
        ),
    }
    pairs = [(a.behaviour, b.behaviour), (a.batches, b.batches)]
    reasons = [coinciding[min(pair), max(pair)] for pair in pairs if pair[0] != pair[1]]
    return "; ".join(reason for _, reason in reasons) if all(applies for applies, _ in reasons) else ""
