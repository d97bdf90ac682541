"""The bytes are the same on other CPUs, which qemu emulates instruction by instruction; and what they owe it to.

Emulated, everything takes some ten times as long. So `make test` trains one case, in a process that draws random
weights too, and holds it against dvc.lock; `make test-long` has the other cases, replicates, forecasts and other CPUs.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.engines import dvc_graph
from helpers.once import Once
from helpers.project import ROOT, Project
from helpers.steps import ONE_FIGURE

from carryover.job import hermetic, portable
from carryover.job.yaml_file import read_yaml
from carryover.params.options import merge

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-x86_64 (Debian's package qemu-user)"),
]

CPUS = ["SandyBridge", "Haswell", "EPYC-Rome"]
"""An Intel without AVX2 and fused multiply-add, one with them, and an AMD."""


def emulator(cpu: str | None) -> list[str]:
    """What stands before a command that is to run on an emulated CPU."""
    return ["qemu-x86_64", "-cpu", cpu] if cpu else []


def run(command: list[str], cpu: str | None, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a job's command in a folder, on this machine's CPU or on an emulated one."""
    return subprocess.run(
        [*emulator(cpu), *hermetic.command(command)],
        cwd=folder,
        env=hermetic.environment({}),
        capture_output=True,
        text=True,
    )


def locked() -> dict[str, str]:
    """The MD5 digests of all artifacts that are files, by their paths, as dvc.lock has them."""
    lock = read_yaml(ROOT / "dvc.lock")
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def stages(project: Project) -> dict[str, dict[str, Any]]:
    """The command and the outputs of each stage of dvc.yaml, by its first output."""
    return {outputs.split()[0]: stage | {"outputs": outputs.split()} for outputs, stage in dvc_graph(project).items()}


PREPARING = ["results/params.yaml", "data/noisy_sine.csv", "data/initial_weights.npz"]
"""The first outputs of what comes before training."""


@pytest.fixture(scope="session")
def prepared(once: Once) -> Project:
    """A project with the default parameters in which all is made that training reads."""

    def make(folder: Path) -> None:
        project = Project.new(folder)
        for output in PREPARING:
            stage = stages(project)[output]
            done = run(stage["command"][1:], None, folder)
            assert done.returncode == 0, done.stderr
            for path in stage["outputs"]:
                assert md5(folder / path) == locked()[path], path

    return Project(once("prepared", make))


@pytest.fixture(scope="session")
def native(once: Once) -> Project:
    """A project with all its artifacts, made on this machine's CPU."""
    return Project(once("native", lambda folder: Project.new(folder)("snakemake", "--cores", "2")))


def files(folder: Path, outputs: list[str]) -> dict[str, bytes]:
    """The files of a stage's outputs, those of a folder one by one."""
    paths = [folder / output for output in outputs]
    all_of_them = [file for path in paths for file in [path, *path.rglob("*")]]
    return {str(path.relative_to(folder)): path.read_bytes() for path in all_of_them if path.is_file()}


def emulate(made: Project, cpu: str, first_output: str, folder: Path, *options: str) -> None:
    """Run a stage on another CPU, over copies of what it reads, and compare every byte that it writes.

    Args:
        made: a project in which the stage has been run on this machine's CPU.
        options: instead of what params.yaml says; the stage is then run natively as well.
    """
    stage = stages(made)[first_output]
    command = [*stage["command"][1:], *options]  # the last of two equal options counts
    expected = folder / "native" if options else made.folder
    for here in {expected, folder / "emulated"} - {made.folder}:
        shutil.copytree(made.folder, here, ignore=shutil.ignore_patterns(".git", ".dvc", ".snakemake"))
        for path in files(here, stage["outputs"]):
            (here / path).unlink()
        done = run(command, cpu if here.name == "emulated" else None, here)
        assert done.returncode == 0, done.stderr
    emulated, natively = files(folder / "emulated", stage["outputs"]), files(expected, stage["outputs"])
    assert emulated.keys() == natively.keys() != set()
    for path, content in natively.items():
        assert emulated[path] == content, path


# ---- in every run of the tests


