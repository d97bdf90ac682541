"""Replicates: each is trained and forecasts as if it were alone, whatever shard it is in."""

import re
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers.once import Once
from helpers.project import AS_PLAIN_CSV
from helpers.steps import run_here
from helpers.training import ADAM, RMSPROP, SGD, Setting, StartingModel
from pandas import read_csv

from carryover.forecasts.held_out import (
    held_out_windows,
    read_forecasts,
    root_mean_squared_error,
    scores,
    targets_and_baselines,
)
from carryover.forecasts.ways import STATES, column
from carryover.job.yaml_file import write_yaml
from carryover.replicates.results import read_replicates
from carryover.replicates.series import Parts, noisy_sine_of_each
from carryover.replicates.settings import Settings
from carryover.replicates.shards import Shard
from carryover.series.batches import cut_windows
from carryover.series.dataset import Series
from carryover.series.noisy_sine import noisy_sine
from carryover.series.rows import computed
from carryover.series.scales import AS_IT_IS, Scale, series_in_own_units
from carryover.series.splitting import divide
from carryover.series.windows import TARGETS
from carryover.training.behaviours import TRAININGS, Training
from carryover.training.case_results import CASE_FILES
from carryover.training.cases import Case
from carryover.training.network import ACTIVATIONS, GATES, RECURRENT_ACTIVATIONS, STACKED, Network
from carryover.training.optimizers import OPTIMIZERS
from carryover.training.options import LOSSES
from carryover.training.weights import Weights

TOLERANCE = 1e-5
"""Relative, of a loss at every epoch: sums are added up in another order when many replicates are trained at once."""

ERROR_TOLERANCE = 1e-4
"""Relative, of an error on unseen data."""

SHARD = Shard(5, 7)
"""The replicates that are trained together."""

ALONE = (5, 7)
"""The seeds of those that are trained alone too."""

STEP, NOISE = 0.05, 0.1

ALL = [training for training in TRAININGS.values() if training.behaviour != "every_sequence"]
"""The trainings of a series that is a single sequence; test_sequences.py has those of several."""


# These steps are too small to amplify rounding. At five times this learning rate two ordinary trainings of a simple_rnn
# part by up to 3 % within 15 epochs if the last bit of each initial weight is changed: RMSprop divides by the root of a
# mean square, which may be tiny.
SLOW_RMSPROP = RMSPROP | {"learning_rate": 0.002}
# The kinks of relu do the same, at three times this learning rate.
SLOW_SGD = SGD | {"learning_rate": 0.03}
# A linear network would diverge with larger steps.
SLOWEST_SGD = SGD | {"learning_rate": 0.002}
# A network with long windows makes little of what is before them until it has learnt something.
FAST_ADAM = ADAM | {"learning_rate": 0.03}

FORECASTING = [TRAININGS[name] for name in ("contiguous_never", "contiguous_every_batch", "interleaved_every_epoch")]
"""The trainings whose networks forecast alone too: one sample at a time, which takes long."""


class Experiment(NamedTuple):
    """What is trained, on which series.

    Attributes:
        setting: the network, what it learns, and how; it is trained in every training.
        samples: how many samples to train on.
        held_out: how many samples to hold out; 0 if the errors on them are not compared.
        own: whether all replicates learn one series, standardized, as if from a CSV file; otherwise each has its own
            noisy sine.
    """

    setting: Setting
    samples: int
    held_out: int = 0
    own: bool = False

    @property
    def settings(self) -> Settings:
        one = self.setting
        parameters = {name: value for name, value in one.optimizer.items() if name != "name"}
        shape = one.network, one.time_steps, one.batch_size
        horizon = 1 if self.own else 0
        return Settings(*shape, one.optimizer["name"], parameters, one.loss, one.epochs, horizon)

    def parts(self, shard: Shard) -> tuple[list[Parts], list[Scale]]:
        """Return the series of a shard and the scales of their columns, as the step has them."""
        if not self.own:
            lengths = noisy_sine(self.samples + self.held_out, STEP, NOISE, seed=0)
            run = Parts(lengths.part(slice(self.samples)), lengths.part(slice(self.samples, None)))
            return noisy_sine_of_each(shard, run, STEP, NOISE), [AS_IT_IS] * 2
        values, columns = own_series(self.samples + self.held_out, self.setting.inputs)
        windows = self.setting.time_steps, self.setting.batch_size
        divided = divide(computed(columns, values), self.samples, self.held_out, *windows, standardized=True)
        return [Parts(divided.training, divided.held_out)], divided.scales

    def part_of(self, seed: int) -> tuple[Parts, list[Scale]]:
        """Return the series of a replicate that is alone."""
        if self.own:
            (parts,), scales = self.parts(Shard(seed, seed))
            return parts, scales
        whole = noisy_sine(self.samples + self.held_out, STEP, NOISE, seed)
        return Parts(whole.part(slice(self.samples)), whole.part(slice(self.samples, None))), [AS_IT_IS] * 2


