"""The pipeline on your own series, and the examples: by both engines, and beside the default results."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers import results as numbers
from helpers.project import ENGINES, ROOT, TINY, Project

from carryover.job.yaml_file import read_yaml
from carryover.training.behaviours import BATCH_ORDERS

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
CASES = {
    "loop_with_reset": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "interleaved"},
    "stateless_fit": {"calls": "single", "reset": "never", "stateful": False, "batches": "contiguous"},
}
CLAIMS: dict[str, Any] = {"identical": [], "different": [["loop_with_reset", "stateless_fit"]]}


@pytest.fixture
def weather(project: Project) -> Project:
    """A copy of the project that learns 26 rows of its own series, by a GRU for which the stand-in takes over."""
    rows = np.random.default_rng(0).normal([100, -3, 20], [10, 1, 5], (26, 3))
    lines = ["rain (mm),day,wärme,wind", *(f"{a!r},no {n},{c!r},{b!r}" for n, (a, b, c) in enumerate(rows.tolist()))]
    (project.folder / "data/series/wetter.csv").write_text("\n".join(lines) + "\n")
    own = {"source": "wetter", "samples": "all", "held_out": 0.25, "inputs": ["rain (mm)", "wind"], "target": "wärme"}
    project.make_tiny(
        dataset=TINY["dataset"] | own | {"standardize": True},
        model=TINY["model"] | {"cell": "gru"},
        optimizer={"name": "sgd", "learning_rate": 0.1, "momentum": 0.5},
        training={"loss": "huber", "epochs": 3},
        cases=CASES,
        claims=CLAIMS,
    )
    project.put_stand_ins()
    project.commit("its own series")
    return project


@pytest.mark.slow
def test_both_engines_learn_a_csv_and_learn_it_again_when_it_changes(weather: Project) -> None:
    weather("snakemake", "--cores", "2")
    made = weather.artifacts()
    series = {name: made[f"data/wetter{name}.csv"].decode().splitlines() for name in ("", "_held_out", "_scales")}
    # Of 26 rows 6 are held out (a quarter, rounded), and of the others the last 16 make two whole batches of 8.
    assert [len(lines) - 1 for lines in series.values()] == [16, 6, 3]
    notes = json.loads(made["data/wetter_notes.json"])
    assert notes == json.loads(made["results/details.json"])["series"]
    known = {"samples": 26, "trained_on": 16, "held_out": 6, "left_over": 4, "not_forecast": 0, "filled": {}}
    assert notes | known == notes
    assert notes["warnings"] == [
        "an epoch has only 2 batches, so a reset every epoch is nearly one every batch; set a smaller model.batch_size"
    ]
    assert series[""][0] == series["_held_out"][0] == "rain (mm),wind,wärme"
    trained = np.loadtxt(series[""][1:], delimiter=",")
    np.testing.assert_allclose(trained.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(trained.std(axis=0), 1, rtol=1e-6)
    forecasts = made["results/forecasts.csv"].decode().splitlines()
    assert forecasts[0].startswith("sample,target,mean,loop_with_reset/carried,loop_with_reset/reset,")
    # In the file's own units; the windows of two samples end at the samples 17, 19 and 21.
    rows = (weather.folder / "data/series/wetter.csv").read_text().splitlines()[1:][4:]
    assert [line.split(",")[0] for line in forecasts[1:]] == ["17", "19", "21"]
    for line in forecasts[1:]:
        sample, target = line.split(",")[:2]
        assert float(target) == pytest.approx(float(rows[int(sample)].split(",")[2]), rel=1e-6)
    assert set(numbers.metrics(weather.folder / "results")["held_out"]) == set(CASES)

    weather.remove_artifacts()
    weather("dvc", "repro")
    assert weather.artifacts() == made
    weather.assert_snakemake_is_content()

    file = weather.folder / "data/series/wetter.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], lines[-1].replace("no ", "No ")]) + "\n")  # in a column that is not read
    weather("dvc", "repro")
    assert weather.artifacts() == made
    file.write_text("\n".join(lines[:-1]) + "\n")
    assert "make_dataset" in weather("dvc", "status")
    planned = weather.run("snakemake", "--dry-run")
    assert "make_dataset" in planned.stdout + planned.stderr
    file.write_text("\n".join([*lines[:9], lines[9].replace("no ", "no, "), *lines[10:]]) + "\n")
    for engine in ENGINES.values():
        done = weather.run(*engine)
        assert done.returncode != 0
        assert "error: data/series/wetter.csv: line 10: 5 cells, but the header has 4" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_without_a_held_out_part_nothing_is_scored(weather: Project) -> None:
    params = weather.params()
    params["dataset"]["held_out"] = 0
    weather.write_params(params)
    weather("git", "checkout", "--quiet", "HEAD~1", "workflow/scripts/score.py")  # the real one
    weather("snakemake", "--cores", "2")
    made = weather.artifacts()
    assert made["results/forecasts.csv"].count(b"\n") == 1
    assert "held_out" not in numbers.metrics(weather.folder / "results")


@pytest.fixture(scope="module")
def with_results(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, with something in the place of each result that git does not hold."""
    project = Project.new(tmp_path_factory.mktemp("examples") / "project")
    for name in ("data/noisy_sine.csv", "data/initial_weights.npz", "results/cases/single_fit/history.csv"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("of the default run")
    return project


def assert_it_shows_what_it_says(example: str, results: Path) -> None:
    """That the results of an example are those that the file and docs/own_series.md speak of."""
    metrics, details = numbers.metrics(results), numbers.details(results)
    assert all(metrics["claims"].values())
    if example == "of_2017":
        distances = details["reference"]
        assert all(case["max_relative_loss_difference"] < 1e-6 for case in distances.values())
        assert len(distances) == 6
        return
    if example == "backends":
        apart = [*details["backends"].values(), *details["reference"].values()]
        assert len(apart) == 8 + 12
        assert all(0 < one["max_relative_loss_difference"] < 3e-6 for one in apart)
        return
    final, errors, baselines = metrics["final_loss"], metrics["held_out"], details["held_out"]["baselines"]
    if example == "interleaved":
        assert min(final, key=final.__getitem__) in ("loop_without_reset", "single_fit")
        assert errors["single_fit"]["carried"] == min(min(error.values()) for error in errors.values())
        assert errors["single_fit"]["carried"] < baselines["input"]
        return
    seeds = details["replicates"]
    assert seeds["count"] == (16 if example == "jfk_weather" else 32)
    used = {name: f"{name}/{training['states']}" for name, training in seeds["trainings"].items()}
    lower = {frozenset((one["a"], one["b"])): one["lower"] for one in seeds["errors"]}

    def lower_of(name: str, other: str) -> str | None:
        return lower[frozenset((used[name], other))]

    contiguous, interleaved = ([f"{batches}_{b}" for b in ("never", "every_epoch")] for batches in BATCH_ORDERS)
    if example == "jfk_weather":
        best = "interleaved_every_batch"
        assert used[best] == f"{best}/carried"
        for other in [used[name] for name in used if name != best] + ["last_known", f"{best}/reset"]:
            assert lower_of(best, other) == used[best]
        assert all(
            lower_of(f"contiguous_{name}", "last_known") != used[f"contiguous_{name}"]
            for name in ("never", "every_epoch", "every_batch")
        )
        return
    if example == "moving_average":
        for name in contiguous:
            assert lower_of(name, "contiguous_every_batch/reset") == used[name]
        assert seeds["trainings"]["contiguous_every_batch"]["reset"]["median"] == pytest.approx(0.028, abs=0.001)
        assert lower_of(contiguous[0], used[contiguous[1]]) is None
        return
    assert seeds["best_baseline"] == "last_known"
    if example == "seattle_weather" and len(used) == 2:
        assert lower_of("interleaved_never", "last_known") == used["interleaved_never"]
    elif example == "seattle_weather":
        for name in interleaved:
            assert lower_of(name, "interleaved_every_batch/reset") == lower_of(name, "last_known") == used[name]
        for name in contiguous:
            assert lower_of(name, "contiguous_every_batch/reset") == "contiguous_every_batch/reset"
        assert lower_of(interleaved[0], used[interleaved[1]]) is None
    else:
        assert example == "lstm_and_gru"
        for name in interleaved:
            assert lower_of(f"{name}_lstm", used[f"{name}_gru"]) == used[f"{name}_gru"]
            for cell in ("lstm", "gru"):
                with_memory = f"{name}_{cell}"
                assert lower_of(with_memory, f"interleaved_every_batch_{cell}/reset") == used[with_memory]
        without = {cell: used[f"interleaved_every_batch_{cell}"] for cell in ("lstm", "gru")}
        assert lower[frozenset(without.values())] == without["lstm"]


def run_beside_the_default_results(project: Project, example: str) -> None:
    before = project.artifacts()
    status = project("git", "status", "--porcelain")
    printed = project("snakemake", "--cores", "2", "--configfile", f"examples/{example}.yaml")
    assert project.artifacts() == before
    assert "All claims hold" in printed
    assert f"figures   examples/{example}/results/figures/" in printed
    assert_it_shows_what_it_says(example, project.folder / "examples" / example / "results")
    now = project("git", "status", "--porcelain")
    assert now.replace(f"?? examples/{example}/\n", "") == status
    project("git", "clean", "-dfxq", f"examples/{example}")


@pytest.mark.long
@pytest.mark.parametrize("example", [path.stem for path in EXAMPLES])
def test_an_example_runs_and_leaves_the_default_results_alone(with_results: Project, example: str) -> None:
    if example == "backends" and find_spec("torch") is None:
        pytest.skip("needs PyTorch in .venv: run `make backends`")
    run_beside_the_default_results(with_results, example)


@pytest.mark.slow
def test_an_example_with_fewer_cases_runs_and_leaves_the_default_results_alone(with_results: Project) -> None:
    params = with_results.params()
    names = ["interleaved_loop_without_reset", "single_fit"]
    claims = {"identical": [], "different": [names]}
    params |= {"cases": {name: params["cases"][name] for name in names}, "claims": claims}
    with_results.write_params(params)
    run_beside_the_default_results(with_results, "seattle_weather")
    with_results("git", "restore", "params.yaml")


@pytest.mark.slow
def test_the_walk_of_the_docs_leads_from_the_file_to_the_answer(project: Project) -> None:
    """With fewer cases, seeds and epochs."""
    walk = (ROOT / "docs/own_series.md").read_text().split("## A file of your own")[0]
    (look, run), (change,) = (re.findall(rf"```{kind}\n(.*?)```", walk, re.DOTALL) for kind in ("bash", "yaml"))
    assert project("sh", "-c", look) in walk
    written = project.folder / "jfk_weather.yaml"
    written.write_text(re.sub(r"^  inputs:.*\n", change, written.read_text(), flags=re.MULTILINE))
    example = read_yaml(ROOT / "examples/jfk_weather.yaml")
    folders = {key: f"examples/{folder}" for key, folder in read_yaml(written)["folders"].items()}
    assert read_yaml(written) | {"folders": folders} == example

    left_out = [name for name in project.params()["cases"] if name not in ("single_fit", "interleaved_stateless_fit")]
    smaller = {"training": {"epochs": 1}, "replicates": {"count": 2}, "cases": dict.fromkeys(left_out)}
    (project.folder / "smaller.yaml").write_text(yaml.safe_dump(smaller))
    snakemake, verdict = run.splitlines()
    project("sh", "-c", f"{snakemake} smaller.yaml")
    told = " ".join(project("sh", "-c", verdict).split())
    assert "This run cannot advise you which training to use: 2 seeds cannot tell 2 trainings apart" in told
    assert "error of temp, forecast 1 row ahead, in its own units" in told
    assert (project.folder / "jfk_weather/results/figures/forecasts.png").is_file()


@pytest.mark.slow
def test_an_example_is_an_experiment_of_dvc_with_the_same_results(project: Project) -> None:
    """By the stand-ins, with one case."""
    one = {"stateless_fit": CASES["stateless_fit"]}
    project.write_params(project.params() | {"cases": one, "claims": CLAIMS | {"different": []}})
    project.put_stand_ins()
    project.commit("one case")
    example = "examples/seattle_weather"
    before = project.artifacts()
    project("snakemake", "--cores", "2", "--configfile", f"{example}.yaml")
    made = (project.folder / f"{example}/results/metrics.json").read_text()
    project("git", "clean", "-dfxq", "examples")
    params = (project.folder / "params.yaml").read_text()
    project("sh", "-c", f"carryover overrides {example}.yaml | xargs -r dvc exp run --temp --name weather")
    assert project.artifacts() == before
    assert not (project.folder / example).exists()
    assert (project.folder / "params.yaml").read_text() == params
    (commit,) = project("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    assert project("git", "show", f"{commit}:{example}/results/metrics.json") == made
    assert "weather" in project("dvc", "exp", "show", "--csv")


@pytest.mark.long
def test_a_million_rows_take_less_than_two_gigabytes(project: Project, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1_000_000, 2)).cumsum(axis=0)
    np.savetxt(project.folder / "data/series/walk.csv", values, "%.6f", ",", header="x,y", comments="")
    params = project.params()
    params["dataset"] |= {"source": "walk", "samples": "all", "held_out": 0.01, "standardize": True}
    params |= {"cases": {"stateless_fit": CASES["stateless_fit"]}, "claims": {"identical": [], "different": []}}
    params["training"]["epochs"] = 2
    params["replicates"]["count"] = 0
    params["model"]["initial_weights"] = "random"
    project.write_params(params)
    measure = "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); print('peak MB:', "
    measure += "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(done.returncode)"
    done = subprocess.run(
        [sys.executable, "-c", measure, "snakemake", "--cores", "2", "--quiet"],
        cwd=project.folder, env=project.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.rsplit("peak MB:", 1)[1])
    print(f"{peak} MB")
    assert peak < 2000
    figures = project.folder / "results/figures"
    assert max(path.stat().st_size for path in figures.iterdir()) < 2_000_000
