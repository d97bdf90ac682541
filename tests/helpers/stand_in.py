"""A stand-in for the scripts that need TensorFlow or draw: for the tests of the engines, which only look at files.

It is copied in the place of a script and knows by its name which one it stands in for. What it writes has the right
format and is made from a hash of every option and of the content of every input, so that an engine that leaves one out
makes other bytes. It takes a third of a second.
"""

import hashlib
import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from carryover.job.own_files import find

SCRIPT = Path(__file__).stem
OUTPUTS = {"history", "predictions", "final"} if SCRIPT == "train" else {"output"}
SECONDS_PER_EPOCH = 0.001

Options = dict[str, list[str]]


def options(words: list[str]) -> Options:
    """The words of each option."""
    given: Options = {}
    for word in words:
        if word.startswith("--"):
            name = word.removeprefix("--")
            given[name] = []
        else:
            given[name].append(word)
    return given


def random(given: Options, *more: object) -> np.random.Generator:
    """A generator that is seeded by options, by the content of the files that they name, and by more."""
    sha = hashlib.sha256(repr([SCRIPT, *more]).encode())
    for name, words in sorted(given.items()):
        sha.update(repr([name, words]).encode())
        for file in [file for word in words for file in files(given, name, Path(word))]:
            sha.update(file.name.encode() + content(file))
    return np.random.default_rng(list(sha.digest()))


@cache
def content(file: Path) -> bytes:
    """What is in a file; in one of parameters, whatever their order."""
    if file.suffix != ".yaml":
        return file.read_bytes()
    from carryover.job.yaml_file import read_yaml

    return json.dumps(read_yaml(file), sort_keys=True).encode()


def files(given: Options, name: str, path: Path) -> list[Path]:
    """What is read of an option's path: of the cases and the replicates, only those that the parameters name."""
    if name in ("cases", "replicates"):
        from carryover.replicates.results import SHARD_FILES
        from carryover.replicates.shards import shards
        from carryover.training.case_results import CASE_FILES

        params = json.loads(content(Path(*given["params"])))
        if name == "cases":
            return [path / case / file for case in params["cases"] for file in CASE_FILES]
        return [path / shard.name / file for shard in shards(**params["replicates"]) for file in SHARD_FILES]
    found = find(path)
    return [file for file in [found, *sorted(found.rglob("*"))] if file.is_file() and file.suffix != ".pyc"]


def weights(given: Options, generator: np.random.Generator) -> dict[str, Any]:
    from carryover.series.dataset import read_columns
    from carryover.training.network import Network, weight_shapes

    *inputs, _ = read_columns(Path(*given["data"]))
    units, gates, cell, activation = (given[n] for n in ("units", "recurrent_activation", "cell", "activation"))
    network = Network([int(count) for count in units], *gates, *cell, *activation, len(inputs))
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(network).items()}


def make_initial_weights(given: Options, output: Path) -> None:
    from carryover.job.arrays import read_arrays, write_arrays

    (source,) = given["initial_weights"]
    write_arrays(output, weights(given, random(given)) if source == "random" else read_arrays(find(source)))


