"""The pipeline on a real Slurm: nodes are lost, jobs are killed, a run is killed or started twice, Slurm is away.

The stand-ins take over for the slow scripts, except in the default run.
"""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.project import Project
from helpers.slurm import ACTIVE, Job, Slurm, missing, wait_until

from carryover.engines.this_machine import artifacts

pytestmark = pytest.mark.cluster

ON_SLURM = [
    "snakemake", "--profile", "profiles/slurm",
    "--slurm-status-command", "squeue",  # there is no accounting
]  # fmt: skip

LONG = 4.0
"""The seconds per epoch of a training that is to be disturbed: it has three."""


@pytest.fixture(scope="session")
def running() -> Iterator[Slurm]:
    """A Slurm for all tests of a session."""
    if reason := missing():
        pytest.skip(reason)
    with Slurm() as slurm:
        yield slurm


@pytest.fixture
def slurm(running: Slurm) -> Iterator[Slurm]:
    """The Slurm, with both nodes and without jobs. What its daemons have said is shown if the test fails."""
    running.start_all()
    yield running
    running.start_all()
    running.ask("scancel", *running.jobs(ACTIVE))
    wait_until("all jobs have ended", lambda: not running.jobs(ACTIVE), 60)
    print(running.logs())


@pytest.fixture
def expected(quick: Project) -> dict[str, bytes]:
    """The bytes that a run of `quick` makes, which then is as in a fresh clone."""
    made = quick.artifacts()
    quick.remove_artifacts()
    return made


def edit_training(project: Project, old: str, new: str) -> None:
    """Change the stand-in for a training. What it writes depends on its options and inputs only."""
    script = project.folder / "workflow/scripts/train.py"
    text = script.read_text()
    assert old in text
    script.write_text(text.replace(old, new))


def make_long(project: Project) -> None:
    edit_training(project, "SECONDS_PER_EPOCH = 0.001", f"SECONDS_PER_EPOCH = {LONG}")


class Run:
    """A run of Snakemake on Slurm, in a process of its own."""

    def __init__(self, project: Project, output: Path, *options: str) -> None:
        self.output = output
        self.process = project.start(output, *ON_SLURM, *options)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        print(self.said())

    def said(self) -> str:
        return self.output.read_text()

    def end(self, seconds: float = 200) -> int:
        """Wait for its end, and return its exit status."""
        return self.process.wait(seconds)


def training(slurm: Slurm, run: Run) -> tuple[str, Job]:
    """Wait until a training is under way, and return its number and what Slurm says of it."""

    def found() -> list[tuple[str, Job]]:
        assert run.process.poll() is None, run.said()
        jobs = slurm.jobs().items()
        return [(number, job) for number, job in jobs if job.state == "RUNNING" and "rule_train_w" in job.comment]

    wait_until("a training runs", found, 60)
    time.sleep(4)  # Snakemake has to start in it, twice
    return found()[0]


