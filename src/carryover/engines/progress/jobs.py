"""The jobs of a run as they are shown: which of them wait for a scheduler, which run, and how far each training is."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carryover.job.epoch_line import Epoch, last_epoch

TARGET = "all"
"""The rule that only lists what to make; it is not shown."""

MANY = 30
"""A rule with more jobs than this is shown as a whole, not job by job."""

LOOKS = 30
"""How many logs are looked at in a second, at most: the disk of a cluster is shared by many people."""

TAIL = 8192
"""How many bytes at the end of a log are read."""


@dataclass(eq=False)
class Job:
    """A job that has been started here, or handed to a scheduler.

    Attributes:
        rule: the rule that makes the job.
        name: the rule and the values of its wildcards.
        log: the log of the step; None if it has none.
        alone: whether the job is shown by itself, and not only as one of its rule's.
        running: False while the job waits for a scheduler, as far as one can see: until the step writes its log.
        since: when the job began to wait or to run, in seconds since the epoch.
    """

    rule: str
    name: str
    log: Path | None = None
    alone: bool = True
    running: bool = True
    since: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.epoch: Epoch | None = None
        self.looked = 0.0
        self.before = self._log_status()

    def waits_again(self) -> None:
        """Note that the scheduler has put the job back into its queue."""
        self.running, self.epoch, self.since, self.before = False, None, time.time(), self._log_status()

    def look(self) -> None:
        """Look at the log: has the step begun, and how far is it?"""
        self.looked = time.monotonic()
        if not self.log_is_new():
            return
        if not self.running:
            self.running, self.since = True, time.time()
        if self.alone:
            self.epoch = last_epoch(self.end_of_log())

    def log_is_new(self) -> bool:
        """Whether the log is of this attempt, and not one that an earlier attempt or an earlier run has left.

        The time of the log is not compared with ours, because the clock of a shared disk may differ.
        """
        return self._log_status() not in (None, self.before)

    def end_of_log(self) -> str:
        """Return the end of the log; empty if it cannot be read."""
        return end_of(self.log) if self.log else ""

    def warnings(self) -> list[str]:
        """Return what the step warns of, as it stands in the log of this attempt."""
        lines = self.end_of_log().splitlines() if self.log_is_new() else []
        return [line for line in lines if line.startswith("warning: ")]

    def state(self) -> str:
        """Say briefly how far the job is; empty if nothing is known of it."""
        if not self.running:
            return "queued"
        return f"epoch {self.epoch.number} of {self.epoch.total}, loss {self.epoch.loss:.4g}" if self.epoch else ""

    def _log_status(self) -> tuple[int, int, int] | None:
        if self.log is None:
            return None
        try:
            status = self.log.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


class Jobs:
    """The jobs of a run.

    Attributes:
        planned: how many jobs each rule has.
        active: the jobs that wait or run, by Snakemake's number.
        done: how many jobs of each rule have been done.
        began: when the first job of each rule began, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.planned: Counter[str] = Counter()
        self.active: dict[int, Job] = {}
        self.done: Counter[str] = Counter()
        self.began: dict[str, float] = {}

    def plan(self, planned: Mapping[str, int]) -> None:
        """Note how many jobs each rule has."""
        self.planned = Counter({rule: count for rule, count in planned.items() if rule != TARGET})

    def add(self, number: int, rule: str, wildcards: Mapping[str, str], log: Path | None, waits: bool) -> Job:
        """Note that a job has been started, or handed to a scheduler."""
        name = " ".join([rule, *map(str, wildcards.values())])
        self.active[number] = job = Job(rule, name, log, self.planned[rule] <= MANY, not waits)
        self.began.setdefault(rule, job.since)
        return job

    def look(self) -> list[Job]:
        """Look at the logs of some jobs, in turn, and return those that have begun to run."""
        worth = [job for job in list(self.active.values()) if job.log and (job.alone or not job.running)]
        seen = sorted(worth, key=lambda job: job.looked)[:LOOKS]
        waited = [job for job in seen if not job.running]
        for job in seen:
            job.look()
        return [job for job in waited if job.running]

    def crowds(self) -> list[str]:
        """Return the rules that are shown as a whole, and have jobs that wait or run."""
        return sorted({job.rule for job in list(self.active.values()) if not job.alone})

    def crowd(self, rule: str) -> str:
        """Say how far the jobs of a rule are."""
        running = Counter(job.running for job in list(self.active.values()) if job.rule == rule)
        parts = {"running": running[True], "queued": running[False]}
        counts = [f"{count} {word}" for word, count in parts.items() if count]
        return ", ".join([f"{self.done[rule]} of {self.planned[rule]} done", *counts])


def end_of(path: Path) -> str:
    """Return the end of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
