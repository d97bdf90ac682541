"""Ask Snakemake what it would rerun after each of some edits, in one process that loads it once.

Usage: python dry_run.py < EDITS, in the folder of a project. EDITS is a JSON object of edits by name, each an object
with the new texts of files by their paths; each is undone before the next one. Printed is what Snakemake says, as a
JSON object by the same names.
"""

import json
import os
import sys
from pathlib import Path

import pandas  # noqa: F401 - this and the next two are what a dry run loads besides
import snakemake.cli
import snakemake.report.html_reporter

import carryover.engines.run  # noqa: F401


def dry_run() -> str:
    """Return what Snakemake prints, in a process of its own, which starts with Snakemake loaded."""
    out, into = os.pipe()
    if (child := os.fork()) == 0:
        for stream in (1, 2):
            os.dup2(into, stream)
        sys.argv = ["snakemake"]
        try:
            snakemake.cli.main(["--dry-run", "--nocolor"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        printed = file.read()
    os.waitpid(child, 0)
    return printed


if __name__ == "__main__":
    answers = {}
    for name, files in json.load(sys.stdin).items():
        before = {path: Path(path).read_text() for path in files}
        for path, text in files.items():
            Path(path).write_text(text)
        answers[name] = dry_run()
        for path, text in before.items():
            Path(path).write_text(text)
    json.dump(answers, sys.stdout)
