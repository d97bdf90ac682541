"""What is forecast, how, and the units of its errors and losses, in words. Nothing here needs NumPy or pandas."""

from collections.abc import Mapping
from typing import Any

from carryover.comparison.words import count, plain
from carryover.series.options import NOISY_SINE
from carryover.training.network import STACKED
from carryover.training.options import LOSSES

OF_STANDARDIZED = {
    "mse": "1 is the variance of {target} in the training part",
    "mae": "1 is the standard deviation of {target} in the training part",
    "huber": "the target then has mean 0 and standard deviation 1 in the training part",
}
"""What a loss of each kind means if the series is standardized."""


def is_standardized(dataset: Mapping[str, Any]) -> bool:
    """Return whether the network sees the series standardized; the noisy sine never is."""
    return dataset["source"] != NOISY_SINE and bool(dataset["standardize"])


def column_name(name: str) -> str:
    """Write the name of a column as code in Markdown; in plain if it has a sign of code itself.

    >>> column_name("temp_max"), column_name("a`b")
    ('`temp_max`', 'a\\\\`b')
    """
    return plain(name) if "`" in name else f"`{name}`"


def target_of(dataset: Mapping[str, Any]) -> str:
    """Name the target.

    >>> target_of({"source": "noisy_sine"}), target_of({"source": "seattle", "target": "temp_max"})
    ('y', 'temp_max')

    Args:
        dataset: the section of the parameters.
    """
    return "y" if dataset["source"] == NOISY_SINE else str(dataset["target"])


def ahead(dataset: Mapping[str, Any]) -> str:
    """Say how many rows ahead the target is forecast; empty if it is that of the same row.

    >>> ahead({"source": "seattle", "horizon": 3})
    ', forecast 3 rows ahead'

    Args:
        dataset: the section of the parameters.
    """
    horizon = 0 if dataset["source"] == NOISY_SINE else dataset["horizon"]
    return f", forecast {count(horizon, 'row')} ahead" if horizon else ""


def error_of(dataset: Mapping[str, Any]) -> str:
    """Say in Markdown what an error on unseen data is an error of, and its units.

    >>> error_of({"source": "seattle", "target": "temp_max", "horizon": 1})
    'root mean squared error of `temp_max`, forecast 1 row ahead, in its own units'

    Args:
        dataset: the section of the parameters.
    """
    return f"root mean squared error of {column_name(target_of(dataset))}{ahead(dataset)}, in its own units"


def loss_of(params: Mapping[str, Any]) -> str:
    """Say in Markdown what a training loss is a loss of, and its units.

    >>> loss_of({"dataset": {"source": "noisy_sine"}, "training": {"loss": "mse"}})
    'The loss is the mean squared error of `y`, which the network sees in its own units.'

    Args:
        params: the parameters of the run.
    """
    dataset, loss = params["dataset"], params["training"]["loss"]
    target = column_name(target_of(dataset))
    of = f"The loss is the {LOSSES[loss]} of {target}, which the network sees"
    if not is_standardized(dataset):
        return f"{of} in its own units."
    return f"{of} standardized: {OF_STANDARDIZED[loss].format(target=target)}."


def network_of(model: Mapping[str, Any], *keys: str) -> str:
    """Name what makes the network: some keys of `model` or, if it is your own, the file that builds it.

    >>> network_of({"build": STACKED}, "units", "activation"), network_of({"build": "models/mine.py"}, "units")
    ('`model.units`, `model.activation`', '`models/mine.py`')
    """
    if model["build"] != STACKED:
        return f"`{model['build']}`"
    return ", ".join(f"`model.{key}`" for key in keys)


def how_forecast(model: Mapping[str, Any]) -> str:
    """Say how a network forecasts along a series; your own may need whole windows.

    >>> how_forecast({"build": STACKED}), how_forecast({"build": "models/mine.py"})
    ('sample by sample', 'window by window')
    """
    return "sample by sample" if model["build"] == STACKED else "window by window"
