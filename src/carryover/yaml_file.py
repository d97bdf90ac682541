"""Reading YAML: the parameters, their schema, and the settings of the reference."""

from pathlib import Path
from typing import Any

import yaml

from carryover.errors import UserError

Params = dict[str, Any]
"""Parameters in the form of params.yaml."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: where it is missing or not YAML, with the line.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise UserError(f"{path}: {line}not valid YAML: {getattr(error, 'problem', None) or error}") from error
