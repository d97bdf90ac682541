"""Files that are either complete or absent."""

import glob
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from carryover.job.errors import UserError


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete; a failed write leaves the old file in place.

    Args:
        path: the file; missing parent folders are made.
        mode: "w" for UTF-8 text with Unix line ends, "wb" for bytes.

    Raises:
        UserError: if the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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
    """Remove the parts of a file that killed processes have left; a running process still needs its own."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError, ValueError):
            try:
                os.kill(int(part.name.split(".")[-2]), 0)
            except ProcessLookupError:
                part.unlink()
