"""Train replicates, a shard at a time, in every training: each seed has other noise and other initial weights."""

import argparse
from pathlib import Path

from carryover.job.command_line import ArgumentParser, positive_integer, run, seed, whole_number
from carryover.job.portable import load_keras
from carryover.replicates.results import write_shard
from carryover.replicates.series import Parts, noisy_sine_of_each
from carryover.replicates.settings import Settings, trainings_from_option
from carryover.replicates.shards import shards
from carryover.series.dataset import read_series
from carryover.series.notes import read_notes
from carryover.series.options import NOISY_SINE, add_lag_arguments, add_noisy_sine_arguments
from carryover.series.scales import read_scales
from carryover.training.network import OwnNetwork
from carryover.training.options import (
    add_model_arguments,
    add_optimizer_arguments,
    add_training_arguments,
    network_of,
    optimizer_of,
)


def train_replicates(arguments: argparse.Namespace) -> None:
    arguments.output.mkdir(parents=True, exist_ok=True)  # DVC tracks the folder, even if it is empty
    parts = shards(arguments.count, arguments.first_seed, arguments.shard_size)
    if not parts:
        return
    trainings = trainings_from_option(arguments.trainings)
    own = Parts(read_series(arguments.data), read_series(arguments.held_out, may_be_empty=True))
    scales = read_scales(arguments.scales)
    optimizer, parameters = optimizer_of(arguments)
    settings = Settings(
        network_of(arguments, own.training.x.shape[1]),
        arguments.time_steps,
        arguments.batch_size,
        optimizer,
        parameters,
        arguments.loss,
        arguments.epochs,
        arguments.horizon,
        arguments.season,
        read_notes(arguments.notes).samples_per_sequence,
    )

    load_keras()
    from carryover.replicates.one_by_one import train_one_by_one
    from carryover.replicates.scoring import score_shard
    from carryover.replicates.training import train_shard

    for shard in parts:
        series = [own]
        if arguments.source == NOISY_SINE:
            series = noisy_sine_of_each(shard, own, arguments.step, arguments.noise)
        if isinstance(settings.network, OwnNetwork):
            losses, errors = train_one_by_one(shard, series, scales, trainings, settings)
        else:
            losses, weights = train_shard(shard, [one.training for one in series], scales[-1], trainings, settings)
            errors = score_shard(shard, series, scales, settings, weights)
        write_shard(arguments.output, shard, losses, errors)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="a folder per shard, to write")
    parser.add_argument(
        "--trainings",
        required=True,
        nargs="+",
        metavar="NAME",
        help="the trainings, by name or as JSON, or a YAML file with a list of them",
    )
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the training part of the series")
    parser.add_argument("--held_out", required=True, type=Path, metavar="CSV", help="the held-out part of the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--notes", required=True, type=Path, metavar="JSON", help="notes on the series")
    add_noisy_sine_arguments(parser)
    add_lag_arguments(parser)
    add_model_arguments(parser)
    add_optimizer_arguments(parser)
    add_training_arguments(parser)
    replicates = parser.add_argument_group("replicates")
    replicates.add_argument("--count", required=True, type=whole_number, metavar="N", help="how many seeds")
    replicates.add_argument("--first_seed", required=True, type=seed, metavar="N", help="the first seed")
    replicates.add_argument("--shard_size", required=True, type=positive_integer, metavar="N", help="seeds per shard")
    run(train_replicates, parser)
