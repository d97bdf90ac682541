"""The jobs on a terminal: a bar for each job, or for each rule of many jobs, and one for all."""

import logging
from collections.abc import Iterable
from threading import Event, Lock, Thread
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from carryover.engines.progress.jobs import Job, Jobs
from carryover.engines.progress.words import duration

WIDE = 120
"""The number of columns from which on a terminal has room for bars."""


class Clocks(ProgressColumn):
    """A column with the time that a job has run and, from 20 % on, the time that is left."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        words = duration(task.elapsed or 0)
        if not task.finished and task.time_remaining is not None and task.percentage >= 20:
            words += f", {duration(task.time_remaining)} left"
        return Text(words, "dim")


ALL, RUNNING, QUEUED = range(3)
"""The places of the rows, from top to bottom: what a small terminal has no room for is queued."""


class Row(NamedTuple):
    """What is shown of a job, or of all jobs of a rule."""

    completed: int
    total: int | None
    state: str
    place: int


class Bars:
    """A view of the jobs with bars, for a terminal."""

    def __init__(self, console: Console, jobs: Jobs) -> None:
        self.console = console
        self.jobs = jobs
        self.rows: dict[tuple[str, float], TaskID] = {}  # by name, and when it began to wait or to run
        self.drawing = Lock()
        self.closed = Event()
        # Not while rich draws, which holds a lock of its own meanwhile.
        self.looking = Thread(target=self.look, daemon=True)

        class Live(Progress):
            def get_renderables(self) -> Iterable[RenderableType]:
                yield self.make_tasks_table(sorted(self.tasks, key=lambda task: task.fields["place"]))

        self.progress = Live(
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=20)] if console.width >= WIDE else []),  # the text matters more
            TextColumn("{task.fields[state]}"),
            Clocks(),
            console=console,
            refresh_per_second=4,
            transient=True,
        )
        self.all = self.progress.add_task("[bold]all jobs", state="", visible=False, place=ALL)

    def planned(self) -> None:
        self.update_all()
        self.progress.start()
        self.looking.start()

    def started(self, _: Job) -> None:
        self.draw()

    def finished(self, name: str, words: str) -> None:
        self.draw()
        self.console.print(f"[green]✓[/] {escape(name)}  [dim]{escape(words)}[/]", highlight=False)
        if self.jobs.done.total() == self.jobs.planned.total():
            self.close()

    def failed(self, name: str, words: str) -> None:
        self.draw()
        self.console.print(f"[red]✗ {escape(name)}[/]{escape(words and f'  {words}')}", highlight=False)

    def again(self, name: str, words: str) -> None:
        self.console.print(f"[yellow]↻[/] {escape(name)}  [dim]{escape(words)}[/]", highlight=False)

    def message(self, text: str, level: int) -> None:
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else ""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def look(self) -> None:
        """Look every second how far the jobs are."""
        while not self.closed.wait(1):
            self.jobs.look()
            self.draw()

    def draw(self) -> None:
        """Make the rows those of the jobs that wait or run."""
        with self.drawing:
            shown: dict[tuple[str, float], Row] = {}
            for job in list(self.jobs.active.values()):
                if job.alone:
                    done, total = job.epoch[:2] if job.epoch else (0, None)
                    if not job.running:
                        total = 1  # None would move, as if the job ran
                    shown[job.name, job.since] = Row(done, total, job.state(), RUNNING if job.running else QUEUED)
            for rule in self.jobs.crowds():
                row = Row(self.jobs.done[rule], self.jobs.planned[rule], self.jobs.crowd(rule), RUNNING)
                shown[rule, self.jobs.began[rule]] = row
            for key in self.rows.keys() - shown:
                self.progress.remove_task(self.rows.pop(key))
            for key, row in shown.items():
                if key not in self.rows:
                    self.rows[key] = self.progress.add_task(escape(key[0]), total=None, state="", place=row.place)
                self.progress.update(self.rows[key], **row._asdict())
            self.update_all()

    def update_all(self) -> None:
        done, total = self.jobs.done.total(), self.jobs.planned.total()
        self.progress.update(self.all, completed=done, total=total, state=f"{done} of {total}", visible=bool(total))

    def close(self) -> None:
        self.closed.set()
        if self.looking.is_alive():
            self.looking.join()
        self.progress.stop()