SEVERAL = """
import json, runpy, sys
from carryover.job import portable
load_keras = portable.load_keras
*commands, last = json.loads(sys.argv[1])
for command in [*commands, last]:
    if command is last:
        import tensorflow
        tensorflow.config.optimizer.set_experimental_options({"arithmetic_optimization": True})
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")
    if "keras" in sys.modules:
        portable.load_keras = lambda *_: None  # it is loaded
        sys.modules["keras"].backend.clear_session()
"""
"""A program that runs several steps in one process: emulated, TensorFlow takes most of the time to be loaded. It runs
the last one without the ingredient of the recipe that can be taken out at any time."""


def several(project: Project) -> list[list[str]]:
    """One whole training, random weights, and the first epochs of the training once more."""
    training = stages(project)["results/cases/single_fit/final.npz"]["command"][2:]
    weights = stages(project)["data/initial_weights.npz"]["command"][2:]
    place = weights.index("--initial_weights") + 1
    random = [*weights[:place], "random", *weights[place + 1 :], "--output", "made/random.npz"]
    outputs = [word for name in ("history", "predictions", "final") for word in (f"--{name}", f"made/optimized/{name}")]
    return [training, random, [*training, *outputs, "--epochs", "2"]]


@pytest.fixture(scope="session")
def emulated(once: Once, prepared: Project) -> dict[str | None, Path]:
    """What the steps make on the CPU that differs most from this machine's, and, for None, on this machine's."""

    def make(folder: Path) -> None:
        folder.mkdir()
        for cpu in (CPUS[0], None):
            project = prepared.copy(folder / f"{cpu}")
            done = run(["python", "-c", SEVERAL, json.dumps(several(project))], cpu, project.folder)
            assert done.returncode == 0, done.stderr

    folder = once("emulated", make)
    return {cpu: folder / f"{cpu}" for cpu in (CPUS[0], None)}


def test_a_whole_training_is_the_committed_bytes_on_another_cpu(emulated: dict[str | None, Path]) -> None:
    for folder in emulated.values():
        for path in ("history.csv", "predictions.csv", "final.npz"):
            assert md5(folder / "results/cases/single_fit" / path) == locked()[f"results/cases/single_fit/{path}"]


def test_random_weights_are_the_same_bytes_on_another_cpu(emulated: dict[str | None, Path]) -> None:
    there, here = (files(folder, ["made/random.npz"]) for folder in emulated.values())
    assert there == here
    assert there


def test_with_optimizations_of_arithmetic_tensorflow_trains_otherwise_on_another_cpu(
    emulated: dict[str | None, Path],
) -> None:
    """The option of graph optimization: qemu computes the reciprocal square root that a real CPU approximates."""
    there, here = (files(folder, ["made/optimized"]) for folder in emulated.values())
    assert there.keys() == here.keys() == {f"made/optimized/{name}" for name in ("history", "predictions", "final")}
    assert all(there[path] != here[path] for path in there)


@pytest.mark.parametrize("first_output", [*PREPARING, "results/details.json"])
def test_what_needs_no_tensorflow_is_the_same_bytes_on_another_cpu(
    trained: Project, tmp_path: Path, first_output: str
) -> None:
    emulate(trained, CPUS[0], first_output, tmp_path)


def test_a_figure_is_the_same_bytes_on_another_cpu(trained: Project, tmp_path: Path) -> None:
    """The one that all others are drawn like; the others are left to the long tests."""
    command = stages(trained)[FIGURES]["command"][2:]
    options = [*command, "--output", str(tmp_path)]
    done = run(["python", "-c", ONE_FIGURE, "predictions", *options], CPUS[0], trained.folder)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made.keys() == {"predictions.svg", "predictions.png"}
    for name, content in made.items():
        assert content == (trained.folder / "results/figures" / name).read_bytes(), name


# ---- the long tests


@pytest.mark.long
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("case", ["single_fit", "loop_with_reset"])
def test_a_whole_training_is_the_same_bytes_on_another_cpu(
    native: Project, tmp_path: Path, cpu: str, case: str
) -> None:
    emulate(native, cpu, f"results/cases/{case}/final.npz", tmp_path)


FIRST_EPOCHS = ["single_fit_with_batch_reset", "stateless_fit", "loop_without_reset", "single_fit_with_reset"]
FIRST_EPOCHS += ["interleaved_loop_with_reset"]


