"""What Snakemake shows while it runs: on a terminal and elsewhere."""

import io
import logging
import os
import pty
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.project import TINY, Project
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from carryover.engines.progress import lines as lines_module
from carryover.engines.progress.bars import Bars
from carryover.engines.progress.handler import EXPLAINED, LogHandler
from carryover.engines.progress.jobs import LOOKS, MANY, Job, Jobs
from carryover.engines.progress.lines import Lines
from carryover.engines.progress.words import duration

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def handler(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., LogHandler]]:
    """Make a handler as Snakemake does; it is closed after the test, while there is something to write to."""
    made: list[LogHandler] = []

    def make(**others: Any) -> LogHandler:
        names = ("printshellcmds", "nocolor", "quiet", "debug_dag", "verbose", "stdout", "dryrun")
        settings: Any = SimpleNamespace(**dict.fromkeys(names, False) | {"show_failed_logs": True} | others)
        made.append(LogHandler(settings, None))
        return made[-1]

    yield make
    for one in made:
        one.close()


def say(
    handler: LogHandler, event: LogEvent | None, message: str = "", level: int = logging.INFO, **fields: Any
) -> None:
    record = logging.makeLogRecord({"msg": message, "levelno": level, "event": event, **fields})
    handler.handle(record)


def begin(handler: LogHandler, number: int, rule: str, log: Path | None = None, **wildcards: str) -> None:
    """Say that a job has been started, or handed to a scheduler."""
    logs = [str(log)] if log else []
    fields = {"jobid": number, "rule_name": rule, "wildcards": wildcards, "log": logs, "local": False}
    say(handler, LogEvent.JOB_INFO, **fields)


def fail(handler: LogHandler, number: int, log: Path, *of_scheduler: Path, says: str | None = None) -> None:
    """Say that a job has failed, as an executor does that knows the job as 100 more."""
    message = f"{says}For further error details see the cluster/cloud log and ..." if says else None
    fields = {"jobid": number, "rule_name": "train", "log": [str(log), *map(str, of_scheduler)]}
    aux = {"external_jobid": str(100 + number)} if says else {}
    say(handler, LogEvent.JOB_ERROR, rule_msg=message, aux=aux, **fields)


def run_of(log: Path, handler: LogHandler, *, fails: bool) -> None:
    """A run of two jobs, of which the second trains."""
    say(handler, LogEvent.WORKFLOW_STARTED, "SNAKEMAKE", host="nobody's business")
    say(handler, None, "Building DAG of jobs...")
    say(handler, LogEvent.RUN_INFO, "Job stats", stats={"all": 1, "make_dataset": 1, "train": 1, "total": 3})
    begin(handler, 1, "make_dataset")
    say(handler, LogEvent.JOB_FINISHED, job_id=1)
    begin(handler, 2, "train", log, case="single_fit")
    log.write_text("epoch 1 of 5: loss 0.4\nepoch 2 of 5: loss 0.25\n")
    if fails:
        with log.open("a") as file:
            file.write("error: case single_fit: epoch 3: the loss is nan\n")
        fail(handler, 2, log)
        say(handler, LogEvent.ERROR, "RuleException:\nCalledProcessError in file ...", logging.ERROR)
    else:
        say(handler, LogEvent.JOB_FINISHED, job_id=2)
        begin(handler, 0, "all")
        say(handler, LogEvent.JOB_FINISHED, job_id=0)


def test_elsewhere_than_on_a_terminal_each_job_has_a_line_when_it_starts_and_when_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    run_of(tmp_path / "log", handler(), fails=False)
    assert capsys.readouterr().err.splitlines() == [
        "2 jobs to run",
        "started   make_dataset",
        "finished  make_dataset: 0 s (1 of 2 jobs)",
        "started   train single_fit",
        "finished  train single_fit: epoch 2 of 5, loss 0.25, 0 s (2 of 2 jobs)",
    ]


