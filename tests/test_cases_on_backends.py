"""Cases on the other backends of Keras: how they are asked for, trained and compared."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from helpers.backends import TORCH
from helpers.cases import case
from helpers.engines import dvc_graph, snakemake_graph
from helpers.once import Once
from helpers.project import CALLER, ENGINES, ROOT, TINY, Project
from helpers.steps import run_here, script, train_options
from test_verdict import NO_CLAIMS, found

from carryover.comparison.answer import answer
from carryover.comparison.backends import between_backends
from carryover.comparison.partings import first_parting, same_training
from carryover.comparison.reference import distance, known_cases, read_reference
from carryover.comparison.verdict import verdict
from carryover.job.errors import UserError
from carryover.job.hermetic import environment
from carryover.job.portable import BACKENDS, load_keras
from carryover.job.yaml_file import read_yaml
from carryover.params.check import check
from carryover.params.options import flags
from carryover.training.case_results import CASE_FILES, CaseResults, read_case
from carryover.training.cases import replicated, trainings_of

NEVER = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
LONG = {"time_steps": 20, "batch_size": 5, "recurrent_activation": "sigmoid"}
"""Windows that are not unrolled, and gates for which PyTorch has another path."""

CASES = {
    "never": NEVER,
    "never_loop": NEVER | {"calls": "loop"},
    "epoch": NEVER | {"reset": "every_epoch"},
    "epoch_loop": NEVER | {"calls": "loop", "reset": "every_epoch"},
    "batch": NEVER | {"reset": "every_batch"},
    "stateless": NEVER | {"stateful": False},
    "long_batch": NEVER | {"reset": "every_batch"} | LONG,
    "long_stateless": NEVER | {"stateful": False} | LONG,
}
SCHEMA = read_yaml(ROOT / "workflow/schemas/params.schema.yaml")

# ---- asking for them


def changed(identical: bool = False, **changes: Any) -> dict[str, Any]:
    """The default parameters, with changes of the case single_fit; without claims of identity, if not wanted."""
    params = read_yaml(ROOT / "params.yaml")
    params["cases"]["single_fit"] |= changes
    params["claims"]["identical"] = params["claims"]["identical"] if identical else []
    return params  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "theano"}, "cases.single_fit.backend: 'theano' is not one of tensorflow, jax, torch"),
        (
            {"backend": "jax", "units": [4]},
            "cases.single_fit.units: jax would draw the weights of this network otherw",
        ),
        ({"backend": "jax", "cell": "gru"}, "cases.single_fit.cell: jax would draw the weights of this network otherw"),
    ],
)
def test_a_mistake_about_a_backend_is_reported_before_anything_is_trained(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        check(changed(**changes), SCHEMA, ROOT)
    assert str(error.value).startswith(message)


def test_a_backend_that_is_not_installed_is_reported_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the check of the parameters, and by a job that is run by hand."""
    check(changed(backend="jax"), SCHEMA, ROOT)
    monkeypatch.setattr("carryover.job.portable.find_spec", lambda name: None)
    with pytest.raises(UserError) as error:
        check(changed(backend="jax"), SCHEMA, ROOT)
    assert str(error.value) == (
        f"cases.single_fit.backend: jax is not installed; install it: {sys.executable} -m pip install -e '.[jax]', or "
        "leave the case out (cases: {single_fit: null})"
    )
    with pytest.raises(
        UserError, match=r"^torch is not installed; install it: .*python.* -m pip install -e '.\[torch\]'$"
    ):
        load_keras("torch")


def test_two_backends_are_not_claimed_to_be_identical() -> None:
    params = changed(identical=True, backend="jax")
    message = (
        r"^claims.identical\[0\]: single_fit is on jax and loop_without_reset on tensorflow, and two backends do not"
    )
    with pytest.raises(UserError, match=message):
        check(params, SCHEMA, ROOT)


def test_replicates_are_of_the_trainings_on_tensorflow_alone() -> None:
    params = changed(backend="jax")
    assert {training.variant.backend for training in trainings_of(params)} == {None, "jax"}
    # A case on another backend leaves the names of the others, so that no replicate is trained again.
    assert replicated(params) == trainings_of(read_yaml(ROOT / "params.yaml"))
    params["cases"] = {"single_fit": params["cases"]["single_fit"]}
    params["claims"] = {"identical": [], "different": []}
    with pytest.raises(UserError, match=r"^replicates.count: replicates are trained with TensorFlow only, and no case"):
        check(params, SCHEMA, ROOT)
    params["replicates"]["count"] = 0
    check(params, SCHEMA, ROOT)


