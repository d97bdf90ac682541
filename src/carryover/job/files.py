"""Files that are either complete or absent."""

import glob
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from carryover.job.errors import UserError

HOST = platform.node().split(".")[0]
"""The name of this machine: on a cluster, processes of two machines may have the same number."""


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete; a failed write leaves the old file in place.

    Args:
        path: the file; missing parent folders are made.
        mode: "w" for UTF-8 text with Unix line ends, "wb" for bytes.

    Raises:
        UserError: if the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.tmp")
    _remove_abandoned_parts(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open(mode, **text) as file:  # type: ignore[call-overload]
            yield file
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_json(path: Path, value: Any) -> None:
    """Write JSON, with the keys in their given order."""
    with writing(path) as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def _remove_abandoned_parts(path: Path) -> None:
    """Remove the parts of a file that killed processes have left; a running process still needs its own.

    One on another machine of a cluster has been given up, since its job runs here. A killed DVC leaves empty files,
    named like `.uBufgnw8bFIh.tmp`, in the folders of its outputs.
    """
    for part in path.parent.glob(".*.tmp"):
        with suppress(OSError):
            if part.name.count(".") == 2 and not part.stat().st_size:
                part.unlink()
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        *_, host, number, _ = part.name.split(".")
        with suppress(OSError, ValueError):
            if host != HOST or not _is_running(int(number)):
                part.unlink()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