def train(given: Options, history: Path, predictions: Path, final: Path) -> None:
    import pandas as pd

    from carryover.job.digests import digest
    from carryover.job.epoch_line import Epoch, print_epoch
    from carryover.series.batches import target_samples
    from carryover.series.dataset import read_series
    from carryover.training.case_results import PARTS, CaseResults, write_case

    generator = random(given)
    epochs = int(*given["epochs"])
    losses = generator.uniform(size=epochs)
    # The first loss is that of the initial weights and the first batches, whatever becomes of the states later.
    common = {name: words for name, words in given.items() if name not in ("case", "calls", "reset", "epochs")}
    losses[0] = random(common).uniform()
    for epoch, loss in enumerate(losses.tolist(), start=1):
        print_epoch(Epoch(epoch, epochs, loss))
        time.sleep(SECONDS_PER_EPOCH)
    state = {f"weights/{name}": weight for name, weight in weights(given, generator).items()}
    state |= {f"{part}/x": generator.normal(size=3).astype(np.float32) for part in PARTS if part != "weights"}
    digests = {
        f"{part}_sha256": [generator.bytes(32).hex() for _ in range(epochs - 1)]
        + [digest({name: tensor for name, tensor in state.items() if name.startswith(f"{part}/")})]
        for part in PARTS
    }
    table = pd.DataFrame({"epoch": range(1, epochs + 1), "loss": losses, **digests})
    series, time_steps = read_series(Path(*given["data"])), int(*given["time_steps"])
    samples = target_samples(len(series.y) // time_steps, time_steps, *given["targets"])
    predicted = pd.DataFrame({"sample": samples, "prediction": generator.normal(size=len(samples))})
    write_case(history, predictions, final, CaseResults(table, predicted, state))


def train_replicates(given: Options, output: Path) -> None:
    from carryover.forecasts.ways import STATES, column
    from carryover.replicates.results import write_shard
    from carryover.replicates.settings import trainings_from_option
    from carryover.replicates.shards import shards

    count, first_seed, shard_size = (int(*given.pop(name)) for name in ("count", "first_seed", "shard_size"))
    output.mkdir(parents=True, exist_ok=True)
    trainings = trainings_from_option(given["trainings"])
    given["trainings"] = [training.name for training in trainings]  # which DVC gives in a file
    known = known_forecasts(given, *(int(*given[key]) for key in ("horizon", "season")))
    columns = [name for name in known if name not in ("sample", "target")]
    columns += [column(training.name, states) for training in trainings for states in STATES]
    for shard in shards(count, first_seed, shard_size):
        # Which replicates a job trains besides one makes no difference to it.
        losses = {
            training: np.array(
                [random(given, training.name, seed).uniform(size=int(*given["epochs"])) for seed in shard.seeds]
            )
            for training in trainings
        }
        errors = {
            name: np.array([random(given, name, seed).uniform() for seed in shard.seeds])
            for name in columns
            if len(known["sample"])
        }
        write_shard(output, shard, losses, errors)


def known_forecasts(given: Options, horizon: int, season: int) -> dict[str, Any]:
    """The columns of the forecasts that need no network, as the real scripts make them."""
    from carryover.forecasts.held_out import held_out_windows, targets_and_baselines
    from carryover.series.dataset import read_series
    from carryover.series.scales import read_scales, series_in_own_units

    parts = read_series(Path(*given["data"])), read_series(Path(*given["held_out"]), may_be_empty=True)
    samples = held_out_windows(*parts, int(*given["time_steps"]), *given["targets"]).samples
    scales = read_scales(Path(*given["scales"]))
    own_units = (series_in_own_units(part, scales) for part in parts)
    return targets_and_baselines(*own_units, samples, horizon, season)


def score(given: Options, output: Path) -> None:
    from carryover.forecasts.held_out import write_forecasts
    from carryover.forecasts.ways import STATES, column
    from carryover.job.yaml_file import read_yaml
    from carryover.training.case_results import remove_other_cases

    params = read_yaml(Path(*given["params"]))
    cases, dataset = params["cases"], params["dataset"]
    remove_other_cases(Path(*given["cases"]), cases)
    known = known_forecasts(given, dataset["horizon"], dataset["season"])
    samples = known["sample"]
    forecasts = {
        column(case, states): random(given, case, states).normal(size=len(samples)).astype(np.float32)
        for case in cases
        for states in STATES
        if len(samples)
    }
    write_forecasts(output, known, forecasts, cases)


def render_figures(given: Options, output: Path) -> None:
    from carryover.figures import FIGURES
    from carryover.job.files import writing

    for name in FIGURES:
        with writing(output / f"{name}.svg") as file:
            file.write(
                f'<svg xmlns="http://www.w3.org/2000/svg"><!-- {random(given, name).bytes(32).hex()} --></svg>\n'
            )
        with writing(output / f"{name}.png", "wb") as file:
            file.write(b"\x89PNG" + random(given, name).bytes(32))


if __name__ == "__main__":
    inputs = options(sys.argv[1:])
    outputs = {name: Path(*inputs.pop(name)) for name in sorted(OUTPUTS)}
    globals()[SCRIPT](inputs, **outputs)