def own_series(samples: int, inputs: int) -> tuple[Any, list[str]]:
    """Return a series in units of its own, the target last: temperatures, from those before, and other inputs."""
    random = np.random.default_rng(3)
    target = 280 + 12 * np.sin(np.arange(samples + 1) * 0.3) + random.normal(0, 3, samples + 1)
    others = 1000 + 40 * random.normal(size=(samples, inputs - 1))
    target[1:] += 0.1 * (others.sum(axis=1) - 1000 * (inputs - 1))
    names = [f"other {number}" for number in range(1, inputs)]
    return np.column_stack([target[:-1], others, target[1:]]), ["before", *names, "temperature"]


EXPERIMENTS = {
    "lstm, steps": Experiment(Setting([10, 10], 1, 50, epochs=10), samples=500, held_out=203),
    "lstm, windows": Experiment(
        Setting([5], 3, 10, "sigmoid", activation="relu", optimizer=SLOW_SGD, loss="huber", epochs=10), samples=240
    ),
    "lstm, long windows, own series": Experiment(
        Setting([4], 20, 4, "hard_sigmoid", inputs=3, optimizer=FAST_ADAM, epochs=8),
        samples=320,
        held_out=95,
        own=True,
    ),
    "gru, windows": Experiment(Setting([6], 2, 10, cell="gru", optimizer=ADAM, epochs=10), samples=200, held_out=43),
    "gru, long windows": Experiment(
        Setting([5], 17, 4, "hard_sigmoid", "gru", optimizer=FAST_ADAM, loss="mae", epochs=12),
        samples=272,
    ),
    "lstm, every step": Experiment(
        Setting([5, 4], 3, 10, "sigmoid", optimizer=ADAM, epochs=8, targets="every_step"), samples=240, held_out=44
    ),
    "gru, every step of long windows, own series": Experiment(
        Setting([4], 17, 4, "sigmoid", "gru", inputs=2, optimizer=FAST_ADAM, epochs=8, targets="every_step"),
        samples=272,
        held_out=95,
        own=True,
    ),
    "gru, steps, own series": Experiment(
        Setting([4], 1, 20, "sigmoid", "gru", activation="sigmoid", inputs=2, optimizer=SGD, loss="huber", epochs=10),
        samples=400,
        held_out=250,
        own=True,
    ),
    "simple_rnn, windows": Experiment(
        Setting([5, 3], 2, 8, cell="simple_rnn", optimizer=SLOW_RMSPROP, epochs=10), samples=160, held_out=25
    ),
    "simple_rnn, long windows": Experiment(Setting([4, 3], 18, 4, cell="simple_rnn", epochs=8), samples=288),
    "simple_rnn, steps, own series": Experiment(
        Setting(
            [3], 1, 20, cell="simple_rnn", activation="linear", inputs=2, optimizer=SLOWEST_SGD, loss="mae", epochs=8
        ),
        samples=400,
        own=True,
    ),
}
"""Each has windows of one step, of a few, which are unrolled, or of more than model.UNROLLED_AT_MOST, which are not."""