@pytest.mark.long
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("case", FIRST_EPOCHS)
def test_the_first_epochs_of_the_other_cases_are_the_same_bytes_on_another_cpu(
    native: Project, tmp_path: Path, cpu: str, case: str
) -> None:
    emulate(native, cpu, f"results/cases/{case}/final.npz", tmp_path, "--epochs", "3")


REPLICATES = "results/replicates"
FORECASTS = "results/forecasts.csv"
COMPARISON = "results/details.json"
FIGURES = "results/figures/equality.png"


@pytest.mark.long
@pytest.mark.parametrize("cpu", CPUS)
def test_replicates_are_the_same_bytes_on_another_cpu(native: Project, tmp_path: Path, cpu: str) -> None:
    emulate(native, cpu, REPLICATES, tmp_path, "--epochs", "3", "--count", "20")


@pytest.mark.long
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("first_output", [*PREPARING, FORECASTS, COMPARISON, FIGURES])
def test_data_forecasts_comparison_and_figures_are_the_same_bytes_on_another_cpu(
    native: Project, tmp_path: Path, cpu: str, first_output: str
) -> None:
    emulate(native, cpu, first_output, tmp_path)


def test_every_stage_is_run_on_other_cpus() -> None:
    project = Project(ROOT)
    trainings = {f"results/cases/{case}/final.npz" for case in project.params()["cases"]}
    others = {*PREPARING, REPLICATES, FORECASTS, COMPARISON, FIGURES}
    assert set(stages(project)) == trainings | others


