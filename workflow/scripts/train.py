"""Train one case from the initial weights, and write its history, its predictions and its final state."""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from carryover.arrays import write_arrays
from carryover.case_results import HISTORY, PREDICTIONS
from carryover.command_line import (
    ArgumentParser,
    add_model_arguments,
    add_optimizer_arguments,
    add_training_arguments,
    network,
    optimizer_parameters,
    run,
)
from carryover.dataset import cut_windows, read_series
from carryover.errors import UserError
from carryover.files import writing
from carryover.keras_loading import load_keras
from carryover.optimizers import build_optimizer
from carryover.splitting import in_own_units, read_scales
from carryover.weights import read_weights


def train_case(arguments: argparse.Namespace) -> None:
    # Whatever can be wrong with the input is told before TensorFlow is loaded, which takes seconds.
    if arguments.reset != "never" and not arguments.stateful:
        raise UserError(f"case {arguments.case}: --reset {arguments.reset} needs --stateful: there are no states")
    parameters = optimizer_parameters(arguments)
    series, *_, scale = read_series(arguments.data), *read_scales(arguments.scales)
    inputs, targets = cut_windows(series, arguments.time_steps, arguments.batch_size)
    of = network(arguments, inputs.shape[2])
    weights = read_weights(arguments.weights, of)

    load_keras()
    import keras

    from carryover.model import build_model, set_weights
    from carryover.snapshot import training_state, training_state_digests
    from carryover.training import Case, compile_model, make_batches, predict, train

    keras.utils.set_random_seed(arguments.seed)
    case = Case(arguments.calls, arguments.reset, arguments.stateful, arguments.batches)
    model = build_model(of, arguments.time_steps, arguments.batch_size, arguments.stateful)
    set_weights(model, weights)
    optimizer = build_optimizer(arguments.name, **parameters)
    compile_model(model, optimizer, arguments.loss, case, len(inputs) // arguments.batch_size)

    def diverged(what: str) -> UserError:
        return UserError(
            f"case {arguments.case}: {what}: training diverges; lower learning_rate or raise epsilon of the optimizer"
        )

    rows: list[str] = []

    def record(epoch: int, logs: dict[str, Any]) -> None:
        loss = logs["loss"]
        if not math.isfinite(loss):
            raise diverged(f"epoch {epoch}: the loss is {loss}")
        print(f"epoch {epoch} of {arguments.epochs}: loss {loss:.9g}", flush=True)
        rows.append(f"{epoch},{loss:.9g},{','.join(training_state_digests(model).values())}")

    batches = make_batches(inputs, targets, arguments.batch_size, case.batches)
    train(model, batches, arguments.epochs, case, record)
    if len(rows) != arguments.epochs:
        raise UserError(
            f"case {arguments.case}: Keras has trained {len(rows)} of {arguments.epochs} epochs: KERAS_MAX_EPOCHS is "
            "set, or max_epochs in keras.json; start the command with 'hermetic' (hermetic python ...)"
        )
    # Predicting advances the states, so they are taken before it.
    final = training_state(model)._asdict()
    predictions = predict(model, batches, case)
    if not np.isfinite(predictions).all():
        raise diverged("a prediction after training is not finite")

    with writing(arguments.history) as file:
        print(",".join(HISTORY), *rows, sep="\n", file=file)
    with writing(arguments.predictions) as file:
        samples = range(arguments.time_steps - 1, len(inputs) * arguments.time_steps, arguments.time_steps)
        own = in_own_units(predictions, scale)
        lines = (f"{sample},{prediction:.9g}" for sample, prediction in zip(samples, own, strict=True))
        print(",".join(PREDICTIONS), *lines, sep="\n", file=file)
    arrays = {f"{part}/{name}": tensor for part, tensors in final.items() for name, tensor in tensors.items()}
    write_arrays(arguments.final, arrays)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--case", required=True, metavar="NAME", help="the case, for messages")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--weights", required=True, type=Path, metavar="NPZ", help="the initial weights")
    parser.add_argument("--history", required=True, type=Path, metavar="CSV", help="loss and digests per epoch")
    parser.add_argument("--predictions", required=True, type=Path, metavar="CSV", help="after training, per window")
    parser.add_argument("--final", required=True, type=Path, metavar="NPZ", help="the state after the last epoch")
    add_model_arguments(parser)
    add_optimizer_arguments(parser)
    add_training_arguments(parser)
    spelling = parser.add_argument_group("case")
    spelling.add_argument("--calls", required=True, choices=["loop", "single"], help="of fit")
    spelling.add_argument("--reset", required=True, choices=["never", "every_epoch", "every_batch"])
    spelling.add_argument("--stateful", action="store_true", help="carry the states from batch to batch")
    batches = ["contiguous", "interleaved"]
    spelling.add_argument("--batches", required=True, choices=batches, help="to which window a row carries its state")
    run(train_case, parser)
