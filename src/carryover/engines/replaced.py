"""Results that something other than Snakemake has replaced: git, DVC, another program, a hand.

Snakemake reruns a job if its parameters, its code or its inputs have changed since it ran. It does not notice that an
output is no longer the one that it made, nor an input that was replaced by an older file. Before each run, and before a
dry run, this module finds such outputs. Those that match dvc.lock, for these parameters and inputs, are as good as
Snakemake's own; the others are made again.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence

from carryover.engines.dvc_project import matching_stages
from carryover.job.errors import UserError, some
from carryover.job.files import write_json
from carryover.job.own_files import in_clone
from carryover.job.yaml_file import read_yaml

SEEN = Path(".snakemake/matches_dvc_lock.json")
"""Which outputs matched dvc.lock when DVC was last asked, and the state in which the project was then. DVC needs most
of a second to answer, and is not asked again in the same state."""

MADE = Path(".snakemake/made.json")
"""The time and the SHA-256 of every output that Snakemake has made, as they were at the end of the run. Snakemake's own
records have only the time, which a program may leave as it was."""

OURS = ("data", "results")
"""The folders of a clone for its own results. In any other there may be files of the user's."""


def distrust_replaced(outputs: Iterable[str], params: Mapping[str, Any]) -> None:
    """Let Snakemake plan every output again that is neither what it made nor what dvc.lock has.

    This changes no result. Outputs that match dvc.lock get the present time, so that they are not older than their
    inputs, and lose Snakemake's record, which is of another file. The others are marked as incomplete, as Snakemake
    marks the outputs of a job that was killed.

    Args:
        outputs: the files that a run is to make.
        params: the parameters of the run.

    Raises:
        UserError: if there is a file in the way that no engine has made; or if dvc.lock is needed and damaged.
    """
    records = FilePersistence(nolock=True)
    made = _read(MADE)
    existing = [path for path in outputs if Path(path).exists()]
    if not existing:  # the steps remove cases and replicates that the parameters do not name
        folders = [Path(params["folders"]["results"], name) for name in ("cases", "replicates")]
        _refuse_strangers([str(path) for folder in folders for path in folder.rglob("*.*")], params)
    changed = {path: _changed_inputs(path, records) for path in existing}
    # Edited with their time kept, which DVC may not notice either.
    edited = {path for path in existing if _edited(path, made)}
    foreign = {path for path in existing if not _as_made(path, records) or "older" in changed[path]}
    # What has newer inputs, Snakemake plans again by itself, unless it matches dvc.lock for these inputs.
    doubtful = [path for path in existing if path not in edited and (path in foreign or changed[path])]
    if not (edited or doubtful):
        return
    matching, known = _ask_dvc(doubtful, params, records)
    suspects = edited | (foreign - matching)
    replaced = [path for path in existing if path in suspects]
    recorded = [path for path in replaced if records.metadata(IOFile(path))]
    _refuse_strangers(suspects.difference(recorded, known), params)
    records.started(SimpleNamespace(output=list(map(IOFile, replaced))))
    if recorded:  # in a fresh clone the results that git has are not
        print(
            "note: made again, because something has replaced them since Snakemake made them: "
            f"{some(replaced)}. To bring back the results of dvc.lock instead, if DVC's cache has them, run "
            "`dvc checkout`.",
            file=sys.stderr,
        )


def distrust_stored(outputs: Iterable[Any], of_another: bool) -> None:
    """Do the same for outputs in a storage: those that were not made from this folder, or made from other inputs.

    Args:
        outputs: the files that a run is to make, as Snakemake has them.
        of_another: whether another folder has written to the storage since this one did.
    """
    records = FilePersistence(nolock=True)
    distrusted = [
        path
        for path in outputs
        if of_another or not (record := records.metadata(path)) or next(_other_inputs(record), None)
    ]
    records.started(SimpleNamespace(output=distrusted))


def refuse_unknown(paths: Iterable[str], params: Mapping[str, Any]) -> None:
    """Refuse to write over files that are not as remember_made has noted them.

    Raises:
        UserError: if there is one.
    """
    made = _read(MADE)
    known = {path: content for path, (_, content) in made.items()}
    _refuse_strangers([path for path in paths if Path(path).is_file() and known.get(path) != _sha256(path)], params)


def remember_made(outputs: Iterable[str], brought: Iterable[str] = ()) -> None:
    """Note the content of the outputs that Snakemake has made, at the end of a run.

    Args:
        outputs: the files that the run was to make.
        brought: those that were brought from a storage instead.
    """
    records = FilePersistence(nolock=True)
    _sha256.cache_clear()
    existing = [path for path in outputs if Path(path).is_file() and _as_made(path, records)]
    existing += [path for path in brought if Path(path).is_file()]
    write_json(MADE, _read(MADE) | {path: [Path(path).stat().st_mtime_ns, _sha256(path)] for path in existing})


