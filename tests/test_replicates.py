"""Replicates: each is trained as if it were alone, whatever shard it is in."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers.once import Once
from helpers.project import ROOT
from helpers.steps import run_here
from helpers.training import StartingModel

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.replicates.losses import read_replicates, remove_other_shards
from carryover.replicates.shards import shards
from carryover.series.batches import cut_windows
from carryover.series.noisy_sine import noisy_sine
from carryover.training.cases import Case
from carryover.training.network import Network

TOLERANCE = 1e-5
"""Relative, at every epoch: sums are added up in another order when many replicates are trained at once."""

BEHAVIOURS = ["never", "every_epoch", "every_batch"]


class Setting(NamedTuple):
    units: list[int]
    time_steps: int
    batch_size: int
    recurrent_activation: str
    samples: int
    epochs: int

    @property
    def network(self) -> Network:
        return Network(self.units, self.recurrent_activation)


SETTINGS = {
    "2017": Setting([10, 10], 1, 100, "hard_sigmoid_2017", samples=1000, epochs=70),
    "windows": Setting([5], 4, 10, "sigmoid", samples=240, epochs=20),
    "long windows": Setting([6, 4], 20, 4, "hard_sigmoid", samples=240, epochs=25),
}
"""The windows of the last one are too long to be unrolled."""


def run(step: str, *options: str) -> None:
    done = run_here(step, *options)
    assert done.returncode == 0, done.stderr


def series_options(setting: Setting) -> list[str]:
    return ["--source", "noisy_sine", "--samples", str(setting.samples), "--step", "0.05", "--noise", "0.1"]


OfBehaviours = dict[str, Any]
"""The losses of the replicates, of shape (replicates, epochs), by behaviour."""


def model_options(setting: Setting, seed: int) -> list[str]:
    model = ["--cell", "lstm", "--units", *map(str, setting.units), "--initial_weights", "random", "--seed", str(seed)]
    model += ["--activation", "tanh"]
    model += ["--recurrent_activation", setting.recurrent_activation]
    return [*model, "--time_steps", str(setting.time_steps), "--batch_size", str(setting.batch_size)]


def training_options(setting: Setting, seed: int) -> list[str]:
    optimizer = ["--name", "adadelta", "--learning_rate", "1.0", "--rho", "0.95", "--epsilon", "1e-08"]
    return [*model_options(setting, seed), *optimizer, "--loss", "mse", "--epochs", str(setting.epochs)]


def train_replicates(
    setting: Setting, folder: Path, count: int, behaviours: list[str], shard_size: int = 128
) -> OfBehaviours:
    """Train replicates of the seeds 1, 2, ... by the step itself, and return their losses by behaviour."""
    replicates = {"count": count, "behaviours": behaviours, "first_seed": 1, "shard_size": shard_size}
    options = ["--count", str(count), "--behaviours", *behaviours, "--first_seed", "1", "--shard_size", str(shard_size)]
    files = ["--output", str(folder), "--data", "-"]
    run("train_replicates", *files, *series_options(setting), *training_options(setting, 0), *options)
    losses = read_replicates(folder, {"replicates": replicates, "training": {"epochs": setting.epochs}})
    return {training.behaviour: of_each for training, of_each in losses.items()}


@pytest.fixture(scope="module")
def together(once: Once, keras: Any) -> Callable[[str], OfBehaviours]:
    """What trains 5 replicates of each behaviour of a setting, once for all tests."""

    def train(name: str) -> OfBehaviours:
        def make(folder: Path) -> None:
            losses = train_replicates(SETTINGS[name], folder / "shards", 5, BEHAVIOURS)
            np.savez(folder / "losses.npz", **losses)  # type: ignore[arg-type]

        with np.load(once(f"replicates {name}", make) / "losses.npz") as archive:
            return {behaviour: archive[behaviour] for behaviour in BEHAVIOURS}

    return train


@cache
def compiled(name: str, every_batch: bool) -> StartingModel:
    """The network of a setting, compiled once for the trainings that can share it."""
    import keras

    from carryover.training.fitting import compile_model
    from carryover.training.model import build_model
    from carryover.training.optimizers import build_optimizer

    keras.backend.clear_session()
    setting = SETTINGS[name]
    model = build_model(setting.network, setting.time_steps, setting.batch_size, stateful=True)
    optimizer = build_optimizer("adadelta", learning_rate=1.0, rho=0.95, epsilon=1e-8)
    case = Case("single", "every_batch" if every_batch else "never", stateful=True)
    compile_model(model, optimizer, "mse", case, setting.samples // setting.time_steps // setting.batch_size)
    return StartingModel(model)


def train_alone(name: str, behaviour: str, seed: int) -> list[float]:
    """Return the losses of the network of one seed, trained as workflow/scripts/train.py does it."""
    from carryover.training.fitting import make_batches, train
    from carryover.training.model import random_weights, set_weights

    setting = SETTINGS[name]
    series = noisy_sine(setting.samples, step=0.05, noise=0.1, seed=seed)
    inputs, targets = cut_windows(series, setting.time_steps, setting.batch_size)
    model = compiled(name, behaviour == "every_batch").started()
    set_weights(model, random_weights(setting.network, seed))
    losses: list[float] = []
    batches = make_batches(inputs, targets, setting.batch_size)
    case = Case("single", behaviour, stateful=True)  # type: ignore[arg-type]
    train(model, batches, setting.epochs, case, lambda _, logs: losses.append(logs["loss"]))
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_a_replicate_is_trained_as_it_is_alone(together: Callable[[str], OfBehaviours], name: str) -> None:
    losses = together(name)
    for behaviour in BEHAVIOURS:
        for seed in (1, 4):
            alone = train_alone(name, behaviour, seed)
            np.testing.assert_allclose(losses[behaviour][seed - 1], alone, rtol=TOLERANCE)
    # The behaviours, and the seeds, differ by far more than the tolerance.
    assert abs(losses["never"][:, -1] / losses["every_epoch"][:, -1] - 1).min() > 20 * TOLERANCE
    assert abs(losses["every_epoch"][:, -1] / losses["every_batch"][:, -1] - 1).min() > 20 * TOLERANCE
    assert np.diff(np.sort(losses["never"][:, -1])).min() > 20 * TOLERANCE * losses["never"][:, -1].max()


@pytest.mark.slow
def test_a_replicate_is_the_ordinary_job_of_its_seed(together: Callable[[str], OfBehaviours], tmp_path: Path) -> None:
    """The whole way: the data, the initial weights and the training by the steps of the pipeline."""
    setting, seed = SETTINGS["2017"], 3
    data, scales, weights = (str(tmp_path / name) for name in ("data.csv", "scales.csv", "weights.npz"))
    run(
        "make_dataset", "--output", data, "--output_held_out", str(tmp_path / "rest.csv"), "--output_scales", scales,
        "--output_notes", str(tmp_path / "notes.json"),
        *series_options(setting), "--seed", str(seed), "--series", "-", "--held_out", "0", "--inputs", "x",
        "--target", "y", "--time_steps", str(setting.time_steps), "--batch_size", str(setting.batch_size),
    )  # fmt: skip
    run("make_initial_weights", "--data", data, "--output", weights, *model_options(setting, seed))
    outputs = {name: str(tmp_path / name) for name in ("history", "predictions", "final")}
    files = [word for name, path in outputs.items() for word in (f"--{name}", path)]
    files += ["--data", data, "--scales", scales, "--weights", weights]
    case = ["--case", "x", "--calls", "single", "--reset", "every_epoch", "--stateful", "--batches", "contiguous"]
    run("train", *files, *case, *training_options(setting, seed))
    alone = np.loadtxt(outputs["history"], delimiter=",", skiprows=1, usecols=1)
    np.testing.assert_allclose(together("2017")["every_epoch"][seed - 1], alone, rtol=TOLERANCE)


@pytest.mark.slow
def test_the_shard_does_not_matter(together: Callable[[str], OfBehaviours], tmp_path: Path) -> None:
    parts = train_replicates(SETTINGS["windows"], tmp_path, 5, ["never"], shard_size=3)
    np.testing.assert_allclose(parts["never"], together("windows")["never"], rtol=TOLERANCE)


@pytest.mark.parametrize("units", [[10, 10], [3], [4, 5, 6]])
def test_the_initial_weights_are_those_of_each_seed(keras: Any, units: list[int]) -> None:
    from carryover.replicates.model import random_weights_of_each
    from carryover.training.model import random_weights

    seeds = [1, 2, 2**32 - 1]
    network = Network(units, "sigmoid", inputs=2)
    drawn = random_weights_of_each(network, seeds)
    for row, seed in enumerate(seeds):
        weights = random_weights(network, seed)
        assert list(drawn) == list(weights)
        assert all(drawn[name][row].tobytes() == weight.tobytes() for name, weight in weights.items())


def test_an_optimizer_that_mixes_the_replicates_is_refused_by_name(keras: Any) -> None:
    from carryover.replicates.model import ELEMENTWISE, check_optimizer

    for name in ELEMENTWISE:
        check_optimizer(getattr(keras.optimizers, name)())
    for optimizer, message in (
        (keras.optimizers.Adadelta(name="adadelta", global_clipnorm=1.0), "adadelta with global_clipnorm"),
        (keras.optimizers.SGD(name="sgd", clipnorm=1.0), "sgd with clipnorm"),
        (keras.optimizers.Lamb(name="lamb"), "lamb"),
        (keras.optimizers.Adafactor(name="adafactor"), "adafactor"),
    ):
        with pytest.raises(UserError, match=f"optimizer: {message} does not work element by element"):
            check_optimizer(optimizer)


def test_shards_cover_every_seed_once() -> None:
    parts = shards(count=300, behaviours=["never", "every_batch"], first_seed=7, shard_size=128)
    for behaviour in ("never", "every_batch"):
        assert [s for part in parts if part.behaviour == behaviour for s in part.seeds] == list(range(7, 307))
    assert max(len(part.seeds) for part in parts) == 128
    assert len({part.path for part in parts}) == len(parts) == 6
    assert shards(count=0, behaviours=["never"], first_seed=0, shard_size=1) == []


PARAMS: dict[str, Any] = {
    "replicates": {"count": 3, "behaviours": ["never"], "first_seed": 1, "shard_size": 2},
    "training": {"epochs": 2},
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Three replicates in two shards."""
    (tmp_path / "never").mkdir()
    (tmp_path / "never/1-2.csv").write_text("seed,epoch,loss\n1,1,0.5\n1,2,0.25\n2,1,0.4\n2,2,0.2\n")
    (tmp_path / "never/3-3.csv").write_text("seed,epoch,loss\n3,1,0.3\n3,2,0.1\n")
    return tmp_path


