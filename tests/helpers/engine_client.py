"""Ask a process that has loaded the engines to run their commands."""

import atexit
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER = Path(__file__).with_name("engine_server.py")

servers: "dict[Path, subprocess.Popen[str]]" = {}
"""The servers of this process, by their Pythons."""


def server(python: Path, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start the server of a Python, once in this process and with the environment of the first command."""
    if python not in servers:
        servers[python] = subprocess.Popen(
            [python, str(SERVER)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(servers[python].communicate)  # closes its input, at which it ends
    return servers[python]


def run_engine(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], python: Path = Path(sys.executable)
) -> "subprocess.CompletedProcess[str]":
    """Run a command of an engine as subprocess.run would, without any input.

    Args:
        command: a program that is written in Python, and its words.
        folder: where it runs.
        environment: its environment.
        python: the Python that runs it; the libraries are those of its environment.

    Raises:
        BrokenPipeError, ValueError: the server has died.
    """
    asked = server(python, environment)
    assert asked.stdin
    assert asked.stdout
    with tempfile.TemporaryDirectory() as temporary:
        files = {stream: Path(temporary, stream) for stream in ("stdout", "stderr")}
        for file in files.values():
            file.touch()
        request = {"command": command, "folder": str(folder), "environment": dict(environment)}
        request |= {stream: str(file) for stream, file in files.items()}
        print(json.dumps(request), file=asked.stdin, flush=True)
        status = int(asked.stdout.readline())
        return subprocess.CompletedProcess(command, status, *(file.read_text() for file in files.values()))
