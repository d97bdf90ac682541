"""What the replicates are and how they are trained, without Keras."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.series.windows import windows_per_sequence
from carryover.training.behaviours import TRAININGS, Training, training_from
from carryover.training.variants import Variant


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

    def of(self, variant: Variant) -> "Settings":
        """Return the settings of a variant."""
        changed = self._replace(network=variant.network(self.network))
        if variant.optimizer is None:
            return changed
        parameters = dict(variant.optimizer)
        return changed._replace(optimizer=parameters.pop("name"), optimizer_parameters=parameters)

    @property
    def windows_per_sequence(self) -> int | None:
        """The windows of each independent sequence; None if the series is a single one."""
        return windows_per_sequence(self.sequence, self.time_steps)


def trainings_from_option(words: Sequence[str]) -> list[Training]:
    """Read the words of `train_replicates --trainings`: definitions of trainings, or a YAML file with a list of them.

    >>> words = ["contiguous_never", '{"training": "contiguous_never", "variant": "gru", "cell": "gru"}']
    >>> [training.name for training in trainings_from_option(words)]
    ['contiguous_never', 'contiguous_never_gru']

    Args:
        words: each is a Training.definition, that of a variant as JSON; or a single one is the name of the file.

    Raises:
        UserError: if something is not a definition of a training, or if the file is missing or not a list.
    """
    definitions: Any = words
    where = "--trainings"
    if len(words) == 1 and words[0].endswith(".yaml"):
        definitions, where = read_yaml(Path(words[0])), words[0]
    if not isinstance(definitions, Sequence) or isinstance(definitions, str) or not definitions:
        raise UserError(f"{where}: not a list of trainings; delete the file and run the pipeline again")
    return [_training_from(definition, where) for definition in definitions]


def trainings_as_words(trainings: Iterable[Training]) -> list[str]:
    """Write trainings as the words of `train_replicates --trainings`."""
    definitions = [training.definition for training in trainings]
    return [one if isinstance(one, str) else json.dumps(one) for one in definitions]


def _training_from(definition: Any, where: str) -> Training:
    try:
        is_json = isinstance(definition, str) and definition.startswith("{")
        return training_from(json.loads(definition) if is_json else definition)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{where}: {definition!r} is not one of {', '.join(TRAININGS)}, with or without a variant"
        ) from None
