"""How a series divides into windows and batches.

This module does not import NumPy, because both engines check the parameters before any job runs, in the caller's
environment.
"""

from carryover.job.errors import UserError


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