def test_a_failed_job_is_reported_with_what_it_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    log = tmp_path / "log"
    run_of(log, handler(), fails=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[lines.index("failed    train single_fit") :] == [
        "failed    train single_fit",
        "epoch 1 of 5: loss 0.4",
        "epoch 2 of 5: loss 0.25",
        "error: case single_fit: epoch 3: the loss is nan",
        f"(log: {log})",
    ]


def test_a_long_training_says_from_time_to_time_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "EVERY", 0.05)
    log, shown = tmp_path / "log", tmp_path / "told"
    jobs = Jobs()
    jobs.plan({"train": 1})
    with shown.open("w") as file:
        lines = Lines(file, jobs)
        lines.started(jobs.add(1, "train", {"case": "single_fit"}, log, waits=False))
        log.write_text("epoch 7 of 9: loss 0.5\n")
        deadline = time.monotonic() + 60
        while "running" not in shown.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        lines.close()
    assert shown.read_text().count("running   train single_fit: epoch 7 of 9, loss 0.5\n") == 1, "and says it once"


def test_a_log_of_an_earlier_run_is_no_progress(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("epoch 70 of 70: loss 0.1\n")
    os.utime(log, (2**33, 2**33))  # the clock of the disk is ahead of ours
    job = Job("train", "train single_fit", log)
    job.look()
    assert job.state() == ""
    log.write_text("epoch 1 of 70: loss 0.4\n")
    job.look()
    assert job.state() == "epoch 1 of 70, loss 0.4"
    for without in (tmp_path / "missing", None):
        job = Job("train", "train", without)
        job.look()
        assert job.state() == ""


# ---- on a cluster


def slurm(handler: LogHandler, trains: int) -> None:
    """The beginning of a run with a scheduler."""
    say(handler, LogEvent.RESOURCES_INFO, "Provided remote nodes: 100", nodes=100)
    say(handler, LogEvent.RUN_INFO, "Job stats", stats={"all": 1, "train": trains, "total": trains + 1})


def test_a_job_is_queued_until_it_writes_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    own, log = handler(), tmp_path / "log"
    log.write_text("epoch 70 of 70: loss 0.1\n")  # of an earlier run
    slurm(own, trains=1)
    begin(own, 1, "train", log, case="single_fit")
    say(own, None, "Job 1 has been submitted with SLURM jobid 101 (log: somewhere).")
    assert own.jobs.look() == []
    assert own.jobs.active[1].state() == "queued"
    log.write_text("epoch 1 of 70: loss 0.5\n")
    assert own.jobs.look() == [own.jobs.active[1]]
    assert own.jobs.active[1].state() == "epoch 1 of 70, loss 0.5"
    assert capsys.readouterr().err.splitlines()[:2] == ["1 jobs to run", "queued    train single_fit"]


def test_a_job_that_slurm_puts_back_into_its_queue_is_shown_as_queued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    own, log = handler(), tmp_path / "log"
    slurm(own, trains=1)
    begin(own, 1, "train", log, case="single_fit")
    say(own, None, "Job 1 has been submitted with SLURM jobid 101 (log: somewhere).")
    log.write_text("epoch 30 of 70: loss 0.5\n")
    own.jobs.look()
    say(
        own,
        None,
        "Job '101' failed with status 'NODE_FAIL', but requeue is enabled. Leaving it to SLURM to requeue the job.",
        logging.WARNING,
    )
    own.jobs.look()
    assert own.jobs.active[1].state() == "queued"
    assert "again     train single_fit: queued again, because its node failed" in capsys.readouterr().err
    log.write_text("epoch 1 of 70: loss 0.7\n")
    own.jobs.look()
    assert own.jobs.active[1].state() == "epoch 1 of 70, loss 0.7"


@pytest.mark.parametrize(
    ("says", "shown"),
    [
        ("SLURM-job '101' failed, SLURM status is: 'OUT_OF_MEMORY'. Reason: Unknown.", "it used more memory"),
        ("SLURM-job '101' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.", "it reached its time limit"),
        ("SLURM-job '101' failed, SLURM status is: 'CANCELLED'. Reason: Unknown.", "it was cancelled"),
        ("SLURM-job '101' failed due to a node failure, SLURM status is: 'NODE_FAIL'. Failed", "its node failed"),
        ("SLURM sbatch failed. The error message was 'sbatch: error: no'.\n    sbatch call: x", "sbatch: error: no"),
        ("LSF-job '101' failed, LSF status is: 'EXIT'", "EXIT"),
    ],
)
def test_the_scheduler_says_why_a_job_has_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler], says: str, shown: str
) -> None:
    own, log = handler(), tmp_path / "log"
    slurm(own, trains=1)
    begin(own, 1, "train", log, case="single_fit")
    fail(own, 1, log, says=says)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("failed"))
    assert line.startswith(f"failed    train single_fit (job 101): {shown}")


