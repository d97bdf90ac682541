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

from carryover.engines import progress
from carryover.engines.progress import Job, LogHandler

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


def run_of(log: Path, handler: LogHandler, *, fails: bool) -> None:
    """A run of two jobs, of which the second trains."""
    say(handler, LogEvent.WORKFLOW_STARTED, "SNAKEMAKE", host="nobody's business")
    say(handler, None, "Building DAG of jobs...")
    say(handler, LogEvent.RUN_INFO, "Job stats", stats={"all": 1, "make_dataset": 1, "train": 1, "total": 3})
    say(handler, LogEvent.JOB_INFO, jobid=1, rule_name="make_dataset", wildcards={}, log=[])
    say(handler, LogEvent.JOB_FINISHED, job_id=1)
    say(handler, LogEvent.JOB_INFO, jobid=2, rule_name="train", wildcards={"case": "single_fit"}, log=[str(log)])
    log.write_text("epoch 1 of 5: loss 0.4\nepoch 2 of 5: loss 0.25\n")
    if fails:
        with log.open("a") as file:
            file.write("error: case single_fit: epoch 3: the loss is nan\n")
        say(handler, LogEvent.JOB_ERROR, jobid=2, rule_name="train", log=[str(log)])
        say(handler, LogEvent.ERROR, "RuleException:\nCalledProcessError in file ...", logging.ERROR)
    else:
        say(handler, LogEvent.JOB_FINISHED, job_id=2)
        say(handler, LogEvent.JOB_INFO, jobid=0, rule_name="all", wildcards={}, log=[])
        say(handler, LogEvent.JOB_FINISHED, job_id=0)


def test_elsewhere_than_on_a_terminal_each_job_has_a_line_when_it_starts_and_when_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: Callable[..., LogHandler]
) -> None:
    run_of(tmp_path / "log", handler(), fails=False)
    assert capsys.readouterr().err.splitlines() == [
        "2 jobs to run",
        "started   make_dataset",
        "finished  make_dataset (1 of 2 jobs)",
        "started   train single_fit",
        "finished  train single_fit: epoch 2 of 5, loss 0.25 (2 of 2 jobs)",
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
    monkeypatch.setattr(progress, "EVERY", 0.05)
    log, shown = tmp_path / "log", tmp_path / "told"
    with shown.open("w") as file:
        lines = progress.Lines(Console(file=file))
        lines.started(Job("train single_fit", log))
        log.write_text("epoch 7 of 9: loss 0.5\n")
        deadline = time.monotonic() + 60
        while "running" not in shown.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        lines.close()
    assert "running   train single_fit: epoch 7 of 9, loss 0.5\n" in shown.read_text()


def test_a_log_of_an_earlier_run_is_no_progress(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("epoch 70 of 70: loss 0.1\n")
    os.utime(log, (1, 1))
    assert Job("train", log).state() == ""
    assert Job("train", log, started=0).state() == "epoch 70 of 70, loss 0.1"
    assert Job("train", tmp_path / "missing").state() == ""
    assert Job("train", None).state() == ""


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (99.4, "99 s"), (150, "2 min"), (9000, "2.5 h")])
def test_a_duration_is_said_in_few_letters(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words


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
    bars = progress.Bars(Console(file=io.StringIO(), force_terminal=True, width=130))
    log = tmp_path / "log"
    bars.planned(4)
    training, comparing = Job("train single_fit", log), Job("compare", None)
    bars.started(training)
    bars.started(comparing)
    log.write_text("epoch 30 of 70: loss 0.25\n")
    bars.read_logs()
    running = {task.description: task for task in bars.progress.tasks}
    assert running["train single_fit"].percentage == pytest.approx(100 * 30 / 70)
    assert running["train single_fit"].fields["state"] == "epoch 30 of 70, loss 0.25"
    assert running["compare"].total is None
    bars.finished(comparing, 1, 4)
    assert [task.description for task in bars.progress.tasks] == ["[bold]all jobs", "train single_fit"]
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
    assert re.search(r"✓ train single_fit  epoch 1500 of 1500, loss 0\.\d+  \d+ s\r\n", shown)
    end = written[written.rindex("Not every claim holds") :]
    assert "\x1b[1;31mno" in end, "a claim that does not hold is red"
    assert ESCAPES.sub("", end).strip().endswith("report    run `snakemake --report report.html` to write it")
