"""Jobs that a scheduler starts as processes of their own. The plugin needs only a command that starts one."""

import json
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.project import ROOT, TINY, Project

from carryover.engines.parameters import VARIABLE, read_params

pytestmark = pytest.mark.slow

NOW = '"$1" >"$1.out" 2>&1 </dev/null &\necho $!\n'
"""A command that starts a job at once, and says its number."""

AT_ONCE = ["--seconds-between-status-checks", "1"]

RECORDER = """
import atexit, json, os, sys

programs = []

def hear(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn"):
        programs.append(os.path.basename(os.fsdecode(arguments[0])))

def write():
    seen = {"modules": sorted(sys.modules), "programs": programs, "arguments": sys.argv}
    with open(os.path.join(os.environ["RECORDS"], f"{os.getpid()}.json"), "w") as file:
        json.dump(seen, file)

if "snakemake" in " ".join(sys.orig_argv):
    sys.addaudithook(hear)
    atexit.register(write)
"""
"""A module that each Python process imports at its start: it writes what a process of Snakemake has loaded and run."""


DISPLAY = {f"carryover.engines.progress{name}" for name in ("", ".handler", ".jobs", ".failures", ".lines", ".words")}
"""The modules of the display, which Snakemake loads in every process."""


def on_cluster(
    project: Project, submit: str, *options: str, through: Sequence[str] = (), **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the pipeline by jobs that a command starts."""
    script = project.folder / ".snakemake/submit.sh"
    script.write_text(f"#!/bin/sh\n{submit}")
    script.chmod(0o755)
    how = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", str(script), *AT_ONCE]
    return project.run(*through, "snakemake", "--jobs", "3", *how, *options, **environment)


def test_a_job_runs_nothing_but_itself_and_with_the_parameters_of_its_run_if_they_are_edited_while_it_waits(
    quick: Project, tmp_path: Path
) -> None:
    before = quick.artifacts()
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    records = tmp_path / "records"
    records.mkdir()
    # As after a run that was killed before all was in DVC's cache: the next run asks DVC.
    (quick.folder / ".snakemake/unfinished").mkdir(exist_ok=True)
    (quick.folder / ".snakemake/unfinished/results").touch()
    edit = "sed -i 's/learning_rate: .*/learning_rate: 0.5/; s/epochs: .*/epochs: 2/' params.yaml\n"
    done = on_cluster(quick, edit + NOW, "--forceall", PYTHONPATH=str(tmp_path), RECORDS=str(records))
    assert done.returncode == 0, done.stdout + done.stderr
    assert quick.params()["training"]["epochs"] == 2
    assert quick.artifacts() == before
    seen: list[dict[str, Any]] = [json.loads(record.read_text()) for record in records.iterdir()]
    jobs = [process for process in seen if "--target-jobs" in process["arguments"]]
    (main,) = (process for process in seen if process not in jobs)
    for asked in ("dvc", "filelock", "carryover.engines.replaced"):
        assert asked in main["modules"]
    assert len(jobs) == 2 + 1 + 1, "two cases, a shard of replicates, and the forecasts"
    of_main = {"dvc", "filelock", "jsonschema", "rich", "tensorflow", "keras", "matplotlib"}
    for process in jobs:
        assert not of_main & {module.split(".")[0] for module in process["modules"]}
        ours = {module for module in process["modules"] if module.startswith("carryover.engines.")}
        assert ours - DISPLAY == {f"carryover.engines.{name}" for name in ("inputs", "parameters", "run")}
        assert not {"git", "dvc", "carryover"} & set(process["programs"])
    # The next run is one of the edited parameters.
    planned = quick.run("snakemake", "--dry-run")
    assert "train" in planned.stdout + planned.stderr


def test_a_job_that_has_lost_its_environment_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    job = SimpleNamespace(is_main_process=False, modifier=SimpleNamespace(namespace=None))
    with pytest.raises(SystemExit):
        read_params(job, {})
    assert capsys.readouterr().err == (
        "error: CARRYOVER_PARAMS: missing; the executor must pass environment variables on to its jobs\n"
    )


def test_jobs_of_two_modules_get_the_parameters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")  # and take it back at the end
    params = Project(ROOT).params()

    def workflow(name: str, is_main_process: bool) -> SimpleNamespace:
        modifier = SimpleNamespace(namespace=name, is_main_snakefile=lambda: False)
        return SimpleNamespace(is_main_process=is_main_process, modifier=modifier)

    for name, epochs in (("one", 1), ("other", 2)):
        read_params(workflow(name, True), params | {"training": {"loss": "mse", "epochs": epochs}})
    assert read_params(workflow("one", False), {})["training"]["epochs"] == 1
    assert read_params(workflow("other", False), {})["training"]["epochs"] == 2


def test_a_second_run_is_refused_before_it_has_an_executor_and_the_first_ends_well(quick: Project) -> None:
    before = quick.artifacts()
    # The first job starts a second run, and begins only after that has ended.
    second = (
        "mkdir .snakemake/second 2>/dev/null &&"
        " snakemake --jobs 1 --forceall --executor cluster-generic --cluster-generic-submit-cmd false"
        " >.snakemake/second/output 2>&1\n"
    )
    done = on_cluster(quick, second + NOW, "--forceall")
    assert done.returncode == 0, done.stdout + done.stderr
    said = (quick.folder / ".snakemake/second/output").read_text()
    assert "another run of Snakemake writes into data or results" in said
    assert "Provided remote nodes" not in said
    assert quick.artifacts() == before


def test_a_job_of_a_run_that_was_killed_changes_nothing_after_a_later_run_has_begun(quick: Project) -> None:
    before = quick.artifacts()
    # A scheduler that keeps its jobs for later; the main process is killed while they wait.
    keep = 'cp "$1" .snakemake/kept\nkill -KILL "$(cat .snakemake/main)"\n'
    main = ["sh", "-c", 'echo $$ >.snakemake/main; exec "$@"', "sh"]
    killed = on_cluster(quick, keep, "--forceall", "--config", "training={epochs: 4}", through=main)
    assert killed.returncode == -signal.SIGKILL
    quick("snakemake", "--cores", "2")
    assert quick.artifacts() == before
    late = quick.run("sh", ".snakemake/kept")
    assert late.returncode != 0
    assert "error: this job is of an earlier run, and a later run works in its folders; cancel it" in late.stderr
    assert quick.artifacts() == before


def test_a_result_that_is_replaced_while_a_run_goes_on_is_found_at_its_end(quick: Project) -> None:
    # By a job of an earlier run that still ran, say.
    script = quick.folder / "workflow/scripts/compare.py"
    late = "from pathlib import Path\nPath('results/cases/single_fit/history.csv').write_text('epoch\\n')\n"
    script.write_text(script.read_text() + late)
    done = quick.run("snakemake", "--cores", "2", "--forceall")
    assert done.returncode != 0
    assert done.stderr.endswith(
        "error: results/cases/single_fit/history.csv: something has replaced it while this run went on; "
        "run Snakemake again\n"
    )
    planned = quick.run("snakemake", "--dry-run")
    assert "rule train:" in planned.stdout + planned.stderr


def test_a_job_that_fails_is_tried_again_with_more_and_needs_nothing_of_its_environment_but_its_run(
    quick: Project,
) -> None:
    # A node that is too small for the first attempt of a training, and knows no path.
    small = (
        'grep -q \'"rule": "train"\' "$1" && grep -q \'"mem_mb": 1000\' "$1" &&'
        ' { printf "#!/bin/sh\\ntouch $(grep -o "[^ ]*jobfailed" "$1" | tr -d "\'")" >"$1"; }\n'
    )
    bare = 'exec env -i PATH=/usr/bin:/bin HOME="$PWD/.snakemake" sh .snakemake/now "$1"\n'
    (quick.folder / ".snakemake/now").write_text(NOW)
    before = quick.artifacts()
    done = on_cluster(quick, small + bare, "--forceall", "--retries", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    for case in TINY["cases"]:
        assert re.search(
            rf"failed    train {case} \(job \d+\)\n(.*\n)*again     train {case}: attempt 2\n", done.stderr
        )
    assert quick.artifacts() == before


def on_slurm(project: Project, folder: Path, **programs: str) -> "subprocess.CompletedProcess[str]":
    """Run the pipeline by the profile for Slurm, with a partition, an account and stand-ins for Slurm's programs."""
    profile = project.folder / "profiles/slurm/profile.yaml"
    profile.write_text(re.sub(r"^# (default-resources|  slurm_)", r"\1", profile.read_text(), flags=re.MULTILINE))
    nothing = dict.fromkeys(["sacct", "sbatch", "scontrol", "sinfo", "squeue"], "true")
    for name, does in (nothing | programs).items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    path = f"{folder}:{project.environment()['PATH']}"
    return project.run("snakemake", "--profile", "profiles/slurm", "--forceall", PATH=path)


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        (
            {"sbatch": "echo 'sbatch: error: invalid partition specified: short' >&2\nexit 1"},
            "error: Slurm would refuse the jobs of the rule score: invalid partition specified: short; change the "
            "partition, the account or the resources in profiles/slurm/profile.yaml, see docs/cluster.md",
        ),
        (
            {"sbatch": "echo 'allocation failure: Unable to contact slurm controller' >&2\nexit 1"},
            "error: Slurm does not answer: allocation failure: Unable to contact slurm controller; see whether `sinfo` "
            "works, and if not, ask your site",
        ),
        (
            {"sbatch": 'echo "$@" >>asked', "sinfo": "echo 'long* infinite'\necho 'short 30:00'"},
            "error: the rule score asks for 60 minutes at its last attempt, and partition short allows 30: the job "
            "would wait for ever; lower it by --set-resources score:runtime=MINUTES",
        ),
    ],
    ids=["refused", "away", "time_limit"],
)
def test_a_slurm_that_would_not_run_the_jobs_is_reported_in_one_line_before_the_first_job(
    quick: Project, tmp_path: Path, programs: dict[str, str], message: str
) -> None:
    before = quick.artifacts()
    done = on_slurm(quick, tmp_path, **programs)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == message
    assert "Traceback" not in done.stderr
    assert quick.artifacts() == before
    if "sinfo" in programs:
        request = "--test-only --partition=short --account=my_group --mem=1000 --time=20 --wrap true\n"
        assert (quick.folder / "asked").read_text() == request
