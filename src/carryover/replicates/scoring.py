"""Forecasts of unseen data by replicates, as forecasts.scoring makes them with one network, and their errors."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import keras
import numpy as np
from numpy.typing import NDArray

from carryover.forecasts.held_out import (
    HeldOutWindows,
    held_out_windows,
    root_mean_squared_error,
    targets_and_baselines,
)
from carryover.forecasts.scoring import equal_parts, not_finite
from carryover.forecasts.ways import column
from carryover.replicates.model import Packed, build_replicated_model, set_packed
from carryover.replicates.series import Parts
from carryover.replicates.settings import Settings
from carryover.replicates.shards import Shard
from carryover.series.batches import target_samples
from carryover.series.dataset import Floats
from carryover.series.lags import longest_lag
from carryover.series.scales import Scale, in_own_units, series_in_own_units
from carryover.training.behaviours import Training
from carryover.training.network import Network
from carryover.training.states import reset_states
from carryover.training.variants import Variant

AT_ONCE = 200
"""How many steps or windows are forecast in one execution of the graph: more would need memory and be no faster."""

Errors = dict[str, NDArray[np.float64]]
"""Root mean squared errors, of shape (replicates,), in the series' own units: of each baseline by its name in
ways.BASELINES, and of each training by the names of ways.column."""


def score_shard(
    shard: Shard,
    parts: Sequence[Parts],
    scales: list[Scale],
    settings: Settings,
    trained: Mapping[Training, Packed],
) -> Errors:
    """Forecast the held-out part by every replicate of a shard in every training, and return the errors.

    Args:
        shard: the seeds.
        parts: the parts of the series of each replicate, in the order of the seeds; or a single one for all.
        scales: of the columns of the series, the target's last.
        settings: what the replicates are.
        trained: the weights after each training.

    Returns:
        The errors; empty if nothing is held out.

    Raises:
        UserError: if a forecast is not finite.
    """
    windows = [windows_of(one, settings) for one in parts]
    samples = windows[0].samples
    if not len(samples):
        return {}
    sequences = np.stack([one.sequences for one in windows])
    to_forecast = np.stack([one.windows for one in windows])

    @lru_cache(maxsize=1)  # the trainings of a variant come one after another
    def forecaster(architecture: Variant) -> ReplicatedForecaster:
        return ReplicatedForecaster(len(shard.seeds), settings.of(architecture).network, sequences, to_forecast)

    made = (
        (
            training,
            {
                "carried": forecaster(training.variant.architecture).with_carried_states(weights)[:, samples],
                "reset": forecaster(training.variant.architecture).with_reset_states(weights),
            },
        )
        for training, weights in trained.items()
    )
    return errors_of(shard, parts, samples, scales, settings, made)


def windows_of(parts: Parts, settings: Settings) -> HeldOutWindows:
    """Return the windows that a replicate forecasts."""
    lag = longest_lag(settings.horizon, settings.season)
    return held_out_windows(*parts, settings.time_steps, settings.network.targets, settings.sequence, lag)


def errors_of(
    shard: Shard,
    parts: Sequence[Parts],
    samples: NDArray[np.intp],
    scales: list[Scale],
    settings: Settings,
    made: Iterable[tuple[Training, Mapping[str, Floats]]],
) -> Errors:
    """Return the errors of forecasts of the held-out part.

    Args:
        shard, parts, scales, settings: as for score_shard.
        samples: as in HeldOutWindows.
        made: each training with its forecasts by the keys of ways.STATES, of shape (replicates, samples).

    Raises:
        UserError: if a forecast is not finite.
    """
    own_units = [[series_in_own_units(part, scales) for part in one] for one in parts]
    lags = settings.horizon, settings.season
    known = [targets_and_baselines(before, after, samples, *lags) for before, after in own_units]
    targets = np.stack([one.pop("target") for one in known])
    baselines = {name: np.stack([one[name] for one in known]) for name in known[0] if name != "sample"}

    def errors(forecasts: Floats) -> NDArray[np.float64]:
        return np.broadcast_to(root_mean_squared_error(forecasts, targets), len(shard.seeds))

    found: Errors = {name: errors(forecasts) for name, forecasts in baselines.items()}
    for training, of_states in made:
        for states, forecasts in of_states.items():
            finite = np.isfinite(forecasts).all(axis=1)
            if not finite.all():
                seed = shard.seeds[int(finite.argmin())]
                raise not_finite(f"replicates: {training.words}, seed {seed}", states, settings.network, scales[-1])
            found[column(training.name, states)] = errors(in_own_units(forecasts, scales[-1]))
    print(f"seeds {shard.name}: forecast {len(samples)} samples", flush=True)
    return found


class ReplicatedForecaster:
    """Replicates that forecast along their series. It is built once and used with different weights.

    Args:
        replicates: how many there are.
        network: the architecture.
        series: the inputs of both parts of each series, of shape (series, sequences, samples, inputs). Here and below
            there is one series for each replicate, or one for all. Sequences are forecast side by side.
        windows: the inputs of the held-out windows, of shape (series, windows, time_steps, inputs).
    """

    def __init__(self, replicates: int, network: Network, series: Floats, windows: Floats) -> None:
        _, sequences, self.samples, _ = series.shape
        _, count, time_steps, _ = windows.shape
        self.targets = len(target_samples(count, time_steps, network.targets))
        self.stretches = equal_parts(np.moveaxis(series, 1, -1), max(1, AT_ONCE // sequences))
        at_each_step, size = network._replace(targets="every_step"), (self.stretches.shape[2], sequences)
        self.carrying = build_replicated_model(replicates, len(series), at_each_step, *size, stateful=True)
        self.batches = np.moveaxis(equal_parts(windows, AT_ONCE), 2, -1)
        size = time_steps, self.batches.shape[-1]
        self.resetting = build_replicated_model(replicates, len(series), network, *size, stateful=False)
        for model in (self.carrying, self.resetting):
            model.compile(jit_compile=False)  # XLA generates code for the CPU it runs on

    def with_carried_states(self, weights: Packed) -> Floats:
        """Forecast every sample, with the states carried from the start of its sequence.

        Returns:
            The forecasts, of shape (replicates, sequences * samples).
        """
        reset_states(self.carrying)  # the previous weights have left theirs
        forecasts = np.concatenate(_predict(self.carrying, weights, self.stretches), axis=2)[..., : self.samples]
        return forecasts.reshape(len(forecasts), -1)

    def with_reset_states(self, weights: Packed) -> Floats:
        """Forecast the targets of each window, with the states reset before the window; (replicates, targets)."""
        forecasts = np.concatenate(_predict(self.resetting, weights, self.batches), axis=1)
        return forecasts.reshape(len(forecasts), -1)[:, : self.targets]


def _predict(model: keras.Model, weights: Packed, parts: Floats) -> list[Floats]:
    """Return the forecasts of each part, of shape (replicates, rows of its batch, targets of a row)."""
    set_packed(model, weights)
    *_, batch_size = parts.shape
    steps = [forecasts.reshape(len(forecasts), -1, batch_size) for forecasts in map(model.predict_on_batch, parts)]
    return [of_part.swapaxes(1, 2) for of_part in steps]
