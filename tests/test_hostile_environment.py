"""Whatever the caller's environment holds, the bytes are the same.

Each variable alone is proved to reach no job: the environment of a job is the same under any of them. Whole runs, which
take long, are made under all of them at once: what would leak alone would leak among others too.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.project import ENGINES, REFERENCE, Project
from helpers.steps import AS_OPTIONS, HERMETIC, ONE_FIGURE

from carryover.job.hermetic import environment

VARIABLES = {
    # Keras
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "2",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KERAS_NNX_ENABLED": "true",
    "TF_USE_LEGACY_KERAS": "1",
    # TensorFlow: kernels, precision, rewriting, determinism, threads
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_ENABLE_ZENDNN_OPTS": "1",
    "TF_ENABLE_ONEDNN_SPMM": "1",
    "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1",
    "TF_SET_ONEDNN_FPMATH_MODE": "BF16",
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "true",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL": "UNSAFE_FORCE_ALL",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_SIMULATE_GPU": "1",
    "TF_DETERMINISTIC_OPS": "0",
    "TF_DISABLE_JIT_KERNELS": "1",
    "TF_USE_DEEP_CONV2D": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    "TF_NUM_INTRAOP_THREADS": "8",
    "TF_NUM_INTEROP_THREADS": "8",
    "TF_OVERRIDE_GLOBAL_THREADPOOL": "1",
    "TF_DATA_EXPERIMENT_OPT_IN": "all",
    # oneDNN
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "ONEDNN_DEFAULT_FPMATH_MODE": "ANY",
    "DNNL_DEFAULT_FPMATH_MODE": "ANY",
    # threads, and the kernels of libraries of linear algebra
    "OMP_NUM_THREADS": "8",
    "OMP_PROC_BIND": "true",
    "OPENBLAS_NUM_THREADS": "8",
    "GOTO_NUM_THREADS": "8",
    "MKL_NUM_THREADS": "8",
    "MKL_CBWR": "AVX2",
    "NUMEXPR_NUM_THREADS": "8",
    "VECLIB_MAXIMUM_THREADS": "8",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable",
    "CUDA_VISIBLE_DEVICES": "0",
    # Python
    "PYTHONHASHSEED": "123",
    "PYTHONOPTIMIZE": "1",
    "PYTHONUTF8": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    # matplotlib, language and time
    "MPLBACKEND": "svg",
    "SOURCE_DATE_EPOCH": "1",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "de_DE.ISO-8859-1",
    "LANGUAGE": "tr",
    "TZ": "Asia/Kathmandu",
    "COLUMNS": "20",
}
"""Variables that change numbers, figures, texts or the course of things, by who reads them."""


# Snakemake itself needs a NumPy (it asks pandas about each parameter), so this one works, and computes something else.
FAKE_NUMPY = """
import importlib.machinery, importlib.util, os, sys
others = [folder for folder in sys.path if folder != os.path.dirname(__file__)]
spec = importlib.machinery.PathFinder.find_spec("numpy", others)
numpy = sys.modules["numpy"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(numpy)
numpy.sin = numpy.cos
"""


class Hostile(NamedTuple):
    """A caller's environment, with the files that it names."""

    variables: dict[str, str]
    home: Path
    modules: Path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    home, modules = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("modules")
    (home / ".keras").mkdir()
    keras = {"floatx": "float64", "epsilon": 0.001, "backend": "jax", "image_data_format": "channels_first"}
    (home / ".keras/keras.json").write_text(json.dumps(keras))
    (home / ".config/matplotlib").mkdir(parents=True)
    (home / ".config/matplotlib/matplotlibrc").write_text("figure.dpi: 30\nsavefig.dpi: 30\nfont.size: 20\n")
    (modules / "sitecustomize.py").write_text("import sys; sys.poisoned = True\n")
    (modules / "numpy.py").write_text(FAKE_NUMPY)
    files = {
        "HOME": str(home),
        "KERAS_HOME": str(home / ".keras"),
        "MATPLOTLIBRC": str(home / ".config/matplotlib/matplotlibrc"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PYTHONPATH": str(modules),
        "PYTHONPYCACHEPREFIX": str(home / "pycache"),
    }
    return Hostile(VARIABLES | files, home, modules)


def inside_a_job(*imports: str, **caller: str) -> str:
    """What a job sees: its environment, and whose code it runs."""
    code = "; ".join(
        [
            "import os, sys, json",
            *(f"import {name}" for name in imports),
            "print(json.dumps([dict(os.environ), sys.flags[:], hasattr(sys, 'poisoned'), sys.path]))",
            *(f"print({name}.__file__)" for name in imports),
        ]
    )
    done = subprocess.run([HERMETIC, "python", "-c", code], env=caller, capture_output=True, text=True, check=True)
    return done.stdout


def test_no_variable_reaches_a_job(hostile: Hostile) -> None:
    clean = inside_a_job()
    assert json.loads(clean)[0] == environment({})
    for name, value in hostile.variables.items():
        assert inside_a_job(**{name: value}) == clean, name
    assert inside_a_job("numpy", **hostile.variables) == inside_a_job("numpy")


TRAIN = """
--case x --data data/noisy_sine.csv --scales data/noisy_sine_scales.csv --notes data/noisy_sine_notes.json
--weights data/initial_weights.npz
--history made/history.csv --predictions made/predictions.csv --final made/final.npz
--build models/stacked.py --cell lstm --units 3 2 --activation tanh --recurrent_activation hard_sigmoid_2017
--time_steps 2 --targets window_end --batch_size 4 --initial_weights random
--seed 3 --name adadelta --learning_rate 1 --rho 0.95 --epsilon 1e-8 --loss mse --epochs 3 --calls single --reset never
--stateful --batches contiguous
"""


@pytest.fixture
def inputs(trained: Project, tmp_path: Path) -> Path:
    """A folder with the scripts and the artifacts, for single jobs."""
    return trained.copy(tmp_path / "inputs").folder


@pytest.mark.slow
@pytest.mark.parametrize("poison", ["KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_HOME"])
def test_without_the_prefix_a_poison_of_training_bites(
    trained: Project, hostile: Hostile, inputs: Path, poison: str
) -> None:
    """Otherwise the table might hold harmless words. Those of the recipe are shown to bite under other CPUs."""
    env = environment({}) | {poison: hostile.variables[poison]}
    done = subprocess.run([sys.executable, "workflow/scripts/train.py", *TRAIN.split()], cwd=inputs, env=env)
    made = inputs / "made/history.csv"
    assert done.returncode != 0 or made.read_bytes() != (inputs / "results/cases/single_fit/history.csv").read_bytes()


MAKE_DATASET = (
    "make_dataset.py --source noisy_sine --samples 24 --held_out 6 --step 0.5 --noise 0.1 --seed 7 --series -"
    " --inputs x --target y --time_steps 2 --batch_size 4 --output made/noisy_sine.csv"
    " --output_held_out made/held_out.csv --output_scales made/scales.csv"
    f" --output_notes made/notes.json --output_times made/times.csv {shlex.join(AS_OPTIONS)}"
)
RENDER_FIGURES = (
    "render_figures.py --params results/params.yaml --cases results/cases --replicates results/replicates"
    f" --forecasts results/forecasts.csv --reference {REFERENCE} --data data/noisy_sine.csv"
    " --scales data/noisy_sine_scales.csv --times data/noisy_sine_times.csv --output made/figures"
)


def run_without_the_prefix(folder: Path, command: str, made: str, **poison: str) -> bytes:
    """What a script makes in a job's environment with some poison."""
    script, *arguments = shlex.split(command)
    program = ["-c", ONE_FIGURE, Path(made).stem] if script == "render_figures.py" else []
    words = [sys.executable, *program, f"workflow/scripts/{script}", *arguments]
    (folder / "made" / made).unlink(missing_ok=True)
    subprocess.run(words, cwd=folder, env=environment({}) | poison)
    return (folder / "made" / made).read_bytes() if (folder / "made" / made).exists() else b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poisons", "command", "made", "artifact"),
    [
        (["PYTHONPATH"], MAKE_DATASET, "noisy_sine.csv", "data/noisy_sine.csv"),
        (["MATPLOTLIBRC", "HOME"], RENDER_FIGURES, "figures/equality.png", "results/figures/equality.png"),
    ],
)
def test_without_the_prefix_other_code_and_another_style_bite(
    hostile: Hostile, inputs: Path, poisons: list[str], command: str, made: str, artifact: str
) -> None:
    expected = (inputs / artifact).read_bytes()
    assert run_without_the_prefix(inputs, command, made) == expected
    for poison in poisons:
        assert run_without_the_prefix(inputs, command, made, **{poison: hostile.variables[poison]}) != expected


def run_from_elsewhere(project: Project, engine: str, *prefix: str, **variables: str) -> None:
    """Run an engine on a fresh clone of a project, called from another folder."""
    folder = str(project.folder)
    command = {
        "snakemake": ["--cores", "1", "--snakefile", f"{folder}/Snakefile", "--directory", folder],
        "dvc": ["--cd", folder, "repro"],
    }[engine]
    project("env", "--chdir=/", *prefix, engine, *command, **variables)


def fresh_clone(project: Project, folder: Path) -> Project:
    project("git", "clone", "--quiet", ".", str(folder))
    clone = Project(folder)
    clone.remove_artifacts()
    return clone


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_whole_run_under_all_poisons_at_once_makes_the_same_bytes(
    trained: Project, hostile: Hostile, tmp_path: Path, engine: str
) -> None:
    """Also under a strict umask, on one core only, and from elsewhere. These are the real steps, and both engines make
    the bytes of Snakemake's run under no poison: each is content with what the other has made.

    Only the folder of the bytecode is left out: the engine itself would have to compile all that it loads."""
    clone = fresh_clone(trained, tmp_path / "clone")
    narrow = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]
    strict = ["sh", "-c", 'umask 077 && exec "$@"', "sh"]
    poisons = {name: value for name, value in hostile.variables.items() if name != "PYTHONPYCACHEPREFIX"}
    run_from_elsewhere(clone, engine, *narrow, *strict, **poisons)
    assert clone.artifacts() == trained.artifacts()
    clone.assert_snakemake_is_content()
    clone.assert_dvc_is_content()
    assert clone("git", "status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_from_elsewhere_in_a_folder_of_any_name_makes_the_same_bytes(
    stood_in: Project, tmp_path: Path, engine: str
) -> None:
    """By the stand-ins: the names are the engines' and the command lines' matter."""
    clone = fresh_clone(stood_in, tmp_path / "a folder, ça & là $HOME 'ø'")
    run_from_elsewhere(clone, engine)
    assert clone.artifacts() == stood_in.artifacts()
    assert clone("git", "status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.parametrize("cores", [*(pytest.param(cores, marks=pytest.mark.long) for cores in (1, *range(3, 8))), 8])
def test_any_number_of_cores_makes_the_same_bytes(quick: Project, cores: int) -> None:
    """By the stand-ins; one core runs the real steps above, and two make what they are held against."""
    expected = quick.artifacts()
    quick.remove_artifacts()
    quick("snakemake", "--cores", str(cores))
    assert quick.artifacts() == expected
    assert quick("git", "status", "--porcelain") == ""