SCORED = [name for name, experiment in EXPERIMENTS.items() if experiment.held_out]


class Made(NamedTuple):
    """The results of an experiment.

    Attributes:
        losses: of each training, of shape (replicates, epochs).
        errors: by the names of scoring.Errors, of shape (replicates,), or the number of the last replicate; empty if
            nothing is held out.
    """

    losses: dict[Training, Any]
    errors: dict[str, Any]


def train_together(experiment: Experiment, shard: Shard, trainings: Iterable[Training] = ALL) -> Made:
    """Train the replicates of a shard as workflow/scripts/train_replicates.py does it."""
    from carryover.replicates.scoring import score_shard
    from carryover.replicates.training import train_shard

    parts, scales = experiment.parts(shard)
    series = [one.training for one in parts]
    losses, weights = train_shard(shard, series, scales[-1], list(trainings), experiment.settings)
    return Made(losses, score_shard(shard, parts, scales, experiment.settings, weights))


def train_alone(experiment: Experiment, seeds: Iterable[int]) -> Made:
    """Train the network of each seed by itself as workflow/scripts/train.py does it; forecast with that of the last."""
    import keras

    from carryover.training.model import random_weights

    keras.backend.clear_session()
    # All but those that are reset every batch start from one compiled network; a stateless network is trained faster
    # than one that is reset between batches, and test_cases.py proves that they are the same.
    carrying, stateless = compiled(experiment, stateful=True), compiled(experiment, stateful=False)
    losses: dict[Training, list[list[float]]] = {training: [] for training in ALL}
    errors: dict[str, float] = {}
    # Drawn at once, because a new seed makes TensorFlow forget what it has compiled.
    initials = {seed: random_weights(experiment.setting.network, seed) for seed in seeds}
    for seed, initial in initials.items():
        parts, scales = experiment.part_of(seed)
        trained: dict[str, Weights] = {}
        for training in ALL:
            start = stateless if training.behaviour == "every_batch" else carrying
            of_epochs, trained[training.name] = train_one(experiment, start, initial, parts.training, training)
            losses[training].append(of_epochs)
    if experiment.held_out:
        forecasting = {training.name: trained[training.name] for training in FORECASTING}
        errors = errors_alone(experiment, forecasting, parts, scales)
    return Made({training: np.array(of_seeds) for training, of_seeds in losses.items()}, errors)


def compiled(experiment: Experiment, stateful: bool) -> StartingModel:
    """Return a network, compiled once for the trainings that can share it."""
    from carryover.training.fitting import compile_model
    from carryover.training.model import build_model
    from carryover.training.optimizers import build_optimizer

    setting = experiment.setting
    model = build_model(setting.network, setting.time_steps, setting.batch_size, stateful)
    batches = experiment.samples // setting.time_steps // setting.batch_size
    case = Case("single", "never", stateful)
    compile_model(model, build_optimizer(**setting.optimizer), setting.loss, case, batches)
    return StartingModel(model)


def train_one(
    experiment: Experiment, start: StartingModel, initial: Weights, series: Series, training: Training
) -> tuple[list[float], Weights]:
    """Return the loss of each epoch, and the trained weights."""
    from carryover.training.fitting import make_batches, train
    from carryover.training.model import set_weights

    setting = experiment.setting
    model = start.started()
    set_weights(model, initial, setting.network)
    inputs, targets = cut_windows(series, setting.time_steps, setting.batch_size, setting.targets)
    batches = make_batches(inputs, targets, setting.batch_size, training.batches)
    stateful = training.behaviour != "every_batch"
    case = Case("single", training.behaviour if stateful else "never", stateful)  # type: ignore[arg-type]
    losses: list[float] = []
    train(model, batches, setting.epochs, case, lambda _, logs: losses.append(logs["loss"]))
    weights = {f"{layer.name}/{weight.name}": np.array(weight) for layer in model.layers for weight in layer.weights}
    return losses, weights