def test_the_shards_are_read_in_the_order_of_the_seeds(written: Path) -> None:
    losses = read_replicates(written, PARAMS)
    assert {training.name: loss.tolist() for training, loss in losses.items()} == {
        "contiguous_never": [[0.5, 0.25], [0.4, 0.2], [0.3, 0.1]]
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "3-3.csv: missing; train the replicates again"),
        ("", "3-3.csv: No columns to parse from file; train"),
        ("seed,epoch,loss\n3,1,0.3\n", "3-3.csv: expected the seeds 3 to 3 with 2 epochs each; train"),
        ("seed,epoch,loss\n4,1,0.3\n4,2,0.1\n", "3-3.csv: expected the seeds 3 to 3 with 2 epochs each; train"),
        (
            "seed,epoch,loss\n3,1,0.3\n3,2,inf\n",
            "3-3.csv: line 3, column loss: the value is not a finite number; train",
        ),
        ("seed,epoch,loss\n3,1,0.3\n3,2,nan\n", "3-3.csv: line 3, column loss: the value is not a finite number"),
        ("seed,epoch,loss\n3,1,0.3\n3,2,\n", "3-3.csv: line 3, column loss: the value is not a finite number"),
        ("seed,epoch,loss\n3,1,0.3\n3,2,much\n", "3-3.csv: could not convert string to float: 'much'; train"),
        ("seed,epoch\n3,1\n3,2\n", r"3-3.csv: the columns are \['seed', 'epoch'\], expected"),
    ],
)
def test_a_broken_shard_is_reported_in_one_line(written: Path, content: str | None, message: str) -> None:
    path = written / "never/3-3.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_replicates(written, PARAMS)
    assert "\n" not in str(error.value)


