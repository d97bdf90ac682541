"""Snakemake and DVC run one pipeline: the same graph, the same bytes, and each is content with what the other made.

Where a test is about an engine and not about what the steps compute, the stand-in takes over for the slow scripts.
"""

import difflib
import json
import re
from pathlib import Path

import pytest
from helpers.engines import STAGES, STEPS, dvc_graph, snakemake_graph
from helpers.project import ENGINES, ROOT, STOOD_IN, TINY, Project
from helpers.results import metrics

from carryover.replicates.results import SHARD_FILES


def cover(inputs: list[str], folders: list[str]) -> list[str]:
    """The inputs, with those that are in one of the folders replaced by the folder."""
    return sorted({next((f for f in folders if path.startswith(f"{f}/")), path) for path in inputs})


def test_both_graphs_are_the_same(project: Project) -> None:
    snakemake, dvc = snakemake_graph(project), dvc_graph(project)
    for job, stage in dvc.items():
        # DVC depends on folders; Snakemake on the files in them.
        folders = [path for path in stage["inputs"] if (ROOT / path).is_dir() or path.startswith("results/")]
        if job in snakemake:
            snakemake[job]["inputs"] = cover(snakemake[job]["inputs"], folders)
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
    snakefile = (ROOT / "Snakefile").read_text()
    places = [snakefile.index(f"\nrule {step}:\n") for step in ["all", *STEPS]]
    assert places == sorted(places)
    listed = re.findall(r"^(\w+) \(", Project(ROOT)("snakemake", "--list-rules"), flags=re.MULTILINE)
    assert set(listed) == {"all", *STEPS}


def test_every_stage_names_its_parameters() -> None:
    """The commands hold the parameters' values; what DVC lists is what `dvc params diff` shows."""
    sections = ("dataset", "model", "optimizer", "training", "replicates")
    for step, stage in STAGES.items():
        text = f"{stage['cmd']} {stage['deps']} {stage['outs']}"
        expected = {section for section in sections if f"${{{section}}}" in text}
        # The source of the dataset is in the name of a file, too.
        expected |= set(re.findall(r"\$\{((?:dataset|model)\.\w+)\}", re.sub(r"\S*\$\{folders\S*", "", stage["cmd"])))
        expected |= {"reference"} if "${reference}" in text else set()
        expected |= {"cases.${key}"} if "${item}" in text else set()
        assert set(stage.get("params", [])) == expected, step


@pytest.mark.slow
def test_a_run_makes_all_that_the_graph_says_and_nothing_else(trained: Project) -> None:
    """By the real steps. That DVC makes the same bytes of them is in test_hostile_environment.py."""
    made = trained.artifacts()
    outputs = {path for outputs in dvc_graph(trained) for path in outputs.split()}
    assert {path for output in outputs for path in made if path == output or path.startswith(f"{output}/")} == set(made)
    assert all((trained.folder / output).exists() for output in outputs)
    trained.assert_dvc_is_content()
    trained.assert_snakemake_is_content()


def test_the_stand_ins_write_what_the_real_scripts_write(trained: Project, stood_in: Project) -> None:
    """The same files with the same columns, and other content in those of the scripts that they stand in for."""
    real, other = trained.artifacts(), stood_in.artifacts()
    assert {path for path in real if "replicates/2-2/" not in path} == other.keys()  # which has one shard
    for path, content in real.items():
        if path.endswith(".csv") and path in other:
            assert content.splitlines()[0] == other[path].splitlines()[0]
            assert content.count(b"\n") == other[path].count(b"\n")
    by_stand_ins = {
        path
        for outputs, stage in dvc_graph(stood_in).items()
        for path in other
        if stage["step"] in STOOD_IN
        if any(path == output or path.startswith(f"{output}/") for output in outputs.split())
    } - {"data/initial_weights.npz"}  # those of the file
    assert {path for path in by_stand_ins if real[path] == other[path]} == set()