def errors_alone(
    experiment: Experiment, trained: dict[str, Weights], parts: Parts, scales: list[Scale]
) -> dict[str, float]:
    """Return the errors of the networks of a seed, trained each by itself, as the step `score` forecasts."""
    from carryover.forecasts.scoring import forecast_cases

    windows = held_out_windows(*parts, experiment.setting.time_steps, experiment.setting.targets)
    own = [series_in_own_units(part, scales) for part in parts]
    known = targets_and_baselines(*own, windows.samples, experiment.settings.horizon, experiment.settings.season)
    forecasts = forecast_cases(experiment.setting.network, trained, windows, scales[-1])
    made = {name: values for name, values in known.items() if name not in ("sample", "target")} | forecasts
    return {name: float(root_mean_squared_error(values, known["target"])) for name, values in made.items()}


@pytest.fixture(scope="module")
def made(once: Once, keras: Any) -> Callable[[str], tuple[Made, Made]]:
    """What trains the replicates of an experiment together and alone, once for all tests."""

    def both(name: str) -> tuple[Made, Made]:
        def make(folder: Path) -> None:
            folder.mkdir()
            for way, one in (
                ("together", train_together(EXPERIMENTS[name], SHARD)),
                ("alone", train_alone(EXPERIMENTS[name], ALONE)),
            ):
                np.savez(folder / f"{way}_losses.npz", **{training.name: loss for training, loss in one.losses.items()})
                np.savez(folder / f"{way}_errors.npz", **one.errors)

        folder = once(f"replicates {name}", make)

        def read(way: str) -> Made:
            with np.load(folder / f"{way}_losses.npz") as losses, np.load(folder / f"{way}_errors.npz") as errors:
                return Made({training: losses[training.name] for training in ALL}, dict(errors.items()))

        return read("together"), read("alone")

    return both


def of_seeds(array: Any, seeds: Iterable[int]) -> Any:
    """Return the rows of some seeds of SHARD."""
    return array[[SHARD.seeds.index(seed) for seed in seeds]]


def test_the_experiments_have_every_cell_activation_optimizer_loss_and_kind_of_window() -> None:
    settings = [experiment.setting for experiment in EXPERIMENTS.values()]
    assert {one.cell for one in settings} == set(GATES)
    assert {one.activation for one in settings} == set(ACTIVATIONS)
    for cell in ("lstm", "gru"):
        assert {one.recurrent_activation for one in settings if one.cell == cell} == set(RECURRENT_ACTIVATIONS)
    assert {one.optimizer["name"] for one in settings} == set(OPTIMIZERS)
    assert {one.loss for one in settings} == set(LOSSES)
    for cell in GATES:
        steps = [one.time_steps for one in settings if one.cell == cell]
        assert {"one" if n == 1 else "few" if n <= 16 else "many" for n in steps} == {"one", "few", "many"}
    assert {EXPERIMENTS[name].setting.cell for name in SCORED} == set(GATES)
    assert {EXPERIMENTS[name].setting.targets for name in SCORED} == set(TARGETS)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_replicate_is_trained_as_it_is_alone(made: Callable[[str], tuple[Made, Made]], name: str) -> None:
    together, alone = made(name)
    for training in ALL:
        np.testing.assert_allclose(of_seeds(together.losses[training], ALONE), alone.losses[training], rtol=TOLERANCE)
    # Another training, or another seed, would be seen: they differ by far more than the tolerance.
    for a, b in combinations(ALL, 2):
        apart = abs(together.losses[a] / together.losses[b] - 1)
        assert of_seeds(apart, ALONE).max() > 20 * TOLERANCE, f"{a.words}; {b.words}"
    for training in ALL:
        for one, other in combinations(together.losses[training], 2):
            assert abs(one / other - 1).max() > 20 * TOLERANCE, training.words


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORED)
def test_a_replicate_forecasts_as_it_does_alone(made: Callable[[str], tuple[Made, Made]], name: str) -> None:
    together, alone = made(name)
    baselines = {"mean", "last_known"} if EXPERIMENTS[name].own else {"mean", "input"}
    assert together.errors.keys() == baselines | {
        column(training.name, states) for training in ALL for states in STATES
    }
    of_networks = [column(training.name, states) for training in FORECASTING for states in STATES]
    assert alone.errors.keys() == {*baselines, *of_networks}
    for key, error in alone.errors.items():
        assert together.errors[key][-1] == pytest.approx(error, rel=ERROR_TOLERANCE), key
    # Another training, other states, or another seed, would be seen.
    errors = np.array([together.errors[key] for key in of_networks]).reshape(len(FORECASTING), len(STATES), -1)
    last = errors[..., -1]
    for ways in (last, last.T, errors.T):
        for a, b in combinations(ways, 2):
            assert abs(a / b - 1).max() > 5 * ERROR_TOLERANCE


