"""The logger plugin of Snakemake.

On a terminal it draws a bar for each running job and one for all jobs; elsewhere it prints lines. If you ask for
Snakemake's own output (a dry run, --verbose, --quiet, --printshellcmds, --debug-dag), you get that instead.
"""

import logging
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from carryover.engines.progress.failures import last_words, reason
from carryover.engines.progress.jobs import TARGET, Job, Jobs
from carryover.engines.progress.lines import Lines
from carryover.engines.progress.words import duration

NOISE = re.compile(
    "Using shell:|Conda environments:|Assuming unrestricted shared filesystem|host: |Building DAG of jobs"
    "|Provided (cores|resources|remote nodes):|Rules claiming more threads|Select jobs to execute|Execute \\d+ jobs"
    "|Complete log|Elapsed time|RuleException:\\nCalledProcessError|Creating report|Adding .* \\(.*\\)"
    "|Could not detect mimetype|None$|SLURM run ID:|Cleaning up SLURM log files|Submitted array job"
    "|No SLURM account given|Unable to guess SLURM account|No account was given|Both 'sacctmgr' and 'sshare' returned"
    "|MinJobAge \\d+s \\(>="
    "|(Storing in|Retrieving from) storage: |Finished (upload|retrieval)|Removing local copy of storage file"
)
"""The beginnings of those messages of Snakemake that are not shown."""

SUBMITTED = re.compile(r"(?:Submitted )?(?:group )?job (\d+) .*?jobid '?([\w.\[\]-]+)", re.IGNORECASE)
"""How executors say that a scheduler has a job: Snakemake's number of it, and the scheduler's."""

REQUEUED = re.compile(r"Job '([\w.\[\]-]+)' failed with status '\w+', but requeue is enabled")
"""How the executor for Slurm says that Slurm runs a job again."""

RESTARTED = re.compile(r"Trying to restart job (\d+)")
"""How Snakemake says that it runs a failed job again."""

EXPLAINED = 5
"""How many failures of a rule are explained; the others are counted."""


class LogHandler(LogHandlerBase):
    """A log handler that turns Snakemake's records into bars or lines."""

    def __post_init__(self) -> None:
        settings = self.common_settings
        others = (settings.dryrun, settings.verbose, settings.printshellcmds, settings.debug_dag, settings.quiet)
        self.in_use = not any(others)
        self.jobs = Jobs()
        self.scheduled = False
        self.numbers: dict[str, int] = {}  # Snakemake's number of each job, by the scheduler's
        self.attempts: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.folders: dict[str, Path | str] = {}  # of the logs of failed jobs
        self.failed: dict[int, Job] = {}
        if self.in_use:
            # Snakemake loads this module in every process, also in each job on a cluster, and most need no terminal.
            from rich.console import Console

            from carryover.engines.progress.bars import Bars

            file = sys.stdout if settings.stdout else sys.stderr
            console = Console(file=file, no_color=settings.nocolor or None)
            self.view = Bars(console, self.jobs) if console.is_interactive else Lines(file, self.jobs)

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
        if event == LogEvent.RESOURCES_INFO:
            self.scheduled = self.scheduled or "nodes" in fields
        elif event == LogEvent.RUN_INFO:
            self.jobs.plan({rule: count for rule, count in fields["stats"].items() if rule != "total"})
            self.view.planned()
        elif event == LogEvent.JOB_INFO:
            self.start(fields)
        elif event == LogEvent.JOB_FINISHED:
            if job := self.jobs.active.pop(fields["job_id"], None):
                self.finish(job)
        elif event == LogEvent.JOB_ERROR:
            self.fail(fields)
        elif event in (None, LogEvent.ERROR):
            self.hear(record.getMessage(), record.levelno)

    def start(self, fields: dict[str, Any]) -> None:
        if fields["rule_name"] != TARGET:
            log = Path(fields["log"][0]) if fields["log"] else None
            waits = self.scheduled and not fields["local"]
            job = self.jobs.add(fields["jobid"], fields["rule_name"], fields["wildcards"], log, waits)
            self.view.started(job)

    def finish(self, job: Job) -> None:
        self.jobs.done[job.rule] += 1
        planned = self.jobs.planned[job.rule]
        if job.alone:
            job.look()
            words = [job.state()] if job.epoch else []
            self.view.finished(job.name, ", ".join([*words, duration(time.time() - job.since)]))
            for line in job.warnings():
                self.view.message(line, logging.WARNING)
        elif self.jobs.done[job.rule] == planned:
            self.view.finished(job.rule, f"{planned} jobs, {duration(time.time() - self.jobs.began[job.rule])}")

    def fail(self, fields: dict[str, Any]) -> None:
        """Show a failed job, why it failed, and the last lines of its log, of which the last is the error."""
        job = self.jobs.active.pop(fields["jobid"], None)
        if job is None:
            return
        self.failures[job.rule] += 1
        self.folders[job.rule] = job.log.parent if job.log else "logs"
        if self.failures[job.rule] > EXPLAINED:
            return
        self.failed[fields["jobid"]] = job
        of_scheduler = [log for log in map(Path, fields["log"]) if log != job.log]
        number = fields.get("aux", {}).get("external_jobid")
        self.view.failed(
            f"{job.name} (job {number})" if number else job.name, reason(fields.get("rule_msg"), of_scheduler)
        )
        if self.common_settings.show_failed_logs:
            for line in last_words(job, of_scheduler):
                self.view.message(line, logging.ERROR)
        logs = [log for log in of_scheduler if log.is_file()]
        for log in [job.log, *logs] if job.log_is_new() else logs:
            self.view.message(f"(log: {log})", logging.INFO)

    def hear(self, message: str, level: int) -> None:
        """Take in what Snakemake or an executor says, and repeat what is of interest."""
        if submitted := SUBMITTED.match(message):
            self.numbers[submitted[2]] = int(submitted[1])
        elif requeued := REQUEUED.match(message):
            if job := self.jobs.active.get(self.numbers.get(requeued[1], -1)):
                job.waits_again()
                self.view.again(job.name, "queued again, because its node failed")
        elif restarted := RESTARTED.match(message):
            number = int(restarted[1])
            self.attempts[number] += 1
            if failed := self.failed.pop(number, None):
                self.view.again(failed.name, f"attempt {self.attempts[number] + 1}")
        elif not NOISE.match(message):
            self.view.message(message.strip("\n"), level)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.in_use:
            self.view.close()
            for rule, count in self.failures.items():
                if (more := count - EXPLAINED) > 0:
                    text = f"({more} more failures of {rule} are not shown; their logs are in {self.folders[rule]})"
                    self.view.message(text, logging.INFO)
            self.failures.clear()
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
