"""Snakemake and DVC run one pipeline: the same graph, the same bytes, and each is content with what the other made."""

import difflib
import json
import re
import shlex
from typing import Any

import pytest
from conftest import HELD_OUT, ROOT, TINY, Project

from carryover.figures import FIGURES

STEPS = re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), flags=re.MULTILINE)[1:]
TINY_CASES = {
    "loop_with_reset": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "contiguous"},
    "single_fit": {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"},
}
TINY_CLAIMS: dict[str, Any] = {"identical": [], "different": [["loop_with_reset", "single_fit"]]}


@pytest.fixture
def tiny(project: Project) -> Project:
    """A copy of the project with parameters with which the pipeline takes little more than its start-up."""
    project.write_params(project.params() | TINY | {"cases": TINY_CASES, "claims": TINY_CLAIMS})
    project.commit("tiny parameters")
    return project


def snakemake_graph(project: Project) -> dict[str, dict[str, Any]]:
    """Each job by its outputs: the rule, the command and the inputs."""
    printed = project.run("snakemake", "--dry-run", "--forceall", "--printshellcmds", "--nocolor")
    assert printed.returncode == 0, printed.stderr
    jobs: dict[str, dict[str, Any]] = {}
    for block in (printed.stdout + printed.stderr).split("\nrule ")[1:]:
        fields = dict(re.findall(r"^    (input|output): (.*)$", block, flags=re.MULTILINE))
        command = re.search(r"^(?:Shell command: )?(hermetic .*) > logs/", block, flags=re.MULTILINE)
        if command:
            jobs[command[1]] = {
                "step": block.split(":")[0],
                "outputs": fields["output"].split(", "),
                "inputs": sorted(fields["input"].split(", ")),
            }
    return by_output(with_shards_as_one(jobs))


