"""Ask a process that has loaded the engines to run their commands."""

import atexit
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

SERVER = Path(__file__).with_name("engine_server.py")


@cache
def server(*environment: tuple[str, str]) -> "subprocess.Popen[str]":
    """Start the server, once in this process; it ends with it."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER)],
        env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(process.communicate)  # closes its input
    return process


def run_engine(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a command of an engine as subprocess.run would, without any input.

    Raises:
        BrokenPipeError, ValueError: the server has died.
    """
    asked = server(*environment.items())
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
