"""Train replicates, a shard at once: the same training from other noise and other initial weights, seed by seed."""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from carryover import hermetic
from carryover.command_line import (
    ArgumentParser,
    add_model_arguments,
    add_optimizer_arguments,
    add_series_arguments,
    add_training_arguments,
    network,
    noisy_sine_samples,
    optimizer_parameters,
    positive_integer,
    run,
    seed,
    whole_number,
)
from carryover.dataset import cut_windows, noisy_sine, read_series
from carryover.errors import UserError
from carryover.files import writing
from carryover.keras_loading import load_keras
from carryover.optimizers import build_optimizer
from carryover.replicates import COLUMNS
from carryover.shards import Shard, shards


def train_replicates(arguments: argparse.Namespace) -> None:
    parts = shards(arguments.count, arguments.behaviours, arguments.first_seed, arguments.shard_size)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if len(parts) == 1:
        train_shard(arguments, parts[0])
    else:
        train_each_in_a_job(parts)


def train_each_in_a_job(parts: list[Shard]) -> None:
    """Each shard is a job of its own, by this script's own command; as many run at once as there are processors."""

    def train(shard: Shard) -> int:
        replicates = ["--behaviours", shard.behaviour, "--first_seed", shard.first_seed, "--count", len(shard.seeds)]
        job = hermetic.command(["python", *sys.argv, *map(str, replicates)])  # the last of two equal options counts
        return subprocess.run(job, env=hermetic.environment(os.environ), check=False).returncode

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as jobs:
        for status in jobs.map(train, parts):
            if status != 0:
                jobs.shutdown(cancel_futures=True)
                sys.exit(status)  # the job has said why


def train_shard(arguments: argparse.Namespace, shard: Shard) -> None:
    """Train the replicates of a shard as one network, and write the loss of each at each epoch."""
    count = len(shard.seeds)
    parameters = optimizer_parameters(arguments)
    if arguments.source == "noisy_sine":
        samples = noisy_sine_samples(arguments)
        series = [noisy_sine(samples, arguments.step, arguments.noise, seed) for seed in shard.seeds]
    else:
        series = [read_series(arguments.data)] * count
    windows = [cut_windows(one, arguments.time_steps, arguments.batch_size) for one in series]
    of = network(arguments, series[0].x.shape[1])
    # From (replicates, batches, batch_size, ...) to batches of (replicates, time_steps, inputs, batch_size).
    shape = count, -1, arguments.batch_size
    inputs = np.stack([x for x, _ in windows]).reshape(*shape, arguments.time_steps, of.inputs).transpose(1, 0, 3, 4, 2)
    targets = np.stack([y for _, y in windows]).reshape(*shape, 1).transpose(1, 0, 3, 2)

    load_keras()
    import keras

    from carryover.replicated_model import (
        LossOfEach,
        SumOfReplicates,
        build_replicated_model,
        check_optimizer,
        random_weights_of_each,
        set_replicated_weights,
    )
    from carryover.training import Case, compile_model, make_batches, train

    weights = random_weights_of_each(of, shard.seeds)
    keras.utils.set_random_seed(0)  # nothing random is left
    case = Case("single", shard.behaviour, stateful=True)  # type: ignore[arg-type]  # checked by the command line
    model = build_replicated_model(count, of, arguments.time_steps, arguments.batch_size)
    set_replicated_weights(model, weights)
    optimizer = build_optimizer(arguments.name, **parameters)
    check_optimizer(optimizer)
    each = LossOfEach(arguments.loss, count)
    compile_model(model, optimizer, SumOfReplicates(arguments.loss), case, len(inputs), [each])

    losses: list[Any] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        loss = np.asarray(logs[each.name])
        if not np.isfinite(loss).all():
            seed = shard.seeds[int(np.isfinite(loss).argmin())]
            raise UserError(
                f"replicates: {shard.behaviour}, seed {seed}, epoch {epoch}: the loss is not finite: "
                "training diverges; lower learning_rate or raise epsilon of the optimizer"
            )
        print(f"{shard.path}: epoch {epoch} of {arguments.epochs}: median loss {np.median(loss):.9g}", flush=True)
        losses.append(loss)

    batches = make_batches(inputs.reshape(-1, *inputs.shape[2:]), targets.reshape(-1, *targets.shape[2:]), count)
    train(model, batches, arguments.epochs, case, record)
    with writing(arguments.output / shard.path) as file:
        print(*COLUMNS, sep=",", file=file)
        for seed, row in zip(shard.seeds, np.transpose(losses), strict=True):
            for epoch, loss in enumerate(row, start=1):
                print(f"{seed},{epoch},{loss:.9g}", file=file)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="one file of losses per shard")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series, where it is no noisy sine")
    add_series_arguments(parser)
    add_model_arguments(parser)
    add_optimizer_arguments(parser)
    add_training_arguments(parser)
    replicates = parser.add_argument_group("replicates")
    replicates.add_argument("--count", required=True, type=whole_number, metavar="N", help="how many per behaviour")
    behaviours = ["never", "every_epoch", "every_batch"]
    replicates.add_argument("--behaviours", required=True, choices=behaviours, nargs="+", help="when to reset")
    replicates.add_argument("--first_seed", required=True, type=seed, metavar="N", help="of the noise and the weights")
    replicates.add_argument(
        "--shard_size", required=True, type=positive_integer, metavar="N", help="replicates per job"
    )
    run(train_replicates, parser)
