"""Changes of the parameters as options of `dvc exp run --set-param`, in Hydra's grammar."""

import json
import re
from collections.abc import Iterator
from typing import Any

from carryover.job.errors import UserError
from carryover.job.yaml_file import Params


def overrides(params: Params, wanted: Params, place: str = "") -> Iterator[str]:
    """Yield the overrides that turn `params` into `wanted`.

    >>> list(overrides({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "d": [4, "e"]}}))
    ['a.b=3', '~a.c', '+a.d=[4,"e"]']

    Raises:
        UserError: if a text means something else to DVC, however it is quoted.
    """
    for key in {**params, **wanted}:
        name = f"{place}{key}"
        if key not in wanted:
            yield f"~{name}"
        elif key not in params:
            yield f"+{name}={_hydra(name, wanted[key])}"
        elif isinstance(params[key], dict) and isinstance(wanted[key], dict):
            yield from overrides(params[key], wanted[key], f"{name}.")
        elif (value := _hydra(name, wanted[key])) != _hydra(name, params[key]):  # 1 is not 1.0 here
            yield f"{name}={value}"


def _hydra(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_hydra(f'{name}.{key}', item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_hydra(name, item) for item in value) + "]"
    return _quoted(name, value) if isinstance(value, str) else json.dumps(value)


def _quoted(name: str, text: str) -> str:
    if "${" in text or text == "???":
        raise UserError(f"{name}: DVC takes {text!r} for something of its own; rename it")
    # A backslash is an ordinary character, unless only backslashes are between it and a quote.
    escaped = re.sub(r'(\\+)(?="|\Z)', r"\1\1", text).replace('"', '\\"')
    return f'"{escaped}"'
