"""Train one case from the initial weights, and write its history, its predictions and its final training state."""

import argparse
from pathlib import Path

from carryover.job.command_line import ArgumentParser, run
from carryover.job.errors import UserError
from carryover.job.portable import BACKENDS, load_keras
from carryover.series.batches import cut_windows
from carryover.series.dataset import read_series
from carryover.series.notes import read_notes
from carryover.series.scales import read_scales
from carryover.series.windows import windows_per_sequence
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS
from carryover.training.case_results import write_case
from carryover.training.cases import CALLS, Case
from carryover.training.optimizers import build_optimizer
from carryover.training.options import (
    OF_THE_CASE,
    add_model_arguments,
    add_optimizer_arguments,
    add_training_arguments,
    network_of,
    optimizer_of,
)
from carryover.training.weights import read_weights


def train(arguments: argparse.Namespace) -> None:
    # Errors in the input are reported before TensorFlow is loaded, which takes seconds.
    case = Case(arguments.calls, arguments.reset, arguments.stateful, arguments.batches)
    if case.reset != "never" and not case.stateful:
        raise UserError(f"case {arguments.case}: --reset {case.reset} needs --stateful; add it, or use --reset never")
    optimizer, parameters = optimizer_of(arguments)
    series = read_series(arguments.data)
    *_, scale = read_scales(arguments.scales)
    sequence = windows_per_sequence(read_notes(arguments.notes).samples_per_sequence, arguments.time_steps)
    inputs, targets = cut_windows(series, arguments.time_steps, arguments.batch_size, arguments.targets)
    network = network_of(arguments, series.x.shape[1], of_the_case=True)
    of_the_run = network_of(arguments, series.x.shape[1])
    weights = read_weights(arguments.weights, of_the_run)

    load_keras(arguments.backend)
    import keras

    from carryover.training.carrying import carry_states, take_general_path
    from carryover.training.fitting import compile_model, make_batches, train_case
    from carryover.training.model import build_model, random_weights, set_weights
    from carryover.training.recurrent import recurrent_layers

    if network != of_the_run:  # the weights of the run do not fit; all cases of one network draw the same
        weights = random_weights(network, arguments.seed)
        keras.backend.clear_session()  # names of layers would count on
    keras.utils.set_random_seed(arguments.seed)
    model = build_model(network, arguments.time_steps, arguments.batch_size, case.stateful)
    set_weights(model, weights, network)
    if case.stateful:
        carry_states(model)
    take_general_path(recurrent_layers(model))  # without states too
    batches = make_batches(inputs, targets, arguments.batch_size, case.batches)
    compile_model(model, build_optimizer(optimizer, **parameters), arguments.loss, case, len(batches))
    results = train_case(arguments.case, model, batches, arguments.epochs, case, scale, arguments.targets, sequence)
    write_case(arguments.history, arguments.predictions, arguments.final, results)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--case", required=True, metavar="NAME", help="name of the case, for messages")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")
    parser.add_argument("--notes", required=True, type=Path, metavar="JSON", help="notes on the series")
    parser.add_argument("--weights", required=True, type=Path, metavar="NPZ", help="the initial weights")
    parser.add_argument("--history", required=True, type=Path, metavar="CSV", help="loss and digests, to write")
    parser.add_argument("--predictions", required=True, type=Path, metavar="CSV", help="predictions, to write")
    parser.add_argument("--final", required=True, type=Path, metavar="NPZ", help="the final training state, to write")
    add_model_arguments(parser)
    add_optimizer_arguments(parser)
    add_training_arguments(parser)
    spelling = parser.add_argument_group("case")
    spelling.add_argument("--calls", required=True, choices=list(CALLS), help="how to call fit")
    spelling.add_argument("--reset", required=True, choices=list(BEHAVIOURS), help="when to reset the states")
    spelling.add_argument("--stateful", action="store_true", help="carry states from batch to batch")
    spelling.add_argument("--batches", required=True, choices=list(BATCH_ORDERS), help="order of the windows")
    spelling.add_argument("--backend", default=BACKENDS[0], choices=BACKENDS, help="the backend of Keras")
    add_optimizer_arguments(parser, OF_THE_CASE)
    run(train, parser)