# ---- training

ONLY_EPOCHS = ("--epochs 1 --calls single --reset never --stateful", "--epochs 3")
"""What is replaced in the options of the step `train`, so that those of a case can follow."""

SEVERAL = """
import json, runpy, sys
from carryover.job import portable
for command in json.loads(sys.argv[1]):
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")
    portable.load_keras = lambda *_: None  # it is loaded
    sys.modules["keras"].backend.clear_session()
"""
"""A program that trains several cases in one process: a backend takes seconds to be loaded."""


@pytest.fixture(params=["jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "torch" and not (TORCH / "ready").exists():
        pytest.skip("needs PyTorch: run `make torch`")
    return name


def train(backend: str, names: Iterable[str], folder: Path, cores: set[int] | None = None) -> None:
    """Train cases by the step `train` on a backend, for three epochs, in a folder for each; if wanted on some cores."""
    commands = []
    for name in names:
        (folder / name).mkdir(parents=True)
        options = train_options(folder / name, *ONLY_EPOCHS)
        outputs = {"history": "history.csv", "predictions": "predictions.csv", "final": "final.npz"}
        files = [word for key, file in outputs.items() for word in (f"--{key}", str(folder / name / file))]
        own = shlex.split(flags(CASES[name] | {"backend": backend}))  # the last of two equal options counts
        commands.append([str(script("train")), *options, *files, *own])
    python, variables = sys.executable, environment(CALLER)
    if backend == "torch":
        # PyTorch is in an environment of its own, and the rest of what the step needs in this one.
        packages = [path for path in sys.path if path.endswith("site-packages")]
        python, variables = str(TORCH / "bin/python"), variables | {"PYTHONPATH": os.pathsep.join([*packages, "src"])}
    done = subprocess.run(
        [python, "-B", "-c", SEVERAL, json.dumps(commands)],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores or os.sched_getaffinity(0)),
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(backend: str, once: Once) -> Path:
    """A folder with the cases, trained on a backend."""
    return once(f"cases-{backend}", lambda folder: train(backend, CASES, folder))


@pytest.fixture
def trained(folder: Path) -> dict[str, CaseResults]:
    """The cases, trained on a backend."""
    return {name: read_case(folder / name) for name in CASES}


def test_a_case_has_the_same_bytes_on_every_run_on_one_core_or_several(
    backend: str, folder: Path, tmp_path: Path
) -> None:
    train(backend, ["never"], tmp_path, cores={min(os.sched_getaffinity(0))})
    for name in CASE_FILES:
        assert (tmp_path / "never" / name).read_bytes() == (folder / "never" / name).read_bytes(), name


def test_a_loop_is_the_single_call_to_the_last_bit(trained: dict[str, CaseResults]) -> None:
    assert first_parting(trained["never"], trained["never_loop"]) is None
    assert first_parting(trained["epoch"], trained["epoch_loop"]) is None


def test_a_reset_makes_another_training_and_before_each_batch_it_is_that_of_a_stateless_network(
    trained: dict[str, CaseResults],
) -> None:
    assert same_training(trained["batch"], trained["stateless"])
    assert same_training(trained["long_batch"], trained["long_stateless"])
    for a, b in [("never", "epoch"), ("never", "batch"), ("epoch", "batch")]:
        assert not same_training(trained[a], trained[b]), (a, b)


def test_a_case_is_near_that_on_tensorflow_with_the_same_tensors(
    keras: Any, tmp_path: Path, trained: dict[str, CaseResults]
) -> None:
    for name in ("never", "epoch"):
        keras.backend.clear_session()
        options = train_options(tmp_path, *ONLY_EPOCHS)
        files = [word for key in ("history", "predictions", "final") for word in (f"--{key}", str(tmp_path / key))]
        done = run_here("train", *options, *files, *shlex.split(flags(CASES[name])))
        assert done.returncode == 0, done.stderr
        for file, key in [("history.csv", "history"), ("predictions.csv", "predictions"), ("final.npz", "final")]:
            (tmp_path / key).rename(tmp_path / file)
        of_tensorflow = read_case(tmp_path)
        assert list(of_tensorflow.final) == list(trained[name].final)
        losses, predictions = of_tensorflow.history["loss"], of_tensorflow.predictions["prediction"]
        near = distance(trained[name], losses, predictions)
        assert 0 < near["max_absolute_prediction_difference"] < 1e-6
        assert near["max_relative_loss_difference"] < 1e-6


# ---- comparing


def test_a_case_is_compared_with_that_on_tensorflow_which_is_otherwise_alike() -> None:
    cases = {"a": case(loss={1: 0.5}), "b": case(loss={1: 0.4}), "c": case(loss={1: 0.55})}
    definitions = {"a": NEVER, "b": CASES["epoch"], "c": NEVER | {"backend": "jax"}}
    distances = between_backends(cases, {"cases": definitions})
    assert distances == {
        "c": {
            "of": "a",
            "max_relative_loss_difference": pytest.approx(0.1),
            "max_absolute_prediction_difference": 0.0,
        }
    }
    assert between_backends(cases, {"cases": definitions | {"a": CASES["stateless"]}}) == {}


def test_a_case_on_another_backend_is_compared_with_2017_too() -> None:
    params = read_yaml(ROOT / "params.yaml")
    params["cases"]["on_jax"] = params["cases"]["single_fit"] | {"backend": "jax"}
    known = known_cases(read_reference(ROOT / params["reference"]), params)
    assert known["on_jax"] == known["single_fit"] == "single_fit"
    assert "interleaved_stateless_fit" not in known


def test_the_verdict_says_on_which_backends_it_holds_how_far_they_are_apart_and_what_they_need() -> None:
    run = NO_CLAIMS | {
        "model": NO_CLAIMS["model"] | {"cell": "lstm", "units": [3]},
        "optimizer": {"name": "sgd"},
        "cases": {"a": NEVER, "b": CASES["never_loop"]}
        | {"c": NEVER | {"backend": "jax"}, "d": CASES["never_loop"] | {"backend": "jax"}},
    }
    on_jax = case(weights={1: "x"}, loss={3: 0.30001})
    cases: dict[str, Any] = {"a": case(), "b": case(), "c": on_jax, "d": on_jax}
    numbers = found(cases, run)
    said = answer(numbers, run)
    assert "one `fit(epochs=n)`, to the last bit, on each backend tried: TensorFlow, JAX.**" in said
    assert said.endswith("On JAX, call `carryover.carry_states(model)` before `fit`.")
    table = verdict(numbers, run).split("## Distance between the backends")[1]
    assert "| `d` | `b` | " in table
    assert "| `c` | `a` | " in table
    alone = run | {"cases": {"a": NEVER, "b": CASES["never_loop"]}}
    text = verdict(found({"a": case(), "b": case()}, alone), alone)
    assert "backend" not in text
    assert "carry_states" not in text


@pytest.mark.slow
def test_a_run_on_two_backends_has_the_same_jobs_by_both_engines_and_is_made_once(project: Project) -> None:
    cases = {"a": NEVER, "b": CASES["epoch"]} | {"on_jax": NEVER | {"backend": "jax"}}
    claims = {"identical": [], "different": [["a", "on_jax"], ["a", "b"]]}
    project.make_tiny(cases=cases, claims=claims, replicates=TINY["replicates"] | {"count": 1})
    jobs, stages = (
        {output: job["command"] for output, job in graph(project).items()} for graph in (snakemake_graph, dvc_graph)
    )
    assert jobs == stages
    assert any(command[-2:] == ["--backend", "jax"] for command in jobs.values())
    project(*ENGINES["snakemake"])
    made = project.artifacts()
    assert b"All claims hold, 2 of 2." in made["results/verdict.md"]
    assert b"| `on_jax` | `a` | " in made["results/verdict.md"]
    assert b"jax" not in made["results/replicates/1-1/errors.csv"]
    assert b"on_jax/carried" in made["results/forecasts.csv"]
    project.assert_snakemake_is_content()
    project("dvc", "commit", "--force")
    project.assert_dvc_is_content()


def test_the_backends_of_the_schema_are_those_that_a_job_can_load() -> None:
    case = SCHEMA["properties"]["cases"]["additionalProperties"]["properties"]
    assert tuple(case["backend"]["enum"]) == BACKENDS
