"""Train replicates, one shard at a time: the same training with other noise and initial weights for each seed."""

import argparse
from pathlib import Path

from carryover.job.command_line import ArgumentParser, positive_integer, run, seed, whole_number
from carryover.job.portable import load_keras
from carryover.replicates.losses import write_shard
from carryover.replicates.shards import Shard, shards
from carryover.series.dataset import Series, read_series
from carryover.series.noisy_sine import noisy_sine
from carryover.series.options import NOISY_SINE, add_series_arguments, noisy_sine_samples
from carryover.training.behaviours import BEHAVIOURS
from carryover.training.optimizers import build_optimizer
from carryover.training.options import (
    add_model_arguments,
    add_optimizer_arguments,
    add_training_arguments,
    network_of,
    optimizer_parameters,
)


def series_of(arguments: argparse.Namespace, shard: Shard) -> list[Series]:
    """Return the series of each replicate of a shard: its own noisy sine, or the same CSV file for all."""
    if arguments.source != NOISY_SINE:
        return [read_series(arguments.data)] * len(shard.seeds)
    samples = noisy_sine_samples(arguments)
    return [noisy_sine(samples, arguments.step, arguments.noise, seed) for seed in shard.seeds]


def train_replicates(arguments: argparse.Namespace) -> None:
    parts = shards(arguments.count, arguments.behaviours, arguments.first_seed, arguments.shard_size)
    arguments.output.mkdir(parents=True, exist_ok=True)  # DVC tracks the folder, even if it is empty
    if not parts:
        return
    parameters = optimizer_parameters(arguments)
    network = network_of(arguments, series_of(arguments, parts[0])[0].x.shape[1])

    load_keras()
    from carryover.replicates.training import train_shard

    for shard in parts:
        losses = train_shard(
            shard,
            series_of(arguments, shard),
            network,
            arguments.time_steps,
            arguments.batch_size,
            build_optimizer(arguments.name, **parameters),
            arguments.loss,
            arguments.epochs,
        )
        write_shard(arguments.output / shard.path, shard, losses)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="a file per shard, to write")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series, unless a noisy sine")
    add_series_arguments(parser)
    add_model_arguments(parser)
    add_optimizer_arguments(parser)
    add_training_arguments(parser)
    replicates = parser.add_argument_group("replicates")
    replicates.add_argument("--count", required=True, type=whole_number, metavar="N", help="replicates per behaviour")
    replicates.add_argument("--behaviours", required=True, choices=list(BEHAVIOURS), nargs="+", help="when to reset")
    replicates.add_argument("--first_seed", required=True, type=seed, metavar="N", help="seed of the first replicate")
    replicates.add_argument(
        "--shard_size", required=True, type=positive_integer, metavar="N", help="replicates per network"
    )
    run(train_replicates, parser)
