"""What Snakemake shows while it runs: the jobs, how far each training is, and how much is left.

This is a logger plugin of Snakemake. On a terminal it draws a bar for each running job and one for all jobs; elsewhere
it prints lines. If you ask for Snakemake's own output (a dry run, --verbose, --quiet, --printshellcmds, --debug-dag),
you get that instead.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from carryover.job.epoch_line import Epoch, last_epoch

TARGET = "all"
"""The rule that only lists what to make; it is not shown."""

WIDE = 120
"""The number of columns from which on a terminal has room for bars."""

EVERY = 30.0
"""The seconds between two lines about the same running job, if there is no terminal."""

NOISE = re.compile(
    "Using shell:|Conda environments:|Assuming unrestricted shared filesystem|host: |Building DAG of jobs"
    "|Provided (cores|resources):|Rules claiming more threads|Select jobs to execute|Execute \\d+ jobs|Complete log"
    "|Elapsed time|RuleException:\\nCalledProcessError|Creating report|Adding .* \\(.*\\)|Could not detect mimetype"
    "|None$"
)
"""The beginnings of those messages of Snakemake that are not shown."""


@dataclass(eq=False)
class Job:
    """A running job."""

    name: str
    log: Path | None
    started: float = field(default_factory=time.time)

    def epoch(self) -> Epoch | None:
        """Return the last epoch in the job's log; None if it does not train, or not yet."""
        if self.log is None:
            return None
        try:
            with self.log.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_mtime < self.started:
                    return None  # the log of an earlier run
                file.seek(max(0, status.st_size - 4096))
                return last_epoch(file.read().decode(errors="replace"))
        except OSError:
            return None

    def state(self) -> str:
        """Say how far the job is; empty if it does not train."""
        epoch = self.epoch()
        return in_words(epoch) if epoch else ""


def in_words(epoch: Epoch) -> str:
    """Say briefly how far a training is."""
    return f"epoch {epoch.number} of {epoch.total}, loss {epoch.loss:.4g}"


class Clocks(ProgressColumn):
    """A column with the time that a job has run and, from 20 % on, the time that is left."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        words = duration(task.elapsed or 0)
        if not task.finished and task.time_remaining is not None and task.percentage >= 20:
            words += f", {duration(task.time_remaining)} left"
        return Text(words, "dim")


def duration(seconds: float) -> str:
    """Write a duration briefly, in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Bars:
    """A view of the jobs with bars, for a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.tasks: dict[Job, TaskID] = {}
        bars = self

        class Live(Progress):
            def get_renderables(self) -> Iterable[RenderableType]:
                bars.read_logs()
                return super().get_renderables()

        self.progress = Live(
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=20)] if console.width >= WIDE else []),  # the text matters more
            TextColumn("{task.fields[state]}"),
            Clocks(),
            console=console,
            refresh_per_second=4,
            transient=True,
        )
        self.all = self.progress.add_task("[bold]all jobs", state="", visible=False)

    def planned(self, total: int) -> None:
        self.progress.update(self.all, total=total, state=f"0 of {total}", visible=True)
        self.progress.start()

    def started(self, job: Job) -> None:
        self.tasks[job] = self.progress.add_task(escape(job.name), total=None, state="")

    def finished(self, job: Job, done: int, total: int) -> None:
        self.progress.remove_task(self.tasks.pop(job))
        self.progress.update(self.all, completed=done, total=total, state=f"{done} of {total}")
        words = "  ".join(filter(None, [job.state(), duration(time.time() - job.started)]))
        self.console.print(f"[green]✓[/] {escape(job.name)}  [dim]{escape(words)}[/]", highlight=False)
        if done == total:
            self.close()

    def failed(self, job: Job) -> None:
        self.progress.remove_task(self.tasks.pop(job))
        self.console.print(f"[red]✗ {escape(job.name)}[/]", highlight=False)

    def message(self, text: str, level: int) -> None:
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else ""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def read_logs(self) -> None:
        for job, task in list(self.tasks.items()):
            if epoch := job.epoch():
                with suppress(KeyError):  # another thread may have removed the job just now
                    self.progress.update(task, completed=epoch.number, total=epoch.total, state=in_words(epoch))

    def close(self) -> None:
        self.progress.stop()


class Lines:
    """A view of the jobs line by line, for pipes and files."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.running: list[Job] = []
        self.closed = Event()
        self.repeating = Thread(target=self.repeat, daemon=True)
        self.repeating.start()

    def planned(self, total: int) -> None:
        self.message(f"{total} jobs to run", logging.INFO)

    def started(self, job: Job) -> None:
        self.running.append(job)
        self.message(f"started   {job.name}", logging.INFO)

    def finished(self, job: Job, done: int, total: int) -> None:
        self.running.remove(job)
        state = f": {state}" if (state := job.state()) else ""
        self.message(f"finished  {job.name}{state} ({done} of {total} jobs)", logging.INFO)

    def failed(self, job: Job) -> None:
        self.running.remove(job)
        self.message(f"failed    {job.name}", logging.ERROR)

    def message(self, text: str, _: int) -> None:
        self.console.file.write(f"{text}\n")
        self.console.file.flush()

    def repeat(self) -> None:
        """Print from time to time how far the trainings are, which may take hours."""
        while not self.closed.wait(EVERY):
            for job in list(self.running):
                if state := job.state():
                    self.message(f"running   {job.name}: {state}", logging.INFO)

    def close(self) -> None:
        self.closed.set()
        self.repeating.join()


