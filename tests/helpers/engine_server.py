"""Run the commands of the engines, each in a process of its own that starts with the engines' libraries loaded.

Loading them takes most of the time of a short command. A process that has loaded them once forks for each command, and
the fork runs the program of that name as a shell would, in the folder and with the environment of its caller. Only what
a Python reads of the environment as it starts is that of the server. A command that tests the environment or the start
of an engine is therefore run without it: Project.run does so for one with variables of its own, and Project.start.

Usage: python engine_server.py < REQUESTS. A request is a line of JSON: the `command`, as words; the `folder`; the
`environment`; and the files for what it prints, `stdout` and `stderr`. Each is answered by a line with the exit status.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

LIBRARIES = [
    "snakemake.cli", "snakemake.report.html_reporter", "smart_open", "pandas", "jsonschema", "rich.markdown",
    "dvc.cli.parser", "dvc.repo.index", "dvc.repo.reproduce", "dvc.repo.experiments", "dvc.stage.run", "dvc.scm",
    "dvc_data.hashfile.db.local", "networkx",
    "carryover.engines.run", "carryover.engines.parameters", "carryover.engines.replaced", "carryover.engines.terminal",
    "carryover.replicates.settings",
    # Snakemake loads all its plugins at each start.
    *(name for _, name, _ in pkgutil.iter_modules() if name.startswith("snakemake_") and "_plugin_" in name),
]  # fmt: skip
"""What the commands would load themselves."""


def become(request: dict[str, Any]) -> list[str]:
    """Make this process that of a request, and return its command, with the path of the program."""
    out, err = (os.open(request[stream], os.O_WRONLY | os.O_TRUNC) for stream in ("stdout", "stderr"))
    for stream, file in enumerate([os.open(os.devnull, os.O_RDONLY), out, err]):
        os.dup2(file, stream)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    program, *words = request["command"]
    path = shutil.which(program)
    assert path, f"{program}: no such program"
    return [path, *words]


def serve() -> list[str]:
    """Answer every request; only the process that is forked for a command returns, with that command."""
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            return become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return []


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    if command := serve():
        sys.argv, sys.path[0] = command, str(Path(command[0]).parent)
        runpy.run_path(command[0], run_name="__main__")
