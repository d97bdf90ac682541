"""How a series divides into windows and batches, and at which samples of a window the network has an output.

This module does not import NumPy, because both engines check the parameters before any job runs, in the caller's
environment.
"""

from carryover.job.errors import UserError

TARGETS = ("window_end", "every_step")
"""Which samples of a window are its targets, as in `targets` of the model: the last one, or each."""


def target_shape(time_steps: int, targets: str) -> tuple[int, ...]:
    """Return the shape of the targets of a window, which is that of a network's output for it.

    >>> target_shape(24, "window_end"), target_shape(24, "every_step")
    ((1,), (24, 1))

    Args:
        time_steps: samples per window.
        targets: one of TARGETS.
    """
    return (time_steps, 1) if targets == "every_step" else (1,)


def windows_per_sequence(samples: int | None, time_steps: int) -> int | None:
    """Return how many windows an independent sequence of so many samples has; None if the series is a single one."""
    return samples // time_steps if samples else None


def count_windows(samples: int, time_steps: int, batch_size: int) -> int:
    """Return how many windows of time_steps samples there are.

    Raises:
        UserError: if the samples do not fill whole windows, or the windows do not fill whole batches. A stateful
            network has a fixed batch size, so it could not be trained on a remainder.
    """
    windows, rest = divmod(samples, time_steps)
    if rest:
        raise UserError(
            f"model.time_steps: windows of {time_steps} do not divide the {samples} samples ({rest} are left over); "
            "change model.time_steps or dataset.samples"
        )
    if windows % batch_size:
        raise UserError(
            f"model.batch_size: batches of {batch_size} do not divide the {windows} windows "
            f"({windows % batch_size} are left over); change model.batch_size or dataset.samples"
        )
    return windows
