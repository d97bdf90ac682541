"""The pipeline on a series of one's own, and the examples: by both engines, and beside the default results."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.project import ROOT, TINY, Project

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
CASES = {
    "loop_with_reset": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "interleaved"},
    "stateless_fit": {"calls": "single", "reset": "never", "stateful": False, "batches": "contiguous"},
}
CLAIMS: dict[str, Any] = {"identical": [], "different": [["loop_with_reset", "stateless_fit"]]}


@pytest.fixture
def weather(project: Project) -> Project:
    """A copy of the project that learns 26 rows of a series of its own, by a GRU."""
    rows = np.random.default_rng(0).normal([100, -3, 20], [10, 1, 5], (26, 3))
    lines = ["rain (mm),day,wärme,wind", *(f"{a!r},no {n},{c!r},{b!r}" for n, (a, b, c) in enumerate(rows.tolist()))]
    (project.folder / "data/series/wetter.csv").write_text("\n".join(lines) + "\n")
    params = project.params() | TINY | {"cases": CASES, "claims": CLAIMS}
    own = {"source": "wetter", "samples": "all", "held_out": 0.25, "inputs": ["rain (mm)", "wind"], "target": "wärme"}
    params["dataset"] = params["dataset"] | own | {"standardize": True}
    params["model"] = params["model"] | {"cell": "gru"}
    params["optimizer"] = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.5}
    params["training"] = params["training"] | {"loss": "huber"}
    project.write_params(params)
    project.commit("a series of its own")
    return project


@pytest.mark.slow
def test_both_engines_learn_a_csv_and_learn_it_anew_when_it_changes(weather: Project) -> None:
    weather("snakemake", "--cores", "2")
    made = weather.artifacts()
    series = {name: made[f"data/wetter{name}.csv"].decode().splitlines() for name in ("", "_held_out", "_scales")}
    # Of 26 rows 6 are held out (a quarter, rounded), and of the others the last 16 make two whole batches of 8.
    assert [len(lines) - 1 for lines in series.values()] == [16, 6, 3]
    assert series[""][0] == series["_held_out"][0] == "rain (mm),wind,wärme"
    trained = np.loadtxt(series[""][1:], delimiter=",")
    np.testing.assert_allclose(trained.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(trained.std(axis=0), 1, rtol=1e-6)
    forecasts = made["results/forecasts.csv"].decode().splitlines()
    assert forecasts[0].startswith("sample,target,mean,previous_target,loop_with_reset/carried,loop_with_reset/reset,")
    # In the file's own units; the windows of two samples end at the samples 17, 19 and 21.
    rows = (weather.folder / "data/series/wetter.csv").read_text().splitlines()[1:][4:]
    assert [line.split(",")[0] for line in forecasts[1:]] == ["17", "19", "21"]
    for line in forecasts[1:]:
        sample, target = line.split(",")[:2]
        assert float(target) == pytest.approx(float(rows[int(sample)].split(",")[2]), rel=1e-6)
    assert b"## What it is worth" in made["results/verdict.md"]

    weather("git", "clean", "-dfxq")
    weather("rm", "-rf", "results")
    weather("dvc", "repro")
    assert weather.artifacts() == made
    assert "Nothing to be done" in weather("snakemake", "--dry-run") + weather.run("snakemake", "-n").stderr

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
    for engine in (["snakemake", "--cores", "2"], ["dvc", "repro"]):
        done = weather.run(*engine)
        assert done.returncode != 0
        assert "error: data/series/wetter.csv: line 10: 5 cells, but the header has 4" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_without_a_held_out_part_nothing_is_scored(weather: Project) -> None:
    params = weather.params()
    params["dataset"]["held_out"] = 0
    weather.write_params(params)
    weather("snakemake", "--cores", "2")
    made = weather.artifacts()
    assert made["results/forecasts.csv"].count(b"\n") == 1
    assert b"held_out" not in made["results/metrics.json"]
    assert b"## What it is worth" not in made["results/verdict.md"]


@pytest.fixture(scope="module")
def with_results(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, with something in the place of each result that git does not hold."""
    project = Project(tmp_path_factory.mktemp("examples") / "project")
    for name in ("data/noisy_sine.csv", "data/initial_weights.npz", "results/cases/single_fit/history.csv"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("of the default run")
    return project


@pytest.mark.slow
@pytest.mark.parametrize(
    "example",
    [
        pytest.param(path, id=path.stem, marks=[] if path.stem == "seattle_weather" else pytest.mark.long)
        for path in EXAMPLES
    ],
)
def test_an_example_runs_and_leaves_the_default_results_alone(with_results: Project, example: Path) -> None:
    before = with_results.artifacts()
    printed = with_results("snakemake", "--cores", "2", "--configfile", f"examples/{example.name}")
    assert with_results.artifacts() == before
    assert "All claims hold" in printed
    results = with_results.folder / "examples" / example.stem / "results"
    assert f"figures   examples/{example.stem}/results/figures/" in printed
    metrics = json.loads((results / "metrics.json").read_text())
    assert all(claim["holds"] for claim in metrics["claims"].values())
    errors = metrics["held_out"]["cases"]
    baselines = metrics["held_out"]["baselines"]
    final = {name: case["final_loss"] for name, case in metrics["cases"].items()}
    # What the file and docs/own_series.md say that it shows.
    if example.stem == "of_2017":
        assert all(case["max_relative_loss_difference"] < 1e-6 for case in metrics["reference"].values())
        assert len(metrics["reference"]) == 6
    elif example.stem == "interleaved":
        assert min(final, key=final.__getitem__) in ("loop_without_reset", "single_fit")
        assert errors["single_fit"]["carried"] == min(min(error.values()) for error in errors.values())
        assert errors["single_fit"]["carried"] < baselines["input"]
    elif example.stem == "seattle_weather":
        assert errors["interleaved_loop_without_reset"]["carried"] < baselines["previous_target"]
        assert metrics["replicates"]["count"] == 16
    else:
        assert example.stem == "seattle_weather_gru"
        assert min(min(error.values()) for error in errors.values()) < baselines["mean"] / 2
    assert with_results("git", "status", "--porcelain").split() in ([], ["??", f"examples/{example.stem}/"])
    with_results("git", "clean", "-dfxq", f"examples/{example.stem}")


@pytest.mark.slow
def test_an_example_is_an_experiment_of_dvc_with_the_same_results(project: Project) -> None:
    """With one case, for the time that it takes."""
    one = {"stateless_fit": CASES["stateless_fit"]}
    project.write_params(project.params() | {"cases": one, "claims": CLAIMS | {"different": []}})
    project.commit("one case")
    example = "examples/seattle_weather_gru"
    before = project.artifacts()
    project("snakemake", "--cores", "2", "--configfile", f"{example}.yaml")
    made = (project.folder / f"{example}/results/metrics.json").read_text()
    project("git", "clean", "-dfxq", "examples")
    params = (project.folder / "params.yaml").read_text()
    project("sh", "-c", f"carryover overrides {example}.yaml | xargs dvc exp run --temp --name weather")
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
