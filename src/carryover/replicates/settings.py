"""What the replicates are and how they are trained, without Keras."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.training.behaviours import TRAININGS, Training
from carryover.training.network import Network


class Settings(NamedTuple):
    """What is trained and how, the same for every replicate.

    Attributes:
        network: the architecture.
        time_steps: steps per window.
        batch_size: windows per batch.
        optimizer: the name of the optimizer.
        optimizer_parameters: all of its parameters.
        loss: Keras's name of the loss.
        epochs: how many epochs to train.
    """

    network: Network
    time_steps: int
    batch_size: int
    optimizer: str
    optimizer_parameters: Mapping[str, float]
    loss: str
    epochs: int


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
