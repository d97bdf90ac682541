"""Parameters in other forms: changes from a command line, options of the steps, overrides for DVC."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from carryover.job.errors import UserError
from carryover.job.yaml_file import Params, read_yaml


def typed(value: Any, schema: dict[str, Any]) -> Any:
    """Return a value in which text has become the number or boolean that the schema asks for, if the text spells one.

    All values within `snakemake --config 'training={epochs: 5}'` are text. As in a file, a whole number stays an
    integer if the schema asks for any number.

    >>> typed({"epochs": "5"}, {"properties": {"epochs": {"type": "integer"}}})
    {'epochs': 5}
    """
    if isinstance(value, dict):
        others = schema.get("additionalProperties") or {}
        return {key: typed(item, schema.get("properties", {}).get(key, others)) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item, schema.get("items", {})) for item in value]
    if isinstance(value, str):
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
    """Replace some of the parameters, key by key; another optimizer replaces all parameters of the old one.

    >>> merge({"training": {"loss": "mse", "epochs": 70}}, {"training": {"epochs": 5}})
    {'training': {'loss': 'mse', 'epochs': 5}}
    >>> merge({"optimizer": {"name": "adadelta", "rho": 0.95}}, {"optimizer": {"name": "sgd", "momentum": 0}})
    {'optimizer': {'name': 'sgd', 'momentum': 0}}
    """
    merged = dict(params)
    for key, value in changes.items():
        mine = params.get(key)
        if isinstance(value, dict) and isinstance(mine, dict):
            another = key == "optimizer" and value.get("name", mine.get("name")) != mine.get("name")
            value = value if another else merge(mine, value)
        merged[key] = value
    return merged


def overrides(params: Params, wanted: Params, place: str = "") -> Iterator[str]:
    """Yield the overrides for `dvc exp run --set-param`, in Hydra's grammar, that turn `params` into `wanted`.

    >>> list(overrides({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "d": [4, "e"]}}))
    ['a.b=3', '~a.c', '+a.d=[4,"e"]']
    """
    for key in {**params, **wanted}:
        name = f"{place}{key}"
        if key not in wanted:
            yield f"~{name}"
        elif key not in params:
            yield f"+{name}={_hydra(wanted[key])}"
        elif isinstance(params[key], dict) and isinstance(wanted[key], dict):
            yield from overrides(params[key], wanted[key], f"{name}.")
        elif params[key] != wanted[key]:
            yield f"{name}={_hydra(wanted[key])}"


def _hydra(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_hydra(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_hydra, value)) + "]"
    return json.dumps(value)


def flags(section: dict[str, Any]) -> str:
    """Return a section of the parameters as options of a command line, exactly as DVC unpacks `${section}`.

    >>> flags({"units": [10, 10], "epsilon": 1e-8, "stateful": True, "shuffle": False})
    '--units 10 10 --epsilon 1e-08 --stateful'
    """
    words: list[str] = []
    for name, value in section.items():
        if value is not False:
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
