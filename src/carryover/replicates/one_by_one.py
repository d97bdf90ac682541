"""Replicates of an OwnNetwork: ordinary trainings one after another, since such networks cannot be packed into one."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carryover.forecasts.scoring import Forecaster
from carryover.forecasts.ways import STATES
from carryover.job.epoch_line import Epoch, print_epoch
from carryover.replicates.restart import Restartable, compiled_as
from carryover.replicates.scoring import Errors, errors_of, windows_of
from carryover.replicates.series import Parts
from carryover.replicates.settings import Settings
from carryover.replicates.shards import Shard
from carryover.series.batches import cut_windows
from carryover.series.dataset import Floats
from carryover.series.scales import Scale
from carryover.training.behaviours import Training
from carryover.training.cases import Case, case_of
from carryover.training.fitting import compile_model, diverged, make_batches, train
from carryover.training.model import build_model, set_weights
from carryover.training.optimizers import build_optimizer
from carryover.training.own_network import draw_weights
from carryover.training.snapshot import recorded_state
from carryover.training.variants import Variant
from carryover.training.weights import Weights


def train_one_by_one(
    shard: Shard, parts: Sequence[Parts], scales: list[Scale], trainings: Sequence[Training], settings: Settings
) -> tuple[dict[Training, NDArray[np.float64]], Errors]:
    """Train and score every replicate of a shard, as the jobs `train` and `score` would with its seed.

    Args:
        shard: the seeds.
        parts: the parts of the series of each replicate, in the order of the seeds; or a single one for all.
        scales: of the columns of the series, the target's last.
        trainings: which trainings.
        settings: what is trained and how; the network is an OwnNetwork.

    Returns:
        For each training the loss of each replicate at each epoch, of shape (replicates, epochs), and the errors on the
        held-out part, which are empty if nothing is held out.

    Raises:
        UserError: if the file of the network is wrong, a training diverges, or a forecast is not finite.
    """
    of_each = [parts[row % len(parts)] for row in range(len(shard.seeds))]
    windows = [windows_of(one, settings) for one in of_each]
    initial = [draw_weights(settings.network, seed) for seed in shard.seeds]
    trainer, forecaster = _Trainer(len(trainings) * len(initial), scales[-1], settings), Forecaster(settings.network)
    losses: dict[Training, list[list[float]]] = {training: [] for training in trainings}
    forecasts: dict[Training, dict[str, list[Floats]]] = {
        training: {way: [] for way in STATES} for training in trainings
    }
    for training in trainings:
        for seed, own, to_forecast, weights in zip(shard.seeds, of_each, windows, initial, strict=True):
            loss, trained = trainer.train(training, seed, own, weights)
            losses[training].append(loss)
            if len(to_forecast.samples):
                carried = forecaster.with_carried_states(trained, to_forecast.sequences)[to_forecast.samples]
                forecasts[training]["carried"].append(carried)
                forecasts[training]["reset"].append(forecaster.with_reset_states(trained, to_forecast.windows))
    made = ((training, {way: np.stack(rows) for way, rows in ways.items()}) for training, ways in forecasts.items())
    samples = windows[0].samples
    errors = errors_of(shard, parts, samples, scales, settings, made) if len(samples) else {}
    return {training: np.array(rows) for training, rows in losses.items()}, errors


class _Trainer:
    """What trains one network after another. It compiles a model with states and one without, each once.

    Args:
        trainings: how many there will be, for the lines of the epochs.
        scale: the scale of the target.
        settings: what is trained and how.
    """

    def __init__(self, trainings: int, scale: Scale, settings: Settings) -> None:
        self.scale, self.settings = scale, settings
        self.epochs, self.total = 0, trainings * settings.epochs
        self._compiled = cache(self._compile)

    def train(self, training: Training, seed: int, parts: Parts, weights: Weights) -> tuple[list[float], Weights]:
        """Train from some weights; return the loss of each epoch, and the weights after the last one."""
        settings, case = self.settings, case_of(training)
        windows = settings.time_steps, settings.batch_size, settings.network.targets
        inputs, targets = cut_windows(parts.training, *windows)
        batches_per_epoch = len(inputs) // settings.batch_size
        model = self._compiled(compiled_as(case), batches_per_epoch, training.variant).restarted()
        set_weights(model, weights, settings.network)
        losses: list[float] = []

        def record(epoch: int, logs: dict[str, Any]) -> None:
            if not math.isfinite(logs["loss"]):
                where = f"replicates: {training.words}, seed {seed}, epoch {epoch}"
                raise diverged(f"{where}: the loss is not finite", model.optimizer, self.scale)
            losses.append(logs["loss"])
            self.epochs += 1
            print_epoch(Epoch(self.epochs, self.total, logs["loss"]))

        batches = make_batches(inputs, targets, settings.batch_size, training.batches)
        train(model, batches, settings.epochs, case, record, settings.windows_per_sequence)
        return losses, recorded_state(model)["weights"]

    def _compile(self, case: Case, batches: int, variant: Variant) -> Restartable:
        settings = self.settings.of(variant)
        model = build_model(settings.network, settings.time_steps, settings.batch_size, case.stateful)
        optimizer = build_optimizer(settings.optimizer, **settings.optimizer_parameters)
        compile_model(model, optimizer, settings.loss, case, batches)
        return Restartable(model)