OF_2017 = Experiment(Setting([10, 10], 1, 100, epochs=50), samples=1000, held_out=203)

REPLICATES = {"count": 3, "first_seed": 2, "shard_size": 2}
"""Seed 3 is the second of the first of two shards."""

SPELLED = {
    "a": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "contiguous"},
    "b": {"calls": "single", "reset": "never", "stateful": True, "batches": "interleaved"},
}
"""Cases of two trainings."""


def spelled_out(options: dict[str, Any]) -> list[str]:
    """Return options as the words of a command line."""
    return [
        word
        for name, value in options.items()
        for word in (f"--{name}", *map(str, value if isinstance(value, list) else [value]))
        if value != [] or name == "stateful"
    ]


def step(name: str, /, **options: Any) -> None:
    done = run_here(name, *spelled_out(options))
    assert done.returncode == 0, done.stderr


LAGS = {"horizon": 0, "season": 0}


def model_options(setting: Setting, seed: int) -> dict[str, Any]:
    of_network = {name: value for name, value in setting.network._asdict().items() if name != "inputs"}
    windows = {"time_steps": setting.time_steps, "batch_size": setting.batch_size}
    return {"build": STACKED} | of_network | windows | {"initial_weights": "random", "seed": seed}


def make_dataset(folder: Path, experiment: Experiment, seed: int) -> dict[str, Any]:
    """Make a noisy sine by the step, and return the options with which the other steps read it."""
    files = {"data": folder / "data.csv", "held_out": folder / "held_out.csv", "scales": folder / "scales.csv"}
    outputs = {"output": files["data"], "output_held_out": files["held_out"], "output_scales": files["scales"]}
    sine = {"source": "noisy_sine", "step": STEP, "noise": NOISE, "samples": experiment.samples, "seed": seed}
    windows = {"time_steps": experiment.setting.time_steps, "batch_size": experiment.setting.batch_size}
    files["notes"] = folder / "notes.json"
    others = {"output_notes": files["notes"], "output_times": folder / "times.csv", "series": "-"}
    csv = AS_PLAIN_CSV | {"inputs": ["x"], "target": "y"} | LAGS
    step("make_dataset", **outputs, **sine, held_out=experiment.held_out, **windows, **others, **csv)
    return files