def test_shards_that_are_no_longer_asked_for_are_removed_and_nothing_else(written: Path) -> None:
    (written / "never/notes.txt").write_text("mine")
    shutil.copytree(written / "never", written / "every_epoch")
    (written / "every_epoch/notes.txt").unlink()
    removed = remove_other_shards(written, shards(**PARAMS["replicates"] | {"count": 2}))
    assert {str(path.relative_to(written)) for path in removed} == {
        "never/3-3.csv", "every_epoch/1-2.csv", "every_epoch/3-3.csv"
    }  # fmt: skip
    assert {str(path.relative_to(written)) for path in written.rglob("*")} == {
        "never", "never/1-2.csv", "never/notes.txt"
    }  # fmt: skip
    assert remove_other_shards(written / "none", []) == []
    assert (written / "none").is_dir()


@pytest.mark.parametrize(
    ("replicates", "message"),
    [
        ({"count": -1}, "replicates.count: -1 is less than the minimum of 0"),
        ({"shard_size": 0}, "replicates.shard_size: 0 is less than the minimum of 1"),
        ({"shard_size": 129}, "replicates.shard_size: 129 is greater than the maximum of 128"),
        ({"behaviours": ["sometimes"]}, "replicates.behaviours[0]: 'sometimes' is not one of never, every_epoch"),
        ({"behaviours": []}, "replicates.behaviours: [] has 0 entries; give at least 1"),
        ({"behaviours": ["never", "never"]}, "replicates.behaviours: 'never' is there twice; remove one"),
        ({"first_seed": 2**32 - 5}, "replicates: the last seed would be 4294967418, above 4294967295"),
        ({"seed": 1}, "replicates.seed: unknown key; there are count, behaviours, first_seed, shard_size"),
    ],
)
def test_bad_values_are_reported_in_one_line(replicates: dict[str, Any], message: str) -> None:
    from carryover.params.check import check

    params = read_yaml(ROOT / "params.yaml")
    params["replicates"] |= replicates
    with pytest.raises(UserError) as error:
        check(params, read_yaml(ROOT / "workflow/schemas/params.schema.yaml"), root=ROOT)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_replicate_that_diverges_is_named_and_nothing_is_written(keras: Any, tmp_path: Path) -> None:
    setting = SETTINGS["windows"]
    replicates = ["--count", "3", "--behaviours", "never", "every_epoch", "--first_seed", "1", "--shard_size", "2"]
    options = [*series_options(setting), *training_options(setting, 0), "--learning_rate", "1e30", *replicates]
    done = run_here("train_replicates", "--output", str(tmp_path / "made"), "--data", "-", *options)
    assert done.returncode == 1
    assert done.stderr.startswith("error: replicates: never, seed 1, epoch")
    assert done.stderr.count("\n") == 1
    assert not [path for path in (tmp_path / "made").rglob("*") if path.is_file()]
