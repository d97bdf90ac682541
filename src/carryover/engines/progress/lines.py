"""The jobs line by line, for pipes and files."""

import logging
import time
from threading import Event, Thread
from typing import TextIO

from carryover.engines.progress.jobs import Job, Jobs

EVERY = 30.0
"""The seconds between two lines about the same job or the same rule."""


class Lines:
    """A view of the jobs line by line, for pipes and files."""

    def __init__(self, file: TextIO, jobs: Jobs) -> None:
        self.file = file
        self.jobs = jobs
        self.said: set[str] = set()
        self.closed = Event()
        self.repeating = Thread(target=self.repeat, daemon=True)
        self.repeating.start()

    def planned(self) -> None:
        self.message(f"{self.jobs.planned.total()} jobs to run", logging.INFO)

    def started(self, job: Job) -> None:
        if job.alone:
            self.message(f"{'started ' if job.running else 'queued  '}  {job.name}", logging.INFO)

    def finished(self, name: str, words: str) -> None:
        count = f"({self.jobs.done.total()} of {self.jobs.planned.total()} jobs)"
        self.message(f"finished  {name}{words and f': {words}'} {count}", logging.INFO)

    def failed(self, name: str, words: str) -> None:
        self.message(f"failed    {name}{words and f': {words}'}", logging.ERROR)

    def again(self, name: str, words: str) -> None:
        self.message(f"again     {name}: {words}", logging.INFO)

    def message(self, text: str, _: int) -> None:
        self.file.write(f"{text}\n")
        self.file.flush()

    def repeat(self) -> None:
        """Say when jobs have left the queue, and from time to time how far the jobs are, which may take hours."""
        said = time.monotonic()
        while not self.closed.wait(min(1.0, EVERY)):
            for job in self.jobs.look():
                self.started(job)
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                for words in self.news():
                    self.message(f"running   {words}", logging.INFO)

    def news(self) -> list[str]:
        """Return how far the jobs are that have got on since the last time."""
        trainings = [f"{job.name}: {job.state()}" for job in list(self.jobs.active.values()) if job.epoch and job.alone]
        now = [*trainings, *(f"{rule}: {self.jobs.crowd(rule)}" for rule in self.jobs.crowds())]
        new = [words for words in now if words not in self.said]
        self.said = set(now)
        return new

    def close(self) -> None:
        self.closed.set()
        self.repeating.join()