def replicates_options(folder: Path, experiment: Experiment, trainings: Iterable[str], seed: int = 1) -> dict[str, Any]:
    """Return the options of train_replicates but those of the replicates; the seed makes no difference to them."""
    folder.mkdir(exist_ok=True)
    write_yaml(folder / "trainings.yaml", list(trainings))
    setting = experiment.setting
    return {
        "output": folder / "replicates",
        "trainings": folder / "trainings.yaml",
        **make_dataset(folder, experiment, seed),
        "source": "noisy_sine",
        "step": STEP,
        "noise": NOISE,
        **LAGS,
        **model_options(setting, seed),
        **setting.optimizer,
        "loss": setting.loss,
        "epochs": setting.epochs,
    }


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [OF_2017, EXPERIMENTS["lstm, every step"]], ids=["of 2017", "every step"])
def test_a_replicate_is_the_ordinary_job_of_its_seed(keras: Any, tmp_path: Path, experiment: Experiment) -> None:
    """The whole way: the data, the initial weights, the trainings and the forecasts by the steps of the pipeline."""
    seed = 3
    setting = experiment.setting
    params = {"cases": SPELLED, "replicates": REPLICATES, "training": {"epochs": setting.epochs}, "dataset": LAGS}
    names = {case: Case(**spelling).training.name for case, spelling in SPELLED.items()}
    options = replicates_options(tmp_path / "together", experiment, dict.fromkeys(names.values()))
    step("train_replicates", **options, **REPLICATES)
    together = read_replicates(options["output"], params)

    model, files = model_options(setting, seed), make_dataset(tmp_path, experiment, seed)
    write_yaml(tmp_path / "params.yaml", params)
    step("make_initial_weights", data=files["data"], output=tmp_path / "weights.npz", **model)
    for case, spelling in SPELLED.items():
        folder = tmp_path / "cases" / case
        folder.mkdir(parents=True)
        of_series = {name: files[name] for name in ("data", "scales", "notes")}
        inputs = {"case": case, **of_series, "weights": tmp_path / "weights.npz"}
        outputs = dict(zip(("history", "predictions", "final"), (folder / file for file in CASE_FILES), strict=True))
        words = {name: value for name, value in spelling.items() if name != "stateful"} | {"stateful": []}
        training = {**setting.optimizer, "loss": setting.loss, "epochs": setting.epochs}
        step("train", **inputs, **outputs, **model, **training, **words)
    forecasts = tmp_path / "forecasts.csv"
    step("score", params=tmp_path / "params.yaml", cases=tmp_path / "cases", output=forecasts, **files, **model)
    alone = scores(read_forecasts(forecasts, params), params)

    row = seed - REPLICATES["first_seed"]
    for case, name in names.items():
        losses = read_csv(tmp_path / "cases" / case / "history.csv")["loss"]
        np.testing.assert_allclose(together.losses[TRAININGS[name]][row], losses, rtol=TOLERANCE)
        for states in STATES:
            error = alone["cases"][case][states]
            assert together.errors[TRAININGS[name]][states][row] == pytest.approx(error, rel=ERROR_TOLERANCE)
    assert together.baselines.keys() == alone["baselines"].keys() == {"input", "mean"}
    for name, error in alone["baselines"].items():
        assert together.baselines[name][row] == pytest.approx(error, rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simple_rnn, windows", "gru, steps, own series"])
@pytest.mark.parametrize("shard", [Shard(7, 7), Shard(6, 9)], ids=lambda shard: shard.name)
def test_the_shard_does_not_matter(made: Callable[[str], tuple[Made, Made]], name: str, shard: Shard) -> None:
    """A replicate is the same alone in its shard, and beside other seeds in another place and after other trainings."""
    together, _ = made(name)
    elsewhere = train_together(EXPERIMENTS[name], shard, trainings=reversed(FORECASTING))
    row, place = SHARD.seeds.index(7), shard.seeds.index(7)
    for training in FORECASTING:
        loss = elsewhere.losses[training][place]
        np.testing.assert_allclose(loss, together.losses[training][row], rtol=TOLERANCE)
    for key, errors in elsewhere.errors.items():
        assert errors[place] == pytest.approx(together.errors[key][row], rel=ERROR_TOLERANCE)


@pytest.mark.parametrize("at_once", [5, 2])
def test_each_forecast_starts_from_states_of_zero_and_carries_them_through_every_part(
    keras: Any, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """A series of five samples has not yet forgotten what it started from."""
    from carryover.forecasts.scoring import Forecaster
    from carryover.replicates import scoring
    from carryover.replicates.model import pack
    from carryover.replicates.weights import random_weights_of_each
    from carryover.training.model import random_weights

    monkeypatch.setattr(scoring, "AT_ONCE", at_once)
    network = Network([3], "sigmoid")
    series = np.random.default_rng(1).normal(size=(2, 5, 1)).astype(np.float32)
    forecaster = scoring.ReplicatedForecaster(2, network, series[:, None], series[:, 3:, None])
    alone = Forecaster(network)
    for seeds in ([1, 2], [3, 4], [1, 2]):
        weights = pack(random_weights_of_each(network, seeds), network)
        made = forecaster.with_carried_states(weights), forecaster.with_reset_states(weights)
        for row, seed in enumerate(seeds):
            own = random_weights(network, seed)
            carried = alone.with_carried_states(own, series[None, row])
            np.testing.assert_allclose(made[0][row], carried, rtol=1e-4, atol=1e-6)
            reset = alone.with_reset_states(own, series[row, 3:, None])
            np.testing.assert_allclose(made[1][row], reset, rtol=1e-4, atol=1e-6)
            assert abs(carried[3:] / reset - 1).min() > 0.001


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("units", [[3], [4, 5, 6]])
def test_the_initial_weights_are_those_of_each_seed(keras: Any, cell: str, units: list[int]) -> None:
    from carryover.replicates.weights import random_weights_of_each
    from carryover.training.model import random_weights

    seeds = [1, 2, 2**32 - 1]
    network = Network(units, "sigmoid", cell, inputs=2)
    drawn = random_weights_of_each(network, seeds)
    for row, seed in enumerate(seeds):
        weights = random_weights(network, seed)
        assert drawn.keys() == weights.keys()
        assert all(drawn[name][row].tobytes() == weight.tobytes() for name, weight in weights.items())


SMALL = Experiment(Setting([3], 2, 4, cell="simple_rnn", epochs=2, optimizer=SGD), samples=32, held_out=10)


def fail_to_train(folder: Path, experiment: Experiment, **changes: Any) -> str:
    """Train replicates that cannot be trained, and return the message; nothing may have been written."""
    options = replicates_options(folder, experiment, ["contiguous_every_batch", "interleaved_never"]) | changes
    done = run_here("train_replicates", *spelled_out(options | REPLICATES))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not [path for path in options["output"].rglob("*") if path.is_file()]
    return done.stderr


@pytest.mark.slow
def test_a_replicate_that_diverges_is_named_and_nothing_is_written(keras: Any, tmp_path: Path) -> None:
    message = fail_to_train(tmp_path, SMALL, learning_rate=1e30)
    assert message == (
        "error: replicates: reset every batch, contiguous batches, seed 2, epoch 1: the loss is not finite: training "
        "diverges; set dataset.standardize: true if the series is a CSV file, or lower optimizer.learning_rate\n"
    )


@pytest.mark.slow
def test_a_forecast_that_is_not_finite_is_named_and_nothing_is_written(keras: Any, tmp_path: Path) -> None:
    """The states grow along the series, although they did not in the short batches of the training."""
    experiment = SMALL._replace(held_out=1500, setting=SMALL.setting._replace(activation="linear", batch_size=16))
    message = fail_to_train(tmp_path, experiment, learning_rate=0.5)
    assert re.fullmatch(
        "error: replicates: (reset every batch, contiguous|never reset, interleaved) batches, seed [23]: a forecast of "
        "unseen data with the states carried from the start of the series is not finite; set model.activation: tanh, "
        "because outputs of linear may grow without bound, or set dataset.held_out: 0\n",
        message,
    )


@pytest.mark.slow
def test_nothing_is_forecast_if_nothing_is_held_out_and_nothing_trained_if_the_count_is_0(
    keras: Any, tmp_path: Path
) -> None:
    options = replicates_options(tmp_path, SMALL._replace(held_out=0), ["contiguous_never"])
    step("train_replicates", **options, **REPLICATES | {"count": 0})
    assert list(options["output"].iterdir()) == []
    step("train_replicates", **options, **REPLICATES)
    cases = {"x": SPELLED["b"] | {"batches": "contiguous"}}
    params = {"cases": cases, "replicates": REPLICATES, "training": {"epochs": SMALL.setting.epochs}}
    read = read_replicates(options["output"], params)
    assert {training.name: loss.shape for training, loss in read.losses.items()} == {"contiguous_never": (3, 2)}
    assert (read.errors, read.baselines) == ({}, {})