def test_a_failure_shows_the_last_lines_of_this_attempt_and_of_no_earlier_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    own, log, of_slurm = handler(), tmp_path / "log", tmp_path / "101.log"
    log.write_text("error: of an earlier run\n")
    slurm(own, trains=1)
    begin(own, 1, "train", log, case="single_fit")
    of_slurm.write_text("no python here\n")
    fail(own, 1, log, of_slurm, says="SLURM-job '101' failed, SLURM status is: 'FAILED'.")
    assert "no python here\n" in (shown := capsys.readouterr().err)
    assert "earlier" not in shown
    say(own, None, "Trying to restart job 1.")
    begin(own, 1, "train", log, case="single_fit")
    log.write_text("".join(f"epoch {epoch} of 20000: loss 0.5\n" for epoch in range(1, 10001)) + "error: of this\n")
    fail(own, 1, log, of_slurm, says="SLURM-job '102' failed, SLURM status is: 'FAILED'.")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["again     train single_fit: attempt 2", "queued    train single_fit"]
    words = lines[lines.index("failed    train single_fit (job 101)") + 1 :]
    assert words[0] == "epoch 9982 of 20000: loss 0.5"
    assert words[19:] == ["error: of this", f"(log: {log})", f"(log: {of_slurm})"]


def test_a_thousand_jobs_take_no_more_of_the_screen_and_the_disk_than_thirty(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    handler: Callable[..., LogHandler],
) -> None:
    looked: list[Path] = []
    status = Path.stat

    def look(path: Path, **options: Any) -> os.stat_result:
        looked.append(path)
        return status(path, **options)

    printed, disk = {}, {}
    for count in (MANY, 1000):
        own = handler()
        slurm(own, trains=count)
        bars = Bars(Console(file=io.StringIO(), force_terminal=True, width=130), own.jobs)
        for number in range(count):
            begin(own, number, "train", tmp_path / f"{count}-{number}.log", case=f"case_{number}")
            say(own, None, f"Job {number} has been submitted with SLURM jobid {number + 100} (log: x).")
        for number in range(0, count, 2):
            (tmp_path / f"{count}-{number}.log").write_text("epoch 1 of 3: loss 0.5\n")
        with monkeypatch.context() as watched:
            watched.setattr(Path, "stat", look)
            looked.clear()
            own.jobs.look()
            disk[count] = len(looked)
        for _ in range(count // LOOKS + 1):
            own.jobs.look()
        bars.draw()
        assert len(bars.progress.tasks) == (1 + MANY if count == MANY else 2)
        if count == 1000:
            assert bars.progress.tasks[1].fields["state"] == "0 of 1000 done, 500 running, 500 queued"
        for number in range(count):
            say(own, LogEvent.JOB_FINISHED, job_id=number)
        bars.draw()
        assert len(bars.progress.tasks) == 1
        printed[count] = len(capsys.readouterr().err.splitlines())
        bars.close()
    assert printed[1000] <= printed[MANY]
    assert disk[1000] <= disk[MANY]


def test_of_many_failures_the_first_are_explained_and_the_others_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    own = handler()
    slurm(own, trains=100)
    for number in range(100):
        begin(own, number, "train", log := tmp_path / f"{number}.log", case=f"case_{number}")
        log.write_text("error: the loss is not finite\n" * 30)
        fail(own, number, log)
        say(own, None, f"Trying to restart job {number}.")
    own.close()
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("failed") for line in lines) == EXPLAINED
    assert sum(line.startswith("again") for line in lines) == EXPLAINED
    assert lines[-1] == f"({100 - EXPLAINED} more failures of train are not shown; their logs are in {tmp_path})"
    assert len(lines) < 200


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (99.4, "99 s"), (150, "2 min"), (9000, "2.5 h")])
def test_a_duration_is_said_in_few_letters(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_warnings_and_what_snakemake_says_of_itself_get_through(
    capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    lines = handler()
    say(lines, None, "host: somewhere")
    say(lines, None, "Nothing to be done (all requested files are present and up to date).")
    say(lines, None, "Something is odd", logging.WARNING)
    say(lines, LogEvent.ERROR, "WorkflowError:\nSomething is wrong", logging.ERROR)
    assert capsys.readouterr().err.splitlines() == [
        "Nothing to be done (all requested files are present and up to date).",
        "Something is odd",
        "WorkflowError:",
        "Something is wrong",
    ]


@pytest.mark.parametrize("setting", ["dryrun", "verbose", "printshellcmds", "debug_dag", "quiet"])
def test_who_asks_for_snakemakes_own_output_gets_it(
    capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler], setting: str
) -> None:
    own = handler(**{setting: True})
    assert not own.writes_to_stream
    say(own, LogEvent.ERROR, "said by Snakemake", logging.ERROR)
    assert capsys.readouterr().err == ""
    assert handler().writes_to_stream


def test_the_bars_show_each_running_job_and_all_of_them(tmp_path: Path) -> None:
    jobs, log = Jobs(), tmp_path / "log"
    bars = Bars(Console(file=io.StringIO(), force_terminal=True, width=130), jobs)
    jobs.plan({"train": 3, "compare": 1})
    bars.planned()
    training = jobs.add(1, "train", {"case": "single_fit"}, log, waits=False)
    jobs.add(2, "train", {"case": "stateless_fit"}, tmp_path / "none", waits=True)
    bars.started(training)
    bars.started(jobs.add(3, "compare", {}, None, waits=False))
    log.write_text("epoch 30 of 70: loss 0.25\n")
    jobs.look()
    bars.draw()
    running = {task.description: task for task in bars.progress.tasks}
    assert running["train single_fit"].percentage == pytest.approx(100 * 30 / 70)
    assert running["train single_fit"].fields["state"] == "epoch 30 of 70, loss 0.25"
    assert running["train stateless_fit"].fields["state"] == "queued"
    assert running["compare"].total is None
    jobs.done["compare"] += 1
    del jobs.active[3]
    bars.finished("compare", "1 s")
    assert sorted(task.description for task in bars.progress.tasks) == [
        "[bold]all jobs",
        "train single_fit",
        "train stateless_fit",
    ]
    assert (bars.progress.tasks[0].completed, bars.progress.tasks[0].total) == (1, 4)
    bars.close()


def on_a_terminal(project: Project, *command: str) -> tuple[int, str]:
    """Return the exit status of a command, and all that it has written to its terminal."""
    ours, its = pty.openpty()
    environment = project.environment() | {"TERM": "xterm-256color", "COLUMNS": "130", "LINES": "40"}
    process = subprocess.Popen(command, cwd=project.folder, env=environment, stdin=its, stdout=its, stderr=its)
    os.close(its)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux's end of a terminal
            break
        written += chunk
    os.close(ours)
    return process.wait(), written.decode()


@pytest.mark.slow
def test_a_run_on_a_terminal_shows_its_trainings_and_ends_with_the_verdict_in_colours(quick: Project) -> None:
    claims = {"identical": [["single_fit", "loop_with_reset"]], "different": []}
    training = {"loss": "mse", "epochs": 1500}
    quick.write_params(quick.params() | {"claims": claims, "training": training, "replicates": TINY["replicates"]})
    status, written = on_a_terminal(quick, "snakemake", "--cores", "2")
    assert status == 0, written
    shown = ESCAPES.sub("", written)
    seen = {int(epoch) for epoch in re.findall(r"epoch (\d+) of 1500, loss", shown)}
    assert len(seen) > 2, "how far the training is"
    assert re.search(r"all jobs +\S+ \d+ of \d+ +\d+ s", shown)
    assert re.search(r"✓ train single_fit  epoch 1500 of 1500, loss 0\.\d+, \d+ s\r\n", shown)
    end = written[written.rindex("Not every claim holds") :]
    assert "\x1b[1;31mno" in end, "a claim that does not hold is red"
    assert ESCAPES.sub("", end).strip().endswith("report    run `snakemake --report report.html` to write it")
