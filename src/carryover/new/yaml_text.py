"""The text of a file of parameters, with a comment above each."""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from carryover.new.choice import Settings

WIDTH = 110

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/-]*")
"""Text that YAML reads as it is, except for WORDS."""

WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}
"""Words that are something else in YAML 1.1 or 1.2, in lower case."""


def as_yaml(head: list[str], settings: Settings) -> str:
    """Return a file of parameters.

    Args:
        head: the lines of the comment at its top.
        settings: the parameters.
    """
    lines = [f"# {part}" for line in head for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]
    for section, keys in settings.items():
        lines.append(f"{section}:")
        for key, setting in keys.items():
            lines += (f"  # {line}" for line in textwrap.wrap(setting.reason, WIDTH))
            lines += _entry(key, setting.value)
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any) -> Iterator[str]:
    line = f"  {key}: {as_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list):
        yield line
    else:
        yield f"  {key}:"
        yield from (f"    - {as_value(item)}" for item in value)


def as_value(value: Any) -> str:
    """Return a value so that YAML 1.1 and 1.2 read the same.

    >>> [as_value(value) for value in ("rain", "No", "2020", True, 1e-7, [1, "a b"])]
    ['rain', '"No"', '"2020"', 'true', '1.0e-07', '[1, "a b"]']
    """
    if isinstance(value, list):
        return f"[{', '.join(map(as_value, value))}]"
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))  # without a point, it is text in YAML 1.1
    return json.dumps(value)