def check_not_replaced(outputs: Iterable[str]) -> None:
    """Check, at the end of a run, that every output is the one that Snakemake has made.

    Raises:
        UserError: if something has replaced one meanwhile, such as a job of an earlier run that a scheduler still had.
    """
    records = FilePersistence(nolock=True)
    for path in outputs:
        if Path(path).exists() and records.metadata(IOFile(path)) and not _as_made(path, records):
            raise UserError(f"{path}: something has replaced it while this run went on; run Snakemake again")


def _as_made(path: str, records: FilePersistence) -> bool:
    """Whether an output has the time of the one that Snakemake has made."""
    record = records.metadata(IOFile(path))
    return record is not None and record.endtime == Path(path).lstat().st_mtime


def _edited(path: str, made: Mapping[str, Any]) -> bool:
    """Whether an output has the time of the one that Snakemake has made, and other content."""
    time_made, content = made.get(path, (None, None))
    return bool(time_made == Path(path).lstat().st_mtime_ns and content != _sha256(path))


def _changed_inputs(path: str, records: FilePersistence) -> set[str]:
    """Say whether inputs that are "older" or "newer" than an output are other ones than those that it was made from.

    Snakemake itself finds an input that has changed only if it is newer than the output.
    """
    time_made = Path(path).lstat().st_mtime
    changed = _other_inputs(records.metadata(IOFile(path)))
    return {"older" if status.st_mtime <= time_made else "newer" for status in changed}


def _other_inputs(record: Any) -> Iterator[os.stat_result]:
    """Yield the status of each input that is another one than that in Snakemake's record of an output."""
    for name, checksum in ((record and record.input_checksums) or {}).items():
        if (status := _status(name)) and _sha256(name) != checksum.removeprefix("sha256:"):
            yield status


def _refuse_strangers(paths: Iterable[str], params: Mapping[str, Any]) -> None:
    """Refuse to write over files that no engine and no commit knows, in folders that a user has chosen."""
    at_home = in_clone()  # elsewhere these folders, and what git knows, are the user's
    own = sorted(path for path in paths if not at_home or path.split("/")[0] not in OURS)
    if not own:
        return
    ask = ["git", "ls-files", "-z", "--", *own]
    listed = subprocess.run(ask, capture_output=True, text=True, check=False).stdout if at_home else ""
    if strangers := sorted(set(own) - set(listed.split("\0"))):
        data, results = params["folders"]["data"], params["folders"]["results"]
        raise UserError(
            f"{strangers[0]}: in the way: this run would write over it or remove it, and no earlier run has made it; "
            f"move it, or choose other folders than {data} and {results}"
        )


@cache
def _status(path: str) -> os.stat_result | None:
    return Path(path).stat() if Path(path).is_file() else None


@cache
def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError):
        return {}


def _ask_dvc(paths: list[str], params: Mapping[str, Any], records: FilePersistence) -> tuple[set[str], set[str]]:
    """Return the outputs that match dvc.lock, which Snakemake may then trust, and those that dvc.lock knows at all."""
    if not in_clone():
        return set(), set()
    seen = _read(SEEN)
    if seen and set(paths) <= set(seen["files"]) and seen["state"] == _state(seen["files"], params):
        return set(seen["matching"]), set(seen["known"])
    found = matching_stages(Path(), read_yaml(Path("params.yaml")), params)

    def among(outputs: set[str]) -> list[str]:
        return [path for path in paths if not outputs.isdisjoint([path, *map(str, Path(path).parents)])]

    matching, known, now = among(found.outputs), among(found.known), time.time_ns()
    for path in matching:
        os.utime(path, ns=(now, now))
        records.cleanup_metadata(IOFile(path))
    files = sorted({*found.dependencies, *found.outputs, *paths, "dvc.lock", "dvc.yaml", "params.yaml"})
    state = _state(files, params)
    write_json(SEEN, {"matching": matching, "known": known, "files": files, "state": state})
    return set(matching), set(known)


def _state(paths: Iterable[str], params: Mapping[str, Any]) -> str:
    """Return a digest of the parameters, and of the times and the content of files and of all files in folders."""
    sha = hashlib.sha256(json.dumps(params).encode())
    for path in map(Path, paths):
        for file in [path, *sorted(path.rglob("*"))]:
            if file.is_file() and file.suffix != ".pyc":
                sha.update(f"{file} {file.stat().st_mtime_ns} {_sha256(str(file))}\n".encode())
    return sha.hexdigest()
