"""Results that something other than Snakemake has replaced: git, DVC, another program, a hand.

Snakemake reruns a job if its parameters, its code or its inputs have changed since it ran. It does not notice that an
output is no longer the one that it made, nor an input that was replaced by an older file. Before each run, and before a
dry run, this module finds such outputs. Those that match dvc.lock, for these parameters and inputs, are as good as
Snakemake's own; the others are made again.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence

from carryover.engines.dvc_project import matching
from carryover.job.files import write_json
from carryover.job.yaml_file import read_yaml

SEEN = Path(".snakemake/matches_dvc_lock.json")
"""Which outputs matched dvc.lock when DVC was last asked, and the state in which the project was then. DVC needs most
of a second to answer, and is not asked again in the same state."""

NAMED = 3
"""How many replaced results a message names."""


def distrust_replaced(outputs: Iterable[str], params: Mapping[str, Any]) -> None:
    """Let Snakemake plan every output again that is neither what it made nor what dvc.lock has.

    This changes no result. Outputs that match dvc.lock get the present time, so that they are not older than their
    inputs, and lose Snakemake's record, which is of another file. The others are marked as incomplete, as Snakemake
    marks the outputs of a job that was killed.

    Args:
        outputs: the files that a run is to make.
        params: the parameters of the run.

    Raises:
        UserError: if dvc.lock is needed and damaged.
    """
    records = FilePersistence(nolock=True)
    foreign = [path for path in outputs if Path(path).exists() and not _as_made(path, records)]
    if not foreign:
        return
    good = _matching_dvc(foreign, params, records)
    replaced = [path for path in foreign if path not in good]
    records.started(SimpleNamespace(output=list(map(IOFile, replaced))))
    # In a fresh clone the results that git has are neither, and nothing has been replaced.
    if any(records.metadata(IOFile(path)) for path in replaced):
        named = ", ".join(replaced[:NAMED]) + (f" and {len(replaced) - NAMED} more" if replaced[NAMED:] else "")
        print(
            f"note: made again, because something has replaced them since Snakemake made them: {named}. To bring back "
            "the results of dvc.lock instead, if DVC's cache has them, run `dvc checkout`.",
            file=sys.stderr,
        )


def _as_made(path: str, records: FilePersistence) -> bool:
    """Whether an output is the one that Snakemake has a record of, made from the inputs that are there now.

    Snakemake itself finds inputs that have changed and are newer than the output.
    """
    record, time_made = records.metadata(IOFile(path)), Path(path).lstat().st_mtime
    if record is None or record.endtime != time_made:
        return False
    return not any(
        (status := _status(name)) and status.st_mtime <= time_made and _sha256(name) != checksum.removeprefix("sha256:")
        for name, checksum in (record.input_checksums or {}).items()
    )


@cache
def _status(path: str) -> os.stat_result | None:
    return Path(path).stat() if Path(path).is_file() else None


@cache
def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _matching_dvc(foreign: list[str], params: Mapping[str, Any], records: FilePersistence) -> set[str]:
    """Return those outputs that match dvc.lock, and let Snakemake trust them."""
    try:
        seen = json.loads(SEEN.read_text(encoding="utf-8"))
        if seen["state"] == _state(seen["files"], params):
            return set(seen["outputs"])
    except (OSError, ValueError):
        pass  # DVC was never asked
    found = matching(Path(), read_yaml(Path("params.yaml")), params)
    good = [path for path in foreign if not found.outputs.isdisjoint([path, *map(str, Path(path).parents)])]
    now = time.time_ns()
    for path in good:
        os.utime(path, ns=(now, now))
        records.cleanup_metadata(IOFile(path))
    files = sorted({*found.dependencies, *found.outputs, *foreign, "dvc.lock", "dvc.yaml", "params.yaml"})
    write_json(SEEN, {"outputs": good, "files": files, "state": _state(files, params)})
    return set(good)


def _state(paths: Iterable[str], params: Mapping[str, Any]) -> str:
    """Return a digest of the parameters, and of the times and sizes of files and of all files in folders."""
    sha = hashlib.sha256(json.dumps(params).encode())
    for path in map(Path, paths):
        for file in [path, *sorted(path.rglob("*"))]:
            if file.is_file() and file.suffix != ".pyc":
                status = file.stat()
                sha.update(f"{file} {status.st_mtime_ns} {status.st_size}\n".encode())
    return sha.hexdigest()