class LogHandler(LogHandlerBase):
    """A log handler that turns Snakemake's records into bars or lines."""

    def __post_init__(self) -> None:
        settings = self.common_settings
        others = (settings.dryrun, settings.verbose, settings.printshellcmds, settings.debug_dag, settings.quiet)
        self.in_use = not any(others)
        if self.in_use:
            console = Console(file=sys.stdout if settings.stdout else sys.stderr, no_color=settings.nocolor or None)
            self.view: Bars | Lines = Bars(console) if console.is_interactive else Lines(console)
        self.jobs: dict[int, Job] = {}
        self.done = self.total = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log record."""
        if not self.in_use:
            return
        try:
            self.show(record, record.__dict__)
        except Exception:
            self.handleError(record)

    def show(self, record: logging.LogRecord, fields: dict[str, Any]) -> None:
        event = fields.get("event")
        if event == LogEvent.RUN_INFO:
            self.total = fields["stats"]["total"] - fields["stats"].get(TARGET, 0)
            self.view.planned(self.total)
        elif event == LogEvent.JOB_INFO:
            self.start(fields)
        elif event == LogEvent.JOB_FINISHED:
            if job := self.jobs.pop(fields["job_id"], None):
                self.done += 1
                self.view.finished(job, self.done, self.total)
        elif event == LogEvent.JOB_ERROR:
            self.fail(fields)
        elif event in (None, LogEvent.ERROR) and not NOISE.match(message := record.getMessage()):
            self.view.message(message.strip("\n"), record.levelno)

    def start(self, fields: dict[str, Any]) -> None:
        if fields["rule_name"] != TARGET:
            log = fields["log"]
            name = " ".join([fields["rule_name"], *map(str, fields["wildcards"].values())])
            self.jobs[fields["jobid"]] = job = Job(name, Path(log[0]) if log else None)
            self.view.started(job)

    def fail(self, fields: dict[str, Any]) -> None:
        """Show a failed job and its log, whose last line is the error."""
        if job := self.jobs.pop(fields["jobid"], None):
            self.view.failed(job)
            if self.common_settings.show_failed_logs and job.log and job.log.exists():
                self.view.message(job.log.read_text(errors="replace").strip(), logging.ERROR)
            if job.log:
                self.view.message(f"(log: {job.log})", logging.INFO)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.in_use:
            self.view.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """Whether this plugin replaces Snakemake's own output."""
        return self.in_use

    @property
    def writes_to_file(self) -> bool:
        """Whether this plugin writes a file."""
        return False

    @property
    def has_filter(self) -> bool:
        """Whether this plugin chooses the messages itself."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Whether this plugin formats the messages itself."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Whether this plugin needs the graph of the rules; it only shows jobs."""
        return False
