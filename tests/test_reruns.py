"""What an edit reruns, in both engines: what it can change, and nothing else."""

import re
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.engines import STAGES, STEPS, planned_steps
from helpers.project import ENGINES, Project

CHECK, DATASET, WEIGHTS, TRAIN, REPLICATES, SCORE, COMPARE, FIGURES = STEPS

MODULES: dict[str, set[str]] = {
    "job": set(STEPS),
    "series": set(STEPS),
    "params": {CHECK},
    "training": {WEIGHTS, TRAIN, REPLICATES, SCORE, COMPARE, FIGURES},
    "replicates": {REPLICATES, COMPARE, FIGURES},
    "forecasts": {REPLICATES, SCORE, COMPARE, FIGURES},
    "comparison": {COMPARE, FIGURES},
    "figures": {FIGURES},
}
"""The steps whose code changes with an edit to a module of a package."""

FILES: dict[str, set[str]] = {
    "src/carryover/__init__.py": set(STEPS),
    "models/stacked.py": {CHECK, WEIGHTS, TRAIN, REPLICATES, SCORE},
    "src/carryover/home/.keras/keras.json": {WEIGHTS, TRAIN, REPLICATES, SCORE},
    "src/carryover/home/.config/matplotlib/matplotlibrc": {FIGURES},
    "workflow/schemas/params.schema.yaml": {CHECK},
    "requirements.lock": set(STEPS),
    **{f"workflow/scripts/{step}.py": {step} for step in STEPS},
}
"""The steps that read a file before any step has run."""

PARAMETERS: dict[str, tuple[Callable[[dict[str, Any]], object], set[str]]] = {
    "dataset": (lambda p: p["dataset"].update(noise=0.2), {CHECK, DATASET, REPLICATES}),
    "dataset.held_out": (lambda p: p["dataset"].update(held_out=4), {CHECK, DATASET}),
    "model": (lambda p: p["model"].update(seed=4), {CHECK, WEIGHTS, TRAIN, REPLICATES, SCORE}),
    "model.batch_size": (
        lambda p: p["model"].update(batch_size=2),
        {CHECK, DATASET, WEIGHTS, TRAIN, REPLICATES, SCORE},
    ),
    "optimizer": (lambda p: p["optimizer"].update(rho=0.9), {CHECK, TRAIN, REPLICATES}),
    "training": (lambda p: p["training"].update(epochs=4), {CHECK, TRAIN, REPLICATES}),
    "cases": (lambda p: p["cases"]["single_fit"].update(batches="interleaved"), {CHECK, TRAIN}),
    "replicates": (lambda p: p["replicates"].update(first_seed=2), {CHECK, REPLICATES}),
    "claims": (lambda p: p["claims"].update(different=[]), {CHECK}),
}
"""Changes of parameters, and the steps that are given the changed ones."""

NOTHING = ["src/carryover/engines/run.py", "src/carryover/engines/report/html.py", "src/carryover/__main__.py"]
NOTHING += ["src/snakemake_logger_plugin_carryover/__init__.py", "workflow/report/losses.rst", "README.md"]
"""Files that no step reads."""

EXPECTED = {"nothing": set[str]()} | MODULES | FILES | {name: steps for name, (_, steps) in PARAMETERS.items()}


def edits(project: Project) -> dict[str, dict[str, str]]:
    """Return the new texts of the files that each edit changes, by its name."""
    modules = {name: [str(a_module(project.folder, name))] for name in MODULES}
    made = {
        name: {path: (project.folder / path).read_text() + "\n# edited\n" for path in paths}
        for name, paths in ({"nothing": NOTHING} | modules | {path: [path] for path in FILES}).items()
    }
    for name, (change, _) in PARAMETERS.items():
        params = project.params()
        change(params)
        made[name] = {"params.yaml": yaml.safe_dump(params, sort_keys=False)}
    return made


def a_module(project: Path, package: str) -> Path:
    """Return the path of a module of a package, the last by name."""
    return sorted((project / "src/carryover" / package).glob("*.py"))[-1].relative_to(project)


def with_those_after(steps: set[str]) -> set[str]:
    """Return the steps, and all that read what one of them writes; Snakemake gives REPLICATES no file of CHECK."""
    found = set(steps)
    for step, stage in STAGES.items():  # in their order, so that once is enough
        inputs = [name for name in STAGES if any(is_input(out, stage["deps"]) for out in outputs(STAGES[name]))]
        if found & set(inputs) - ({CHECK} if step == REPLICATES else set()):
            found.add(step)
    return found


def outputs(stage: dict[str, Any]) -> list[str]:
    named = [*stage["outs"], *stage.get("metrics", [])]
    return [path for out in named for path in ([out] if isinstance(out, str) else out)]


def is_input(output: str, inputs: list[str]) -> bool:
    return any(output == path or output.startswith(f"{path}/") for path in inputs)


@contextmanager
def edited(project: Project, files: dict[str, str]) -> Iterator[None]:
    """Give files of a project new texts, by their paths, for a while."""
    before = {path: (project.folder / path).read_text() for path in files}
    for path, text in files.items():
        (project.folder / path).write_text(text)
    yield
    for path, text in before.items():
        (project.folder / path).write_text(text)


@pytest.mark.slow
def test_dvc_reruns_a_step_when_what_it_reads_is_edited(quick: Project) -> None:
    from dvc.repo import Repo

    changed = {}
    for name, files in edits(quick).items():
        with edited(quick, files), chdir(quick.folder), Repo() as repo:
            changed[name] = {stage.split("@")[0] for stage in repo.status()}
    assert changed == EXPECTED


@pytest.mark.slow
def test_snakemake_plans_what_an_edit_affects_and_all_that_comes_after_it(quick: Project) -> None:
    """But for the scripts: that each is an input of its step alone is what the comparison of both graphs shows."""
    asked = {name: files for name, files in edits(quick).items() if "scripts" not in name}
    planned = {}
    for name, files in asked.items():
        with edited(quick, files):
            done = quick.run("snakemake", "--dry-run", "--nocolor")
        planned[name] = planned_steps(done.stdout + done.stderr)
    expected = EXPECTED | {"cases": EXPECTED["cases"] | {REPLICATES}}  # here a training becomes another one
    assert planned == {name: with_those_after(expected[name]) for name in asked}


SAME_TRAINING = {"calls": "loop", "reset": "never", "stateful": True, "batches": "contiguous"}
NEW_TRAINING = {"calls": "single", "reset": "never", "stateful": False, "batches": "contiguous"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_replicates_are_trained_again_for_a_new_training_and_not_for_another_spelling_of_a_known_one(
    quick: Project, engine: str
) -> None:
    def steps_run_with(case: dict[str, Any], *options: str) -> set[str]:
        params = quick.params()
        params["cases"]["another"] = case
        quick.write_params(params)
        done = quick.run(*ENGINES[engine], *options)
        assert done.returncode == 0, done.stderr
        printed = done.stdout + done.stderr
        return set(re.findall(r"^(?:started +|Running stage ')(\w+)", printed, flags=re.MULTILINE))

    every = set(STEPS) - {DATASET, WEIGHTS}
    assert steps_run_with(SAME_TRAINING) == every - {REPLICATES}
    assert steps_run_with(NEW_TRAINING) == every
    quick("dvc", "commit", "--force")
    quick.assert_dvc_is_content()
    quick.assert_snakemake_is_content()
    up_to_the_replicates = ["--until", REPLICATES] if engine == "snakemake" else [REPLICATES]
    assert steps_run_with(NEW_TRAINING | {"calls": "loop"}, *up_to_the_replicates) <= {CHECK}