NETWORKS: dict[str, dict[str, Any]] = {
    "gru by adam": {
        "model": {"cell": "gru", "activation": "sigmoid", "recurrent_activation": "sigmoid"},
        "optimizer": {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        "training": {"loss": "huber"},
    },
    "lstm by rmsprop": {
        "model": {"cell": "lstm", "recurrent_activation": "hard_sigmoid", "time_steps": 20, "targets": "every_step"},
        "optimizer": {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-7},
    },
    "simple_rnn by sgd": {
        "model": {"cell": "simple_rnn", "activation": "tanh"},
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        "training": {"loss": "mae"},
    },
}


@pytest.mark.long
@pytest.mark.parametrize("network", NETWORKS)
def test_other_networks_and_a_series_from_a_csv_are_the_same_bytes_on_another_cpu(
    project: Project, tmp_path: Path, network: str
) -> None:
    weather = read_yaml(ROOT / "examples/seattle_weather.yaml")
    params = merge(project.params(), {key: weather[key] for key in ("dataset", "model")})
    params = merge(params, NETWORKS[network])
    params["model"]["batch_size"] = 8
    params["training"]["epochs"] = 3
    params["replicates"]["count"] = 0
    cases = {name: params["cases"][name] for name in ("single_fit_with_reset", "interleaved_loop_without_reset")}
    project.write_params(params | {"cases": cases, "claims": {"identical": [], "different": []}})
    project("snakemake", "--cores", "2")
    firsts = ["data/seattle_weather.csv", "data/initial_weights.npz", FORECASTS]
    firsts += [f"results/cases/{name}/final.npz" for name in cases]
    for number, first in enumerate(firsts):
        emulate(project, CPUS[number % len(CPUS)], first, tmp_path / str(number))


# ---- in every run of the tests again


def test_without_avx_the_error_is_one_line(prepared: Project, tmp_path: Path) -> None:
    command = stages(prepared)["results/cases/single_fit/final.npz"]["command"][1:]
    outputs = [str(tmp_path / name) for name in ("history.csv", "predictions.csv", "final.npz")]
    options = [word for pair in zip(["--history", "--predictions", "--final"], outputs, strict=True) for word in pair]
    done = run([*command, *options], "Nehalem", prepared.folder)
    assert done.returncode == 1
    reported = [line for line in done.stderr.splitlines() if not line.startswith("qemu-x86_64: warning:")]
    assert len(reported) == 1
    assert reported[0].startswith("error: this processor has no AVX, which TensorFlow needs")
    assert list(tmp_path.iterdir()) == []


# What the bytes owe to each ingredient of the recipe: without it, they differ from one CPU to the other.

NUMBERS = """
import hashlib, json, numpy as np
random = np.random.RandomState(0)
x, y, m = random.uniform(-9, 9, 99999), random.uniform(0, 99, 99999), random.normal(size=(999, 3, 3))
numbers = np.sin(x), np.exp(x), np.log10(y), y**1.3, np.tanh(x.astype(np.float32)), np.linalg.inv(m), m[0] @ m[:, 0].T
print(json.dumps([hashlib.sha256(np.ascontiguousarray(n)).hexdigest() for n in numbers]))
"""

NUMPYS = ["NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES"]
KERNELS = [{"ONEDNN_MAX_CPU_ISA": "SSE41"}, {"ONEDNN_MAX_CPU_ISA": "AVX"}]
"""What makes oneDNN choose its kernels as on a CPU that has no more: both are within this one, and as fast."""

TENSORFLOWS: dict[str, list[dict[str, str]]] = {
    # What TensorFlow takes by itself on a CPU with AVX-512 VNNI; on an older one, it takes 0.
    "TF_ENABLE_ONEDNN_OPTS": [kernels | {"TF_ENABLE_ONEDNN_OPTS": "1"} for kernels in KERNELS],
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": KERNELS,
}
"""On which two CPUs training without the ingredient differs, as variables of the environment."""

OPTIMIZATIONS = "tf.config.optimizer.set_experimental_options"
"""Shown above, with the one training in which they are made."""

NOT_OBSERVABLE = {
    "CUDA_VISIBLE_DEVICES": "needs a GPU, and a TensorFlow that uses it",
    "tf.config.threading.set_intra_op_parallelism_threads": "these networks are too small to be split among threads",
    "tf.config.threading.set_inter_op_parallelism_threads": "as above",
    "tf.config.experimental.enable_op_determinism": "on a CPU, none of the operations used here is indeterministic",
}


def test_each_ingredient_of_the_recipe_is_shown_to_count_or_said_not_to_be_observable() -> None:
    settings = set(re.findall(r"^    (tf\.config\.[\w.]+)\(", Path(portable.__file__).read_text(), flags=re.MULTILINE))
    assert set(portable.ENVIRONMENT) | settings == {*NUMPYS, *TENSORFLOWS, OPTIMIZATIONS, *NOT_OBSERVABLE}


@cache
def numbers(cpu: str | None, without: str | None = None) -> list[str]:
    environment = {name: value for name, value in hermetic.environment({}).items() if name != without}
    command = [*emulator(cpu), sys.executable, "-I", "-c", NUMBERS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    digests: list[str] = json.loads(done.stdout)
    return digests


def test_numpy_computes_the_same_float64_on_every_cpu() -> None:
    assert numbers("SandyBridge") == numbers("Haswell") == numbers("EPYC-Rome") == numbers(None)


@pytest.mark.parametrize("ingredient", NUMPYS)
def test_without_it_numpy_computes_otherwise_on_another_cpu(ingredient: str) -> None:
    assert numbers("SandyBridge", without=ingredient) != numbers("Haswell", without=ingredient)


TRAIN_WITHOUT = """
import runpy, sys
from carryover.job import portable
ingredient, *sys.argv = sys.argv[1:]
del portable.ENVIRONMENT[ingredient]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("ingredient", TENSORFLOWS)
def test_without_it_tensorflow_trains_otherwise_on_another_cpu(
    prepared: Project, tmp_path: Path, ingredient: str
) -> None:
    """That it trains alike with it is what the tests above show."""
    command = stages(prepared)["results/cases/single_fit/final.npz"]["command"][2:]
    python = [sys.executable, "-I", "-B"]
    histories = []
    for number, cpu in enumerate(TENSORFLOWS[ingredient]):
        out = tmp_path / str(number)
        out.mkdir()
        options = ["--history", f"{out}/h", "--predictions", f"{out}/p", "--final", f"{out}/f", "--epochs", "2"]
        recipe = {name: value for name, value in hermetic.environment({}).items() if name != ingredient}
        done = subprocess.run(
            [*python, "-c", TRAIN_WITHOUT, ingredient, *command, *options],
            cwd=prepared.folder, env=recipe | cpu, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        histories.append((out / "h").read_text())
    assert histories[0] != histories[1]