def with_shards_as_one(jobs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The jobs, with those of the shards of replicates as the one stage that DVC has for them."""
    shards = {command: job for command, job in jobs.items() if job["step"] == "train_replicates"}
    others = {command: job for command, job in jobs.items() if command not in shards}
    seeds: set[int] = set()
    behaviours = [name for name in ("never", "every_epoch", "every_batch") if f"--behaviours {name} " in str(shards)]
    for command, job in shards.items():
        common, count, behaviour, first, size = re.fullmatch(
            r"(.*) --count (\d+) --behaviours (\w+) --first_seed (\d+) --shard_size (\d+)", command
        ).groups()  # type: ignore[union-attr]
        assert job["outputs"] == [f"results/replicates/{behaviour}/{first}-{int(first) + int(count) - 1}.csv"]
        seeds |= set(range(int(first), int(first) + int(count)))
        whole = f"{common} --count {len(seeds)} --behaviours {' '.join(behaviours)} --first_seed {min(seeds)}"
        one = {f"{whole} --shard_size {size}": job | {"outputs": ["results/replicates"]}}
    return others | one


def dvc_graph(project: Project) -> dict[str, dict[str, Any]]:
    """Each stage by its outputs: the name, the command and the dependencies."""
    from dvc.repo import Repo

    stages: dict[str, dict[str, Any]] = {}
    with Repo(str(project.folder)) as repo:
        for stage in repo.index.stages:
            stages[stage.cmd] = {
                "step": stage.name.split("@")[0],
                "outputs": [out.def_path for out in stage.outs],
                "inputs": sorted(dep.def_path for dep in stage.deps if not hasattr(dep, "params")),
            }
    return by_output(stages)


def by_output(jobs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        " ".join(sorted(job["outputs"])): {
            "step": job["step"],
            "command": shlex.split(command),
            "inputs": job["inputs"],
        }
        for command, job in jobs.items()
    }


def cover(inputs: list[str], folders: list[str]) -> list[str]:
    """The inputs, with those that lie in one of the folders replaced by the folder."""
    return sorted({next((f for f in folders if path.startswith(f"{f}/")), path) for path in inputs})


def test_both_graphs_are_the_same(project: Project) -> None:
    snakemake, dvc = snakemake_graph(project), dvc_graph(project)
    for job, stage in dvc.items():
        # DVC depends on the folder of all cases, and on that of the reference; Snakemake on the files in it.
        folders = [path for path in stage["inputs"] if (ROOT / path).is_dir() or path.startswith("results/")]
        if job in snakemake:
            snakemake[job]["inputs"] = cover(snakemake[job]["inputs"], folders)
        # A dependency of DVC cannot be conditional: it watches the folder of the CSV files even where none is read.
        assert ("data/series" in stage["inputs"]) == (stage["step"] == "make_dataset")
        stage["inputs"] = [path for path in stage["inputs"] if path != "data/series"]
    difference = "\n".join(
        difflib.unified_diff(
            json.dumps(snakemake, indent=1, sort_keys=True).splitlines(),
            json.dumps(dvc, indent=1, sort_keys=True).splitlines(),
            "Snakefile",
            "dvc.yaml",
            lineterm="",
        )
    )
    assert not difference, f"mend the file that is wrong:\n{difference}"


def test_rules_and_stages_have_the_same_names_in_the_same_order() -> None:
    stages = re.findall(r"^  (\w+):", (ROOT / "dvc.yaml").read_text().split("\nplots:")[0], flags=re.MULTILINE)
    assert stages == STEPS


def test_every_stage_names_its_parameters() -> None:
    """The commands hold the parameters' values; what DVC lists is what `dvc params diff` shows."""
    from dvc.repo import Repo

    sections = ("dataset", "model", "optimizer", "training", "replicates")
    text = (ROOT / "dvc.yaml").read_text()
    with Repo(str(ROOT)) as repo:
        for stage in repo.index.stages:
            listed = {param for dep in stage.deps for param in getattr(dep, "params", [])}
            name = stage.name.split("@")[0]
            body = text.split(f"\n  {name}:\n")[1].split("\n\n")[0]
            expected = {section for section in sections if f"${{{section}}}" in body}
            command = body.split("    deps:")[0]
            expected |= set(re.findall(r"\$\{((?:dataset|model)\.\w+)\}", re.sub(r"\S*\$\{folders\S*", "", command)))
            expected |= {"reference"} if "${reference}" in body else set()
            expected |= {f"cases.{stage.name.split('@')[1]}"} if "@" in stage.name else set()
            assert listed == expected, stage.name


@pytest.mark.slow
def test_each_step_declares_the_modules_that_it_imports(tiny: Project) -> None:
    one_shard = TINY["replicates"] | {"count": 1, "behaviours": ["never"]}  # which the step trains in its own process
    tiny.write_params(tiny.params() | HELD_OUT | {"replicates": one_shard})
    tiny("snakemake", "--cores", "2")
    for stage in dvc_graph(tiny).values():
        hermetic, python, *rest = stage["command"]
        done = tiny.run(hermetic, python, "-X", "importtime", *rest)
        assert done.returncode == 0, done.stderr
        names = set(re.findall(r"\| +(carryover(?:\.\w+)*)$", done.stderr, flags=re.MULTILINE))
        files = {f"src/{name.replace('.', '/')}.py" for name in names}
        imported = {file if (ROOT / file).is_file() else file.replace(".py", "/__init__.py") for file in files}
        # The prefix itself runs before the step; it is made of these two.
        imported |= {"src/carryover/hermetic.py", "src/carryover/portable.py"}
        declared = {path for path in stage["inputs"] if path.startswith("src/") and path.endswith(".py")}
        assert imported == declared, stage["step"]


@pytest.mark.slow
def test_both_engines_make_the_same_bytes_and_are_content_with_each_other(tiny: Project) -> None:
    tiny("snakemake", "--cores", "2")
    made = tiny.artifacts()
    assert len(made) == 4 + 1 + 3 * len(TINY_CASES) + 5 + 2 * len(FIGURES)

    tiny("git", "clean", "-dfxq")
    tiny("rm", "-rf", "results")
    tiny("dvc", "repro")
    assert tiny.artifacts() == made
    assert "Nothing to be done" in tiny("snakemake", "--dry-run", "--cores", "1") + tiny.run("snakemake", "-n").stderr

    tiny.commit("made by DVC")
    tiny("dvc", "repro", "--force")
    tiny("git", "diff", "--exit-code")
    assert tiny.artifacts() == made

    tiny("git", "clean", "-dfxq")
    tiny("snakemake", "--cores", "2")
    assert tiny.artifacts() == made
    assert "up to date" in tiny("dvc", "status")
    tiny("git", "diff", "--exit-code")


@pytest.mark.slow
def test_a_parameter_can_be_changed_in_four_ways_with_the_same_bytes(tiny: Project) -> None:
    original = (tiny.folder / "params.yaml").read_text()
    tiny("dvc", "repro")
    tiny.commit("made")
    before = tiny.artifacts()

    tiny("dvc", "exp", "run", "--set-param", "training.epochs=2", "--set-param", "optimizer.learning_rate=2")
    expected = tiny.artifacts()
    assert {name for name in before if before[name] != expected[name]} == set(before) - {
        *(f"data/noisy_sine{part}.csv" for part in ("", "_held_out", "_scales")),
        "results/forecasts.csv",
        "data/initial_weights.npz",
        *(
            f"results/figures/{name}.{kind}"
            for name in ("equality", "replicates", "forecasts")
            for kind in ("svg", "png")
        ),
    }
    edited = (tiny.folder / "params.yaml").read_text()
    # After an experiment the parameters stand in params.yaml, where Snakemake finds them.
    tiny("snakemake", "--cores", "2", "--forceall")
    assert tiny.artifacts() == expected

    (tiny.folder / "params.yaml").write_text(original)
    tiny("snakemake", "--cores", "2")
    assert tiny.artifacts() == before

    (tiny.folder / "more.yaml").write_text("training: {epochs: 2}\noptimizer: {learning_rate: 2}\n")
    tiny("snakemake", "--cores", "2", "--configfile", "more.yaml")
    assert tiny.artifacts() == expected
    tiny("snakemake", "--cores", "2")
    assert tiny.artifacts() == before
    tiny("snakemake", "--cores", "2", "--config", "training={epochs: 2}", "optimizer={learning_rate: 2}")
    assert tiny.artifacts() == expected

    (tiny.folder / "params.yaml").write_text(edited)
    tiny("dvc", "repro")
    assert tiny.artifacts() == expected


@pytest.mark.slow
@pytest.mark.parametrize("engine", [["snakemake", "--cores", "2"], ["dvc", "repro"]], ids=lambda command: command[0])
def test_a_case_is_added_and_taken_out_in_params_alone(tiny: Project, engine: list[str]) -> None:
    tiny(*engine)
    before = tiny.artifacts()
    params = tiny.params()

    added = {"calls": "loop", "reset": "every_batch", "stateful": True, "batches": "contiguous"}
    tiny.write_params(params | {"cases": params["cases"] | {"loop_with_batch_reset": added}})
    printed = tiny.run(*engine)
    assert printed.returncode == 0, printed.stderr
    trained = re.findall(r"--case (\w+)|^started +train (\w+)$", printed.stdout + printed.stderr, re.M)
    assert {name for names in trained for name in names if name} == {"loop_with_batch_reset"}
    after = tiny.artifacts()
    folder = "results/cases/loop_with_batch_reset/"
    assert {name for name in after if name not in before} == {
        f"{folder}{file}" for file in ("history.csv", "predictions.csv", "final.npz")
    }
    assert all(after[name] == before[name] for name in before if name.startswith(("results/cases", "data")))
    assert "loop_with_batch_reset" in json.loads(after["results/metrics.json"])["cases"]

    tiny.write_params(params)
    tiny(*engine)
    assert tiny.artifacts() == before


@pytest.mark.slow
def test_a_claim_that_does_not_hold_is_a_result_and_no_crash(tiny: Project) -> None:
    claims = {"identical": [["loop_with_reset", "single_fit"]], "different": []}
    tiny.write_params(tiny.params() | {"claims": claims})
    done = tiny.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert "these fail, 1 of 1: loop_with_reset = single_fit" in " ".join(done.stdout.split())
    metrics = json.loads((tiny.folder / "results/metrics.json").read_text())
    assert metrics["claims"]["loop_with_reset = single_fit"]["holds"] is False


@pytest.mark.slow
def test_an_edit_to_a_module_reruns_what_it_affects_in_both_engines(tiny: Project) -> None:
    tiny("snakemake", "--cores", "2")
    tiny("dvc", "commit", "--force")
    affected = {"figures/equality": {"plot_equality"}, "snapshot": {"train"}, "verdict": {"compare"}}
    for module, steps in affected.items():
        path = tiny.folder / f"src/carryover/{module}.py"
        text = path.read_text()
        path.write_text(text + "# edited\n")
        planned = tiny.run("snakemake", "--dry-run", "--nocolor")
        updated = re.search(r"updated input files:\n +(.*)\n", planned.stdout + planned.stderr)
        assert updated
        assert set(updated[1].split(", ")) == steps
        changed = json.loads(tiny("dvc", "status", "--json"))
        assert {stage.split("@")[0] for stage in changed} == steps
        path.write_text(text)


@pytest.mark.slow
def test_a_verdict_of_an_earlier_run_is_not_printed_as_this_runs(tiny: Project) -> None:
    assert "Is a loop of" in tiny("snakemake", "--cores", "2")
    assert "Is a loop of" not in tiny(
        "snakemake", "--cores", "2", "--forcerun", "make_dataset", "--until", "make_dataset"
    )


@pytest.mark.slow
def test_a_broken_dataset_stops_every_training_with_one_line(tiny: Project) -> None:
    tiny("snakemake", "--cores", "1", "--until", "make_initial_weights", "check_params")
    series = tiny.folder / "data/noisy_sine.csv"
    lines = series.read_text().splitlines()
    lines[3] = "nan,0"
    series.write_text("\n".join(lines) + "\n")
    done = tiny.run("snakemake", "--cores", "2")
    assert done.returncode != 0
    assert "error: data/noisy_sine.csv: line 4, column x: nan is not a finite number" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not list((tiny.folder / "results").glob("cases/*/history.csv"))
