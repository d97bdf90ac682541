"""Training the replicates of a shard as one network, in one training after another."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from carryover.job.epoch_line import Epoch, print_epoch
from carryover.replicates.loss import LossOfEach, SumOfReplicates
from carryover.replicates.model import Packed, build_replicated_model, pack, packed_values, set_packed
from carryover.replicates.restart import Restartable, compiled_as
from carryover.replicates.settings import Settings
from carryover.replicates.shards import Shard
from carryover.replicates.weights import random_weights_of_each
from carryover.series.batches import batch_order, cut_windows
from carryover.series.dataset import Floats, Series
from carryover.series.scales import Scale
from carryover.training.behaviours import Training
from carryover.training.cases import Case, case_of
from carryover.training.fitting import compile_model, diverged, make_batches, train
from carryover.training.optimizers import build_optimizer
from carryover.training.variants import Variant


def train_shard(
    shard: Shard, series: Sequence[Series], scale: Scale, trainings: Sequence[Training], settings: Settings
) -> tuple[dict[Training, NDArray[np.float64]], dict[Training, Packed]]:
    """Train the replicates of a shard at once, in each training of a network from the same initial weights.

    Args:
        shard: the seeds.
        series: the series that each replicate learns, in the order of the seeds; or a single one for all.
        scale: the scale of the target.
        trainings: which trainings.
        settings: what is trained and how.

    Returns:
        For each training the loss of each replicate at each epoch, of shape (replicates, epochs), and the weights after
        the last epoch, as model.pack arranges them.

    Raises:
        UserError: if the training of a replicate diverges.
    """
    keras.backend.clear_session()
    count, epochs = len(shard.seeds), settings.epochs
    inputs, targets = _windows(series, settings)

    @cache
    def initial(architecture: Variant) -> Packed:
        network = settings.of(architecture).network
        weights = pack(random_weights_of_each(network, shard.seeds), network)
        keras.utils.set_random_seed(0)  # the weights are drawn, and nothing else is random
        return weights

    @cache
    def network(case: Case, variant: Variant) -> Restartable:
        batches = len(inputs) // settings.batch_size
        return Restartable(_compiled(count, len(series), batches, case, settings.of(variant)))

    def train_in(training: Training, epochs_before: int) -> tuple[NDArray[np.float64], Packed]:
        case = case_of(training)
        weights = initial(training.variant.architecture)
        model = network(compiled_as(case), training.variant).restarted()
        set_packed(model, weights)
        recorded: list[NDArray[np.float32]] = []

        def record(epoch: int, logs: dict[str, Any]) -> None:
            of_each = np.asarray(logs["loss_of_each"])
            if not np.isfinite(of_each).all():
                seed = shard.seeds[int(np.isfinite(of_each).argmin())]
                where = f"replicates: {training.words}, seed {seed}, epoch {epoch}"
                raise diverged(f"{where}: the loss is not finite", model.optimizer, scale)
            so_far = Epoch(epochs_before + epoch, epochs * len(trainings), float(np.median(of_each)))
            print_epoch(so_far, of_replicates=f"seeds {shard.name}, {training.words}")
            recorded.append(of_each)

        batches = _batches(inputs, targets, settings.batch_size, training.batches)
        train(model, batches, epochs, case, record, settings.windows_per_sequence)
        return np.transpose(recorded).astype(np.float64), packed_values(model)

    trained = {training: train_in(training, epochs * number) for number, training in enumerate(trainings)}
    losses, weights = zip(*trained.values(), strict=True)
    return dict(zip(trained, losses, strict=True)), dict(zip(trained, weights, strict=True))


def _compiled(replicates: int, series: int, batches: int, case: Case, settings: Settings) -> keras.Model:
    size = settings.time_steps, settings.batch_size
    model = build_replicated_model(replicates, series, settings.network, *size, case.stateful)
    optimizer = build_optimizer(settings.optimizer, **settings.optimizer_parameters)
    loss, each = SumOfReplicates(settings.loss), LossOfEach(settings.loss, replicates)
    compile_model(model, optimizer, loss, case, batches, [each])
    return model


def _windows(series: Sequence[Series], settings: Settings) -> tuple[Floats, Floats]:
    """Cut each series into windows.

    Returns:
        Inputs of shape (windows, series, time_steps, inputs) and targets of shape (windows, series, *target_shape).
    """
    targets = settings.network.targets
    windows = [cut_windows(one, settings.time_steps, settings.batch_size, targets) for one in series]
    return np.stack([x for x, _ in windows], axis=1), np.stack([y for _, y in windows], axis=1)


def _batches(inputs: Floats, targets: Floats, batch_size: int, order: str) -> Any:
    """Arrange windows so that make_batches takes one batch of every series at once.

    Returns:
        Batches of inputs, (series, time_steps, inputs, batch_size), and of targets, (series, 1, targets per batch), in
        the order of build_replicated_model.
    """
    indices = batch_order(len(inputs), batch_size, order)
    series = inputs.shape[1]

    def arranged(windows: Floats) -> Floats:
        in_batches = windows[indices].reshape(-1, batch_size, *windows.shape[1:])
        return np.moveaxis(in_batches, 1, -1).reshape(-1, *windows.shape[2:], batch_size)

    of_batches = arranged(targets)
    return make_batches(arranged(inputs), of_batches.reshape(len(of_batches), 1, -1), series)
