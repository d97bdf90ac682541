"""Training a shard of replicates as one network."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from carryover.job.epoch_line import Epoch, print_epoch
from carryover.replicates.model import (
    LossOfEach,
    SumOfReplicates,
    build_replicated_model,
    check_optimizer,
    random_weights_of_each,
    set_replicated_weights,
)
from carryover.replicates.shards import Shard
from carryover.series.batches import cut_windows
from carryover.series.dataset import Floats, Series
from carryover.training.cases import Case
from carryover.training.fitting import compile_model, diverged, make_batches, train
from carryover.training.network import Network


def train_shard(
    shard: Shard,
    series: Sequence[Series],
    network: Network,
    time_steps: int,
    batch_size: int,
    optimizer: keras.optimizers.Optimizer,
    loss: str,
    epochs: int,
) -> NDArray[np.float64]:
    """Train the replicates of a shard at once.

    Args:
        shard: the behaviour and the seeds.
        series: the series that each replicate learns, in the order of the seeds.
        network: the architecture of each replicate.
        time_steps: steps per window.
        batch_size: windows per batch.
        optimizer: the optimizer of all replicates.
        loss: Keras's name of the loss.
        epochs: how many epochs to train.

    Returns:
        The loss of each replicate at each epoch, float64 of shape (replicates, epochs).

    Raises:
        UserError: as check_optimizer; or if the training of a replicate diverges.
    """
    keras.backend.clear_session()
    check_optimizer(optimizer)
    count = len(shard.seeds)
    inputs, targets = _batches(series, time_steps, batch_size)
    weights = random_weights_of_each(network, shard.seeds)
    keras.utils.set_random_seed(0)  # the weights are drawn, and nothing else is random
    case = Case("single", shard.behaviour, stateful=True)  # type: ignore[arg-type]  # checked by the command line
    model = build_replicated_model(count, network, time_steps, batch_size)
    set_replicated_weights(model, weights)
    each = LossOfEach(loss, count)
    compile_model(model, optimizer, SumOfReplicates(loss), case, len(inputs) // count, [each])
    losses: list[NDArray[np.float32]] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        of_each = np.asarray(logs[each.name])
        if not np.isfinite(of_each).all():
            seed = shard.seeds[int(np.isfinite(of_each).argmin())]
            where = f"replicates: {shard.behaviour}, seed {seed}, epoch {epoch}"
            raise diverged(f"{where}: the loss is not finite", optimizer)
        print_epoch(Epoch(epoch, epochs, float(np.median(of_each))), of_replicates=shard.path)
        losses.append(of_each)

    train(model, make_batches(inputs, targets, count), epochs, case, record)
    return np.transpose(losses).astype(np.float64)


def _batches(series: Sequence[Series], time_steps: int, batch_size: int) -> tuple[Floats, Floats]:
    """Arrange the windows so that make_batches takes one batch of every replicate at once.

    Returns:
        Inputs of shape (batches * replicates, time_steps, inputs, batch_size) and targets of shape
        (batches * replicates, 1, batch_size), the replicates varying fastest.
    """
    windows = [cut_windows(one, time_steps, batch_size) for one in series]
    features = series[0].x.shape[1]
    shape = len(series), -1, batch_size
    inputs = np.stack([x for x, _ in windows]).reshape(*shape, time_steps, features).transpose(1, 0, 3, 4, 2)
    targets = np.stack([y for _, y in windows]).reshape(*shape, 1).transpose(1, 0, 3, 2)
    return inputs.reshape(-1, *inputs.shape[2:]), targets.reshape(-1, *targets.shape[2:])
