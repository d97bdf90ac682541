"""The bytes are the same on other CPUs, which qemu emulates instruction by instruction; and what they owe it to."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock
from helpers.project import ROOT, Project
from test_engines import dvc_graph

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


class Native(NamedTuple):
    """A project with all its artifacts, made on this machine's CPU.

    Attributes:
        stages: the command and the outputs of each stage of dvc.yaml, by its first output.
    """

    project: Project
    stages: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Native:
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "native"
    with FileLock(shared / "native.lock"):  # the first worker makes it for all
        if not (shared / "native.ready").exists():
            Project(folder)("snakemake", "--cores", "2")
            (shared / "native.ready").touch()
    project = Project.at(folder)
    stages = {outputs.split()[0]: stage | {"outputs": outputs.split()} for outputs, stage in dvc_graph(project).items()}
    return Native(project, stages)


def emulate(native: Native, cpu: str, first_output: str, folder: Path, *options: str) -> None:
    """Run a stage on another CPU, over copies of what it reads, and compare every byte that it writes.

    Args:
        options: instead of what params.yaml says; the stage is then run natively as well.
    """
    stage = native.stages[first_output]
    command = [*stage["command"][1:], *options]  # the last of two equal options counts
    expected = folder / "native" if options else native.project.folder
    for here in {expected, folder / "emulated"} - {native.project.folder}:
        shutil.copytree(native.project.folder, here, ignore=shutil.ignore_patterns(".git", ".dvc", ".snakemake"))
        for path in files(here, stage["outputs"]):
            path.unlink()
        done = run(command, cpu if here.name == "emulated" else None, here)
        assert done.returncode == 0, done.stderr
    made, natively = (
        {str(path.relative_to(here)): path.read_bytes() for path in files(here, stage["outputs"])}
        for here in (folder / "emulated", expected)
    )
    assert made.keys() == natively.keys() != set()
    for path, content in natively.items():
        assert made[path] == content, path


def files(folder: Path, outputs: list[str]) -> list[Path]:
    """The files of a stage's outputs, those of a folder one by one."""
    paths = [folder / output for output in outputs]
    return [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.csv"))]


def on_each(one: str) -> list[Any]:
    """The CPUs: one in `make test`, for what has more of its kind there, and the others in `make test-long`."""
    return [pytest.param(cpu, marks=[] if cpu == one else pytest.mark.long) for cpu in CPUS]


@pytest.mark.parametrize("cpu", CPUS)
def test_a_whole_training_is_the_same_bytes_on_another_cpu(native: Native, tmp_path: Path, cpu: str) -> None:
    emulate(native, cpu, "results/cases/single_fit/final.npz", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("cpu", CPUS)
def test_a_whole_training_with_reset_is_the_same_bytes_on_another_cpu(native: Native, tmp_path: Path, cpu: str) -> None:
    emulate(native, cpu, "results/cases/loop_with_reset/final.npz", tmp_path)


@pytest.mark.parametrize("cpu", on_each("Haswell"))
@pytest.mark.parametrize(
    "case",
    [
        "single_fit_with_batch_reset",
        *(
            pytest.param(case, marks=pytest.mark.long)
            for case in ("stateless_fit", "loop_without_reset", "single_fit_with_reset", "interleaved_loop_with_reset")
        ),
    ],
)
def test_the_first_epochs_of_the_other_cases_are_the_same_bytes_on_another_cpu(
    native: Native, tmp_path: Path, cpu: str, case: str
) -> None:
    emulate(native, cpu, f"results/cases/{case}/final.npz", tmp_path, "--epochs", "3")


@pytest.mark.parametrize("cpu", on_each("EPYC-Rome"))
def test_replicates_are_the_same_bytes_on_another_cpu(native: Native, tmp_path: Path, cpu: str) -> None:
    emulate(native, cpu, REPLICATES, tmp_path, "--epochs", "3", "--count", "20", "--behaviours", "every_epoch")


REPLICATES = "results/replicates"
FAST = ["results/params.yaml", "data/noisy_sine.csv", "data/initial_weights.npz", "results/loss_diffs.csv"]
FORECASTS = "results/forecasts.csv"
FIGURES = [
    f"results/figures/{figure}.png"
    for figure in ("predictions", "equality", "losses", "loss_differences", "replicates", "forecasts")
]


@pytest.mark.parametrize("cpu", on_each("SandyBridge"))
@pytest.mark.parametrize(
    "first_output",
    [
        *FAST,
        FIGURES[0],
        *(pytest.param(output, marks=pytest.mark.long) for output in [*FIGURES[1:], FORECASTS]),
    ],
)
def test_data_comparison_and_figures_are_the_same_bytes_on_another_cpu(
    native: Native, tmp_path: Path, cpu: str, first_output: str
) -> None:
    emulate(native, cpu, first_output, tmp_path)


def test_forecasts_are_the_same_bytes_on_another_cpu(native: Native, tmp_path: Path) -> None:
    """On the one that differs most from this machine's, of two networks, after a tenth of the series; above is all."""
    series, params = tmp_path / "series.csv", tmp_path / "params.yaml"
    samples = (native.project.folder / "data/noisy_sine.csv").read_text().splitlines(keepends=True)
    series.write_text("".join(samples[:101]))
    whole = read_yaml(native.project.folder / "results/params.yaml")
    two = {name: whole["cases"][name] for name in ("single_fit", "interleaved_loop_without_reset")}
    params.write_text(json.dumps(whole | {"cases": two}))
    emulate(native, CPUS[0], FORECASTS, tmp_path, "--data", str(series), "--params", str(params))


def test_every_stage_is_run_on_other_cpus() -> None:
    project = Project.at(ROOT)
    trainings = {f"results/cases/{case}/final.npz" for case in project.params()["cases"]}
    assert {outputs.split()[0] for outputs in dvc_graph(project)} == trainings | {
        *FAST,
        FORECASTS,
        *FIGURES,
        REPLICATES,
    }


NETWORKS: dict[str, dict[str, Any]] = {
    "gru by adam": {
        "model": {"cell": "gru", "activation": "sigmoid", "recurrent_activation": "sigmoid"},
        "optimizer": {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        "training": {"loss": "huber"},
    },
    "lstm by rmsprop": {
        "model": {"cell": "lstm", "recurrent_activation": "hard_sigmoid", "time_steps": 20},
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
    stages = {outputs.split()[0]: stage | {"outputs": outputs.split()} for outputs, stage in dvc_graph(project).items()}
    made = Native(project, stages)
    firsts = ["data/seattle_weather.csv", "data/initial_weights.npz", FORECASTS]
    firsts += [f"results/cases/{name}/final.npz" for name in cases]
    for number, first in enumerate(firsts):
        emulate(made, CPUS[number % len(CPUS)], first, tmp_path / str(number))


def test_random_initial_weights_are_the_same_bytes_on_another_cpu(native: Native, tmp_path: Path) -> None:
    command = native.stages["data/initial_weights.npz"]["command"][1:]
    place = command.index("--initial_weights") + 1
    command = [*command[:place], "random", *command[place + 1 :]]
    made = []
    for cpu in (None, "SandyBridge"):
        output = tmp_path / f"{cpu}.npz"
        done = run([*command, "--output", str(output)], cpu, native.project.folder)
        assert done.returncode == 0, done.stderr
        made.append(output.read_bytes())
    assert made[0] == made[1]


def test_a_cpu_without_avx_is_told_so_in_one_line(native: Native, tmp_path: Path) -> None:
    command = native.stages["results/cases/single_fit/final.npz"]["command"][1:]
    outputs = [str(tmp_path / name) for name in ("history.csv", "predictions.csv", "final.npz")]
    options = [word for pair in zip(["--history", "--predictions", "--final"], outputs, strict=True) for word in pair]
    done = run([*command, *options], "Nehalem", native.project.folder)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.startswith("qemu-x86_64: warning:")]
    assert len(told) == 1
    assert told[0].startswith("error: this processor has no AVX, without which TensorFlow does not run")
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
    # qemu computes the reciprocal square root that a real CPU approximates.
    "tf.config.optimizer.set_experimental_options": [{}, {"QEMU_CPU": "Haswell"}],
}
"""On which two CPUs training without the ingredient differs, as variables of the environment."""

NOT_OBSERVABLE = {
    "CUDA_VISIBLE_DEVICES": "needs a GPU, and a TensorFlow that uses it",
    "tf.config.threading.set_intra_op_parallelism_threads": "these networks are too small to be split among threads",
    "tf.config.threading.set_inter_op_parallelism_threads": "as above",
    "tf.config.experimental.enable_op_determinism": "on a CPU, none of the operations used here is indeterministic",
}


def test_each_ingredient_of_the_recipe_is_shown_to_count_or_said_not_to_be_observable() -> None:
    settings = set(re.findall(r"^    (tf\.config\.[\w.]+)\(", Path(portable.__file__).read_text(), flags=re.MULTILINE))
    assert set(portable.ENVIRONMENT) | settings == {*NUMPYS, *TENSORFLOWS, *NOT_OBSERVABLE}


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
ingredient, script, *arguments = sys.argv[1:]
if portable.ENVIRONMENT.pop(ingredient, None) is None:
    import tensorflow
    *path, function = ingredient.split(".")[1:]
    module = tensorflow
    for name in path:
        module = getattr(module, name)
    setattr(module, function, lambda *_: None)
sys.argv = [script, *arguments]
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize("ingredient", TENSORFLOWS)
def test_without_it_tensorflow_trains_otherwise_on_another_cpu(native: Native, tmp_path: Path, ingredient: str) -> None:
    """That it trains alike with it is what the tests above show."""
    command = native.stages["results/cases/single_fit/final.npz"]["command"][2:]
    python = [sys.executable, "-I", "-B"]
    histories = []
    for number, cpu in enumerate(TENSORFLOWS[ingredient]):
        out = tmp_path / str(number)
        out.mkdir()
        options = ["--history", f"{out}/h", "--predictions", f"{out}/p", "--final", f"{out}/f", "--epochs", "2"]
        recipe = {name: value for name, value in hermetic.environment({}).items() if name != ingredient}
        done = subprocess.run(
            [*emulator(cpu.get("QEMU_CPU")), *python, "-c", TRAIN_WITHOUT, ingredient, *command, *options],
            cwd=native.project.folder, env=recipe | cpu, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        histories.append((out / "h").read_text())
    assert histories[0] != histories[1]
