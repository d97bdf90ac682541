"""YAML files: the parameters, their schema, and the settings of the reference.

They are read as DVC reads params.yaml: as YAML 1.2, in which 1e-8 is a number, 010 is ten, yes is text, and no key may
appear twice.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from carryover.job.errors import UserError
from carryover.job.files import writing

Params = dict[str, Any]
"""Parameters in the form of params.yaml."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: if it is missing, or is not YAML; the message names the line.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: missing") from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise UserError(f"{path}: {line}not valid YAML: {problem}") from error


def write_yaml(path: Path, value: Any) -> None:
    """Write a YAML file, with the keys in their given order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    with writing(path) as file:
        yaml.dump(value, file)
