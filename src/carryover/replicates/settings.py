"""What the replicates are and how they are trained, without Keras."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.series.windows import windows_per_sequence
from carryover.training.behaviours import TRAININGS, Training


class Settings(NamedTuple):
    """What is trained and how, the same for every replicate.

    Attributes:
        network: the architecture, a Network or an OwnNetwork.
        time_steps: steps per window.
        batch_size: windows per batch.
        optimizer: the name of the optimizer.
        optimizer_parameters: all of its parameters.
        loss: Keras's name of the loss.
        epochs: how many epochs to train.
        horizon, season: the keys of `dataset`, for the naive forecasts.
        sequence: samples per independent sequence; None if the series is a single one.
    """

    network: Any
    time_steps: int
    batch_size: int
    optimizer: str
    optimizer_parameters: Mapping[str, float]
    loss: str
    epochs: int
    horizon: int = 0
    season: int = 0
    sequence: int | None = None

    @property
    def windows_per_sequence(self) -> int | None:
        """The windows of each independent sequence; None if the series is a single one."""
        return windows_per_sequence(self.sequence, self.time_steps)


def trainings_from_option(words: Sequence[str]) -> list[Training]:
    """Read the words of `train_replicates --trainings`: the names of trainings, or a YAML file with a list of them.

    >>> trainings_from_option(["contiguous_never"])
    [Training(behaviour='never', batches='contiguous')]

    Raises:
        UserError: if a name is not one of TRAININGS, or if the file is missing or not a list of names.
    """
    names, where = words, "--trainings"
    if len(words) == 1 and words[0].endswith(".yaml"):
        names, where = read_yaml(Path(words[0])), words[0]
    if not isinstance(names, Sequence) or isinstance(names, str) or not names:
        raise UserError(f"{where}: not a list of trainings; delete the file and run the pipeline again")
    for name in names:
        if name not in TRAININGS:
            raise UserError(f"{where}: {name!r} is not one of {', '.join(TRAININGS)}")
    return [TRAININGS[name] for name in names]