@pytest.mark.slow
def test_a_parameter_can_be_changed_in_four_ways_with_the_same_bytes(quick: Project, tmp_path: Path) -> None:
    before = quick.artifacts()
    by_file, by_more = (quick.copy(tmp_path / name) for name in ("by_file", "by_more"))

    quick("dvc", "exp", "run", "--set-param", "training.epochs=2", "--set-param", "optimizer.learning_rate=2")
    expected = quick.artifacts()
    # All that depends on training has changed, and the rest has not.
    assert {name for name in before if before[name] == expected[name]} == {
        *(f"data/noisy_sine{part}" for part in (".csv", "_held_out.csv", "_scales.csv", "_notes.json", "_times.csv")),
        "data/initial_weights.npz",
        "results/trainings.yaml",
    }
    # After an experiment the parameters are in params.yaml, where Snakemake finds them.
    edited = (quick.folder / "params.yaml").read_text()
    (by_file.folder / "params.yaml").write_text(edited)
    by_file("snakemake", "--cores", "2")
    assert by_file.artifacts() == expected

    (by_more.folder / "more.yaml").write_text("training: {epochs: 2}\noptimizer: {learning_rate: 2}\n")
    by_more("snakemake", "--cores", "2", "--configfile", "more.yaml")
    assert by_more.artifacts() == expected
    # As text they are the same parameters: nothing is left to be made of them.
    planned = by_more.run("snakemake", "--dry-run", "--config", "training={epochs: 2}", "optimizer={learning_rate: 2}")
    assert "Nothing to be done" in planned.stdout + planned.stderr

    # Without them, the parameters of the file are the run's again: both trainings are planned.
    planned = by_more.run("snakemake", "--dry-run", "--nocolor")
    assert re.search(r"^train +2$", planned.stdout + planned.stderr, flags=re.MULTILINE)
    # What Snakemake has made of changed parameters is DVC's if the file has them.
    (by_more.folder / "params.yaml").write_text(edited)
    by_more("dvc", "commit", "--force")
    by_more.assert_dvc_is_content()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_case_is_added_and_removed_in_params_alone(quick: Project, engine: str) -> None:
    before, params = quick.artifacts(), quick.params()
    added = {"calls": "loop", "reset": "every_batch", "stateful": True, "batches": "contiguous"}
    quick.write_params(params | {"cases": params["cases"] | {"loop_with_batch_reset": added}})
    printed = quick.run(*ENGINES[engine])
    assert printed.returncode == 0, printed.stderr
    trained = re.findall(r"--case (\w+)|^started +train (\w+)$", printed.stdout + printed.stderr, re.M)
    assert {name for names in trained for name in names if name} == {"loop_with_batch_reset"}
    after = quick.artifacts()
    folder = "results/cases/loop_with_batch_reset/"
    assert {name for name in after if name not in before} == {
        f"{folder}{file}" for file in ("history.csv", "predictions.csv", "final.npz")
    }
    assert all(after[name] == before[name] for name in before if name.startswith(("results/cases", "data")))
    assert b"loop_with_batch_reset" in after["results/losses.csv"]

    quick.write_params(params)
    quick(*ENGINES[engine])
    assert quick.artifacts() == before


@pytest.mark.slow
def test_both_engines_make_the_same_replicates_and_leave_them_out(quick: Project) -> None:
    few = {"count": 3, "first_seed": 5, "shard_size": 2}
    quick.write_params(quick.params() | {"replicates": few})
    quick("snakemake", "--cores", "2")
    made = quick.artifacts()
    paths = {path for path in made if path.startswith("results/replicates/")}
    assert paths == {f"results/replicates/{shard}/{file}" for shard in ("5-6", "7-7") for file in SHARD_FILES}

    quick("dvc", "repro")
    assert quick.artifacts() == made
    quick.assert_snakemake_is_content()

    # None: nothing is trained, and nothing is said of them.
    quick.write_params(quick.params() | {"replicates": few | {"count": 0}})
    quick("snakemake", "--cores", "2")
    none = quick.artifacts()
    assert not [path for path in none if path.startswith("results/replicates/")]
    assert b'"replicates"' in made["results/metrics.json"]
    assert b'"replicates"' not in none["results/metrics.json"]
    quick("dvc", "repro")
    assert quick.artifacts() == none
    quick.assert_dvc_is_content()


@pytest.mark.slow
def test_a_claim_that_does_not_hold_is_a_result_and_no_crash(quick: Project) -> None:
    quick.write_params(quick.params() | {"claims": {"identical": [list(TINY["cases"])], "different": []}})
    done = quick.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert "these fail, 1 of 1: loop_with_reset = single_fit" in " ".join(done.stdout.split())
    assert metrics(quick.folder / "results")["claims"] == {"loop_with_reset = single_fit": False}


@pytest.mark.slow
def test_a_verdict_of_an_earlier_run_is_not_printed_as_this_runs(quick: Project) -> None:
    assert "What to do." in quick("snakemake", "--cores", "2", "--forcerun", "compare")
    assert "What to do." not in quick(
        "snakemake", "--cores", "2", "--forcerun", "make_dataset", "--until", "make_dataset"
    )


@pytest.mark.slow
def test_a_broken_dataset_stops_every_training_with_one_line(trained: Project, tmp_path: Path) -> None:
    project = trained.copy(tmp_path / "project")
    script = project.folder / "workflow/scripts/make_dataset.py"
    breaking = (
        "output = Path('data/noisy_sine.csv'); output.write_text(output.read_text().replace('\\n', '\\nnan,', 1))"
    )
    script.write_text(f"{script.read_text()}    {breaking}\n")
    done = project.run("snakemake", "--cores", "2", "--keep-going")
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert printed.count("error: data/noisy_sine.csv: line 2: 3 columns, expected 2") >= 2
    assert "Traceback" not in printed
    assert not list((project.folder / "results").glob("cases/*/history.csv"))


@pytest.mark.slow
def test_a_series_that_nobody_uses_changes_nothing(quick: Project) -> None:
    (quick.folder / "data/series/mine.csv").write_text("x,y\n1,2\n")
    quick.assert_dvc_is_content()
    quick.assert_snakemake_is_content()


@pytest.mark.slow
@pytest.mark.parametrize("target", ["al", "results/cases/sinlge_fit/history.csv", "results/replicates/1-1/loses.csv"])
def test_a_mistyped_target_is_reported_without_a_traceback(quick: Project, target: str) -> None:
    done = quick.run("snakemake", "--cores", "1", target)
    assert done.returncode == 1
    assert f"No rule to produce {target}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_write_protected_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from carryover.engines.run import check_writable
    from carryover.job.errors import UserError

    check_writable([f"{tmp_path}/results/figures/losses.png"])
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)  # root may write everywhere
    with pytest.raises(UserError, match="this folder cannot be written; change its permissions"):
        check_writable([f"{tmp_path}/results/figures/losses.png"])
