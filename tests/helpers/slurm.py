"""A real Slurm on this machine: a controller and two nodes of one processor each, all on 127.0.0.1."""

import ctypes
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple

import psutil

from helpers.project import CALLER

CONFIGURATION = Path("/etc/slurm/slurm.conf")
"""Where Slurm looks for it: SLURM_CONF does not do, because the plugin clears Slurm's variables in the jobs."""

OURS = "# Written by Carryover's tests for the time that they run."

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
"""The programs of Debian's packages slurm-wlm and munge."""

NODES = ("node1", "node2")

PR_SET_PDEATHSIG = 1
"""From Linux's sys/prctl.h: send a signal to this process when its parent dies."""

ACTIVE = "pending,running,completing"
"""The states of a job that has not ended."""

MEGABYTES = 4000
"""The memory that Slurm may give away on each node."""

TEMPLATE = """{ours}
ClusterName=carryover
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
# A node that is lost hands its jobs to another one once their credentials have expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Without control groups: look every second, and kill the steps that use more memory than their jobs have asked for.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
SlurmdParameters=config_overrides
SlurmdTimeout=5
KillWait=2
OverTimeLimit=0
ReturnToService=2
NodeName=node1 NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory={megabytes}
NodeName=node2 NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory={megabytes}
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=1440 DefMemPerCPU=500
"""


def missing() -> str:
    """Say what this machine lacks for a Slurm; empty if it lacks nothing."""
    absent = [program for program in PROGRAMS if not find(program)]
    if absent:
        return f"needs {', '.join(absent)}: Debian's packages slurm-wlm and munge, which `make test-cluster` installs"
    if not os.access(CONFIGURATION.parent, os.W_OK):
        return f"needs to write {CONFIGURATION}: run it as root"
    return ""


def find(program: str) -> str | None:
    """Return the path of a program; daemons are where only root looks."""
    return shutil.which(program, path=f"{CALLER['PATH']}:/usr/sbin:/sbin")


def wait_until(what: str, holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: if it does not come to that.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not after {seconds:g} seconds: {what}")
        time.sleep(0.2)


class Job(NamedTuple):
    """A job as squeue has it."""

    state: str
    node: str
    comment: str
    """The rule and its wildcards, as the plugin writes them."""


class Slurm:
    """A Slurm that runs inside `with`. What it has started is stopped at the end, however that comes.

    Raises:
        RuntimeError: if the machine has a Slurm of its own.
    """

    def __init__(self) -> None:
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Slurm":
        if CONFIGURATION.exists() and not CONFIGURATION.read_text().startswith(OURS):
            raise RuntimeError(f"{CONFIGURATION}: this machine has a Slurm of its own, so the tests start none")
        # Not pytest's folder: the socket must be open to all, and its path short.
        self.temporary = TemporaryDirectory(prefix="carryover-slurm-", ignore_cleanup_errors=True)
        self.folder = Path(self.temporary.name)
        self.folder.chmod(0o755)
        try:
            self._configure()
            self.start_all()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop("slurmctld")
        for node in NODES:
            self.lose_node(node)
        self.stop("munged")
        CONFIGURATION.unlink(missing_ok=True)
        self.temporary.cleanup()

    def _configure(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()
        text = TEMPLATE.format(ours=OURS, ports=ports, user=getpass.getuser(), folder=self.folder, megabytes=MEGABYTES)
        CONFIGURATION.write_text(text)

    def _start(self, name: str, *command: str) -> None:
        (folder := self.folder / name).mkdir(exist_ok=True)
        libc = ctypes.CDLL(None)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [find(command[0]) or command[0], *command[1:]],
                cwd=folder,
                env=CALLER,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                preexec_fn=partial(libc.prctl, PR_SET_PDEATHSIG, signal.SIGTERM),  # if the tests are killed
            )

    def stop(self, name: str) -> None:
        """Stop a daemon, if it runs."""
        if daemon := self.daemons.pop(name, None):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_all(self) -> None:
        """Start whatever does not run."""
        starts = {"munged": self.start_munge, "slurmctld": self.start_controller}
        for name, start in (starts | {node: partial(self.start_node, node) for node in NODES}).items():
            if name not in self.daemons:
                start()

    def start_munge(self) -> None:
        """Start the daemon that signs all messages."""
        files = [f"--{what}-file={self.folder}/munge.{what}" for what in ("key", "pid", "seed")]
        self._start("munged", "munged", "--foreground", f"--socket={self.folder}/munge.socket", *files)
        wait_until("munged has a socket", (self.folder / "munge.socket").exists)

    def start_controller(self) -> None:
        """Start slurmctld; it takes up what it was doing when it was stopped."""
        self._start("slurmctld", "slurmctld", "-D")
        wait_until("slurmctld answers", lambda: self.ask("scontrol", "ping").returncode == 0)

    def start_node(self, node: str) -> None:
        """Start a node, and wait until it takes jobs."""
        self._start(node, "slurmd", "-D", "-N", node)
        wait_until(f"{node} is ready", lambda: self.node_state(node) in ("idle", "mixed", "allocated"))

    def lose_node(self, node: str) -> None:
        """Kill a node with all that runs on it, as when its power fails."""
        if daemon := self.daemons.pop(node, None):
            daemon.kill()
            daemon.wait()
        while processes := self.processes(node):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(processes, 5)

    def processes(self, node: str) -> list[psutil.Process]:
        """Return what a node runs: Slurm's own processes, which leave their parent but not its folder, and the jobs."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == f"{self.folder}/{node}":
                    found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        return list(found.values())

    def ask(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run one of Slurm's commands."""
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def node_state(self, node: str) -> str:
        """Return a node's state as sinfo has it, such as idle, allocated or down*."""
        return self.ask("sinfo", "--noheader", "--nodes", node, "--format", "%T").stdout.strip()

    def jobs(self, states: str = "all") -> dict[str, Job]:
        """Return the jobs by their numbers, those that have ended too if all states are asked for."""
        listed = self.ask("squeue", "--noheader", f"--states={states}", "--format=%i|%T|%N|%k").stdout
        rows = [line.split("|") for line in listed.splitlines()]
        return {number: Job(*fields) for number, *fields in rows}

    def logs(self) -> str:
        """Return what the daemons have said, for the output of a test that fails."""
        return "\n".join(f"== {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("*.log")))
