"""Parameters in other forms: changes from a command line or a file, options of the steps."""

import json
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from carryover.job.errors import UserError, hint
from carryover.job.yaml_file import Params, read_yaml


def typed(value: Any, schema: dict[str, Any]) -> Any:
    """Return a value in which text has become what the schema asks for, if the text spells one.

    All values within `snakemake --config 'training={epochs: 5}'` are text. As in a file, a whole number stays an
    integer if the schema asks for any number. null is no value where the schema asks for a section of keys, such as a
    case; elsewhere it stays text, since a column may have that name.

    >>> typed({"epochs": "5"}, {"properties": {"epochs": {"type": "integer"}}})
    {'epochs': 5}
    >>> typed({"single_fit": "null"}, {"additionalProperties": {"type": "object"}})
    {'single_fit': None}
    """
    if isinstance(value, dict):
        others = schema.get("additionalProperties") or {}
        return {key: typed(item, schema.get("properties", {}).get(key, others)) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item, schema.get("items", {})) for item in value]
    if isinstance(value, str):
        if schema.get("type") == "object" and value in ("null", "~", ""):
            return None
        booleans = {"true": True, "false": False}
        parsers: dict[str, list[Callable[[str], Any]]] = {
            "integer": [int],
            "number": [int, float],
            "boolean": [lambda text: booleans[text.lower()]],
        }
        for kind in [schema, *schema.get("anyOf", [])]:
            for parse in parsers.get(kind.get("type", ""), []):
                with suppress(ValueError, KeyError):
                    return parse(value)
    return value


def merge(params: Params, changes: dict[str, Any]) -> Params:
    """Replace some of the parameters, key by key; call it again with the result for the next layer of changes.

    Another optimizer replaces all parameters of the old one. A case that is set to None is left out, and with it the
    claims about it, except for the claims that the changes set themselves.

    >>> merge({"training": {"loss": "mse", "epochs": 70}}, {"training": {"epochs": 5}})
    {'training': {'loss': 'mse', 'epochs': 5}}
    >>> merge({"optimizer": {"name": "adadelta", "rho": 0.95}}, {"optimizer": {"name": "sgd", "momentum": 0}})
    {'optimizer': {'name': 'sgd', 'momentum': 0}}
    >>> merge({"cases": {"a": {}, "b": {}}, "claims": {"different": [["a", "b"]]}}, {"cases": {"b": None}})
    {'cases': {'a': {}}, 'claims': {'different': []}}

    Raises:
        UserError: if a case that is set to None does not exist.
    """
    merged = _merge_keys(params, changes)
    if left_out := _left_out(params.get("cases"), changes.get("cases")):
        merged["cases"] = {name: case for name, case in merged["cases"].items() if name not in left_out}
        set_here = changes.get("claims", {})
        with suppress(AttributeError, KeyError, TypeError):  # claims of another form are reported by the check
            merged["claims"] = {
                kind: pairs if kind in set_here else [pair for pair in pairs if left_out.isdisjoint(pair)]
                for kind, pairs in merged["claims"].items()
            }
    return merged


def _merge_keys(mine: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(mine)
    for key, value in changes.items():
        old = mine.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            another = key == "optimizer" and value.get("name", old.get("name")) != old.get("name")
            value = value if another else _merge_keys(old, value)
        merged[key] = value
    return merged


def _left_out(cases: Any, changes: Any) -> set[str]:
    """Return the names of the cases that changes leave out."""
    known = cases if isinstance(cases, dict) else {}
    left_out = [name for name, case in changes.items() if case is None] if isinstance(changes, dict) else []
    for name in left_out:
        if name not in known:
            raise UserError(
                f"cases.{name}: null leaves a case out, but there is no case {name!r}{hint(str(name), known)}"
            )
    return set(left_out)


def flags(section: dict[str, Any]) -> str:
    """Return a section of the parameters as options of a command line, exactly as DVC unpacks `${section}`.

    >>> flags({"units": [10, 10], "epsilon": 1e-8, "stateful": True, "shuffle": False, "time": [], "comment": ""})
    "--units 10 10 --epsilon 1e-08 --stateful --comment ''"
    >>> flags({"calls": "loop", "optimizer": {"name": "sgd", "momentum": 0.0}})
    '--calls loop --optimizer.name sgd --optimizer.momentum 0.0'
    """
    words: list[str] = []
    for name, value in section.items():
        if isinstance(value, dict):
            words.append(flags({f"{name}.{key}": item for key, item in value.items()}))
            continue
        if value is not False and value != []:
            words.append(f"--{name}")
        if not isinstance(value, bool):
            words += [shlex.quote(str(item)) for item in (value if isinstance(value, list) else [value])]
    return " ".join(words)


def from_option(text: str) -> Any:
    """Read the value of `check_params --params`, a YAML file or JSON; the parameters are not checked yet.

    Raises:
        UserError: if it is neither a YAML file nor JSON.
    """
    if not text.startswith("{"):
        return read_yaml(Path(text))
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"--params: not valid JSON: {error}") from error
