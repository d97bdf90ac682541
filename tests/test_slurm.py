"""The pipeline on a real Slurm, whose nodes are lost, whose jobs are killed, and whose user starts it twice.

The stand-ins take over for the slow scripts, except in the default run.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.project import Project
from helpers.slurm import NODES, Slurm, missing, wait_until

from carryover.engines.this_machine import artifacts

pytestmark = pytest.mark.cluster

ON_SLURM = [
    "snakemake", "--profile", "profiles/slurm",
    "--slurm-status-command", "squeue",  # there is no accounting
    "--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1",
]  # fmt: skip


@pytest.fixture(scope="session")
def running() -> Iterator[Slurm]:
    """A Slurm for all tests."""
    if reason := missing():
        pytest.skip(reason)
    with Slurm() as slurm:
        yield slurm


@pytest.fixture
def slurm(running: Slurm) -> Iterator[Slurm]:
    """The Slurm, with both nodes, and without jobs; what its daemons have said is shown if the test fails."""
    yield running
    running.ask("scancel", "--user", str(os.getuid()))
    for node in NODES:
        if node not in running.daemons:
            running.start_node(node)
    wait_until("no job is left", lambda: not running.unfinished())
    print(running.logs())


class Run:
    """A run of Snakemake on Slurm, in a process of its own."""

    def __init__(self, project: Project, output: Path, *options: str) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [*ON_SLURM, *options],
                cwd=project.folder,
                env=project.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def end(self) -> int:
        """Wait for its end, and return the exit status."""
        return self.process.wait(240)