def test_the_default_run_makes_every_byte_of_dvc_lock(slurm: Slurm, project: Project, tmp_path: Path) -> None:
    project.remove_artifacts()
    with Run(project, tmp_path / "output") as run:
        assert run.end(400) == 0
    assert set(artifacts(project.folder).values()) == {"same"}
    project.assert_dvc_is_content()
    project.assert_snakemake_is_content()
    assert project("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("options", [[], ["--slurm-no-requeue"]], ids=["queued_again_by_slurm", "tried_again"])
def test_a_job_whose_node_is_lost_runs_on_another(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path, options: list[str]
) -> None:
    make_long(quick)
    with Run(quick, tmp_path / "output", *options) as run:
        number, job = training(slurm, run)
        slurm.lose_node(job.node)
        assert run.end() == 0
        assert ("its node failed" in run.said()) == bool(options)
    assert slurm.jobs()[number].state == ("NODE_FAIL" if options else "COMPLETED")
    assert quick.artifacts() == expected


def test_a_job_that_is_killed_for_its_memory_is_tried_again_with_more(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path
) -> None:
    # More than the first attempt asks for, and less than the second one; Slurm looks every second.
    edit_training(quick, "    generator = random(given)", "    eaten, generator = b'x' * (1100 << 20), random(given)")
    edit_training(quick, "SECONDS_PER_EPOCH = 0.001", "SECONDS_PER_EPOCH = 1")
    with Run(quick, tmp_path / "output") as run:
        assert run.end() == 0
        for case in quick.params()["cases"]:
            killed = rf"failed +train {case} \(job \d+\): it used more memory than it had asked for \(mem_mb\)\n"
            assert re.search(killed, run.said())
            assert re.search(rf"again +train {case}: attempt 2\n", run.said())
    assert quick.artifacts() == expected


def test_a_job_that_is_cancelled_is_tried_again(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path
) -> None:
    make_long(quick)
    with Run(quick, tmp_path / "output") as run:
        slurm.ask("scancel", training(slurm, run)[0])
        assert run.end() == 0
        assert re.search(r"failed +train \w+ \(job \d+\): it was cancelled\n", run.said())
    assert quick.artifacts() == expected


def test_without_retries_a_cancelled_job_is_named_with_the_reason(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path
) -> None:
    make_long(quick)
    with Run(quick, tmp_path / "output", "--retries", "0") as run:
        number, job = training(slurm, run)
        slurm.ask("scancel", number)
        assert run.end() == 1
        case = job.comment.removeprefix("rule_train_wildcards_")
        assert f"train {case} (job {number}): it was cancelled\n" in run.said()
        assert "Traceback" not in run.said()
    quick("snakemake", "--cores", "2")
    assert quick.artifacts() == expected


def test_the_jobs_of_a_killed_run_do_not_touch_the_results_of_the_next_one(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path
) -> None:
    # What the next run has to make: it has other parameters, which no result shows by its form.
    other = ["--config", "optimizer={learning_rate: 0.5}"]
    quick("snakemake", "--cores", "2", *other)
    wanted = quick.artifacts()
    quick.remove_artifacts()
    make_long(quick)
    with Run(quick, tmp_path / "first") as first:
        training(slurm, first)
        first.process.kill()
        first.process.wait()
    left = [number for number, job in slurm.jobs().items() if job.state == "PENDING"]
    assert left
    # Slurm starts a job when it likes: these, while the next run already reads what they write.
    slurm.ask("scontrol", "hold", *left)
    edit_training(quick, f"SECONDS_PER_EPOCH = {LONG}", "SECONDS_PER_EPOCH = 0.001")
    with Run(quick, tmp_path / "second", *other) as second:
        wait_until("the score is under way", lambda: "rule_score" in str(slurm.jobs()), 120)
        slurm.ask("scontrol", "release", *left)
        assert second.end() == 0
    wait_until("all jobs have ended", lambda: not slurm.jobs(ACTIVE), 120)
    assert quick.artifacts() == wanted


def test_a_second_run_is_refused_and_harms_nothing(
    slurm: Slurm, quick: Project, expected: dict[str, bytes], tmp_path: Path
) -> None:
    make_long(quick)
    logs = quick.folder / ".snakemake/slurm_logs"
    with Run(quick, tmp_path / "first") as first:
        training(slurm, first)
        before = set(logs.glob("rule_train/*/*.log"))  # those of other jobs come and go
        assert before
        assert any(job.state == "PENDING" for job in slurm.jobs().values())
        refused = quick.run(*ON_SLURM)
        assert refused.returncode == 1
        assert "another run of Snakemake writes into data or results" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert before <= set(logs.rglob("*.log"))
        assert first.end() == 0
        assert "failed" not in first.said()
    assert quick.artifacts() == expected


def remove_slurm(_: Slurm, folder: Path) -> dict[str, str]:
    """Return an environment in which no program of Slurm is found."""
    for program in ("bash", "sh", "git", "env", "which"):
        (folder / program).symlink_to(shutil.which(program) or "")
    return {"PATH": f"{Path(sys.executable).parent}:{folder}"}


BAD = {
    "unknown_partition": (lambda *_: None, ["--default-resources", "slurm_partition=nowhere"], "nowhere"),
    "time_limit": (lambda *_: None, ["--set-resources", "train:runtime=1000 * attempt"], "would wait for ever"),
    "without_munge": (lambda slurm, _: slurm.stop("munged"), [], "Slurm does not answer: "),
    "controller_down": (lambda slurm, _: slurm.stop("slurmctld"), [], "Slurm does not answer: "),
    "without_accounting": (lambda *_: None, ["--slurm-status-command", "sacct"], "set slurm-status-command: squeue in"),
    "no_slurm": (remove_slurm, [], "there is no program sbatch"),
}


@pytest.mark.parametrize(("make_bad", "options", "reason"), list(BAD.values()), ids=list(BAD))
def test_a_slurm_that_would_take_no_job_is_reported_in_one_line(
    slurm: Slurm, quick: Project, tmp_path: Path, make_bad: Any, options: list[str], reason: str
) -> None:
    quick.remove_artifacts()
    (bare := tmp_path / "bare").mkdir()
    environment = make_bad(slurm, bare) or {}
    done = quick.run(*ON_SLURM, *options, **environment)
    assert done.returncode == 1
    *before, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert reason in last
    assert reason not in "".join(before)
    assert "Traceback" not in done.stderr
    slurm.start_all()
    assert not quick.artifacts()
