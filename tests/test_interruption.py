"""Two runs at once, and runs that are killed: a plain rerun of the same command ends with the right bytes.

The stand-ins take over for the slow scripts: what is under test is what the engines make of the end of a job.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import yaml
from helpers.project import ENGINES, Project

SECONDS = {"snakemake": 5, "dvc": 6}
"""About how long a run takes: the moments are spread over it."""

PATIENCE = 60
"""So many seconds an engine that has been killed may take to end, before it is killed with all its jobs."""

MOMENTS = 20
IN_EVERY_RUN_OF_THE_TESTS = 2


class Made(NamedTuple):
    """A project whose artifacts are made and committed, and their bytes."""

    project: Project
    artifacts: dict[str, bytes]


@pytest.fixture
def fresh(quick: Project) -> Iterator[Made]:
    """The project as a fresh clone has it, without the figures and the verdict either."""
    made = Made(quick, quick.artifacts())
    quick.remove_artifacts()
    yield made
    assert not engines_in(quick.folder)


def engines_in(folder: Path) -> list[psutil.Process]:
    """Return the processes that still work in a project, after some patience with what a killed engine has left."""
    for _ in range(60):
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        if not found:
            break
        time.sleep(0.5)
    return found


def wait_or_kill(process: "subprocess.Popen[bytes]") -> None:
    """Wait until an engine has ended by itself; like a person who has waited long enough, kill one that has not."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"still there after {PATIENCE} s: killed with all its jobs")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def rerun(project: Project, engine: str) -> str:
    done = project.run(*ENGINES[engine])
    if done.returncode != 0:
        # DVC writes these two in place: killed in that instant it leaves a part of them, as docs/pipeline.md says.
        said = done.stderr + done.stdout
        if re.search(r"dvc\.lock' (validation failed|is invalid)", said):
            project("git", "restore", "dvc.lock")
        if "Unable to read RWLock-file" in said:
            (project.folder / ".dvc/tmp/rwlock").unlink()
        done = project.run(*ENGINES[engine])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def assert_whole(made: Made) -> None:
    project = made.project
    assert project.artifacts() == made.artifacts
    project.assert_dvc_is_content()
    # Of a dvc.lock that DVC was killed in, a part may be left that it takes for the whole: it then adds the rest again,
    # in another order.
    now, before = (
        yaml.safe_load(text)["stages"]
        for text in ((project.folder / "dvc.lock").read_text(), project("git", "show", "HEAD:dvc.lock"))
    )
    assert now == before
    project("git", "restore", "dvc.lock")
    assert project("git", "status", "--porcelain") == ""
    left = project("git", "ls-files", "--others", "--ignored", "--exclude-standard", "*.tmp")
    assert [name for name in left.split() if not name.startswith(".dvc/")] == []


def kill_job(engine: psutil.Process, number: int) -> None:
    """Kill one job of an engine, if one runs."""
    jobs = []
    for child in engine.children(recursive=True):
        try:
            if any("workflow/scripts" in word for word in child.cmdline()[:4]):
                jobs.append(child)
        except psutil.Error:
            continue
    if jobs:
        jobs[0].send_signal(number)


KILLS = {
    "engine_killed": lambda pid: os.kill(pid, signal.SIGKILL),
    "ctrl_c": lambda pid: os.killpg(pid, signal.SIGINT),
    "engine_terminated": lambda pid: os.kill(pid, signal.SIGTERM),
    "job_killed": lambda pid: kill_job(psutil.Process(pid), signal.SIGKILL),
    "job_terminated": lambda pid: kill_job(psutil.Process(pid), signal.SIGTERM),
    "all_killed": lambda pid: os.killpg(pid, signal.SIGKILL),
}


def moments() -> Iterator[object]:
    for engine in ENGINES:
        for number in range(MOMENTS):
            kill = list(KILLS)[number % len(KILLS)]
            few = number < IN_EVERY_RUN_OF_THE_TESTS
            marks = [pytest.mark.slow] if few else [pytest.mark.slow, pytest.mark.long]
            yield pytest.param(engine, kill, id=f"{engine}-{number}-{kill}", marks=marks)


@pytest.mark.parametrize(("engine", "kill"), list(moments()))
def test_a_run_killed_at_any_moment_is_finished_by_a_plain_rerun(
    fresh: Made, tmp_path: Path, engine: str, kill: str
) -> None:
    moment = random.uniform(0.5, SECONDS[engine])
    print(f"killed after {moment:.2f} s")
    process = fresh.project.start(tmp_path / "output", *ENGINES[engine])
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        KILLS[kill](process.pid)
    wait_or_kill(process)
    rerun(fresh.project, engine)
    assert_whole(fresh)


@pytest.mark.slow
def test_a_run_killed_while_its_results_go_into_dvcs_cache_is_finished_by_a_plain_rerun(
    fresh: Made, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    process = fresh.project.start(output, *ENGINES["snakemake"])
    while not re.search(r"\((\d+) of \1 jobs\)", output.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "up to date" not in fresh.project("dvc", "status")
    assert "Nothing to be done" in rerun(fresh.project, "snakemake")
    assert_whole(fresh)


@pytest.mark.slow
def test_two_runs_at_once_with_folders_of_their_own_both_succeed(fresh: Made, tmp_path: Path) -> None:
    command = ["snakemake", "--cores", "1", "--config", "folders={data: mine/data, results: mine/results}"]
    own = subprocess.Popen(command, cwd=fresh.project.folder, env=fresh.project.environment(), stdin=subprocess.DEVNULL)
    other = fresh.project.start(tmp_path / "output", *ENGINES["snakemake"])
    assert [own.wait(PATIENCE), other.wait(PATIENCE)] == [0, 0], (tmp_path / "output").read_text()
    made = {
        str(path.relative_to(fresh.project.folder / "mine")) for path in (fresh.project.folder / "mine").rglob("*.*")
    }
    assert made == set(fresh.artifacts)
    shutil.rmtree(fresh.project.folder / "mine")
    assert_whole(fresh)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engines",
    [
        pytest.param(("snakemake", "snakemake"), id="snakemake-snakemake"),
        pytest.param(("snakemake", "dvc"), id="snakemake-dvc"),
        pytest.param(("dvc", "dvc"), id="dvc-dvc", marks=pytest.mark.long),
    ],
)
def test_two_runs_at_once_are_finished_by_a_plain_rerun(fresh: Made, tmp_path: Path, engines: tuple[str, str]) -> None:
    outputs = [tmp_path / "first", tmp_path / "second"]
    processes = [fresh.project.start(output, *ENGINES[engine]) for engine, output in zip(engines, outputs, strict=True)]
    for process in processes:
        wait_or_kill(process)
    if engines == ("snakemake", "snakemake"):
        assert sorted(process.returncode for process in processes) == [0, 1]
        refused = next(
            output.read_text() for process, output in zip(processes, outputs, strict=True) if process.returncode == 1
        )
        assert (
            "error: another run of Snakemake writes into data or results; wait until it has ended, or give" in refused
        )
        assert "Traceback" not in refused
    for engine in dict.fromkeys(engines):
        rerun(fresh.project, engine)
    assert_whole(fresh)
