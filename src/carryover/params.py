"""The parameters of a run: checked, and handed to the steps as options of their command lines."""

import difflib
import json
import math
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema

from carryover.errors import UserError
from carryover.windows import count_windows
from carryover.yaml_file import Params

REFERENCE_FILES = ("settings.yaml", "losses.csv", "predictions.csv")
"""What the folder of a reference holds, besides initial weights."""

# JSON has one kind of number; here 5.0 is no count, because no step takes it for one.
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def typed(value: Any, schema: dict[str, Any]) -> Any:
    """The value, with text turned into the number or boolean that the schema wants, where it spells one.

    All values within `snakemake --config 'training={epochs: 5}'` are text. A whole number stays one where any number
    will do, as it does in a file.

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
        for parse in parsers.get(schema.get("type", ""), []):
            with suppress(ValueError, KeyError):
                return parse(value)
    return value


def check(params: Any, schema: dict[str, Any], root: Path) -> Params:
    """Check the parameters against the schema and against each other.

    Args:
        params: of the form of params.yaml.
        schema: the JSON schema of params.yaml.
        root: the folder to which the paths in the parameters are relative.

    Returns:
        the parameters, as they are.

    Raises:
        UserError: on the first mistake.
    """
    error = min(_Validator(schema).iter_errors(params), key=lambda error: error.json_path, default=None)
    if error:
        raise UserError(_explain(error))
    for place, value in _numbers(params):
        if not math.isfinite(value):
            raise UserError(f"{place}: {value} is not a finite number")
    count_windows(params["dataset"]["samples"], params["model"]["time_steps"], params["model"]["batch_size"])
    for name, case in params["cases"].items():
        if case["reset"] != "never" and not case["stateful"]:
            raise UserError(f"cases.{name}.reset: {case['reset']} needs stateful: true (there are no states to reset)")
    seeds = params["replicates"]["first_seed"] + params["replicates"]["count"]
    if seeds > 2**32:
        raise UserError(f"replicates: the last seed would be {seeds - 1}, above 4294967295; lower first_seed or count")
    _check_claims(params["claims"], list(params["cases"]))
    for name in REFERENCE_FILES:
        if not (root / params["reference"] / name).is_file():
            raise UserError(
                f"reference: there is no file {params['reference']}/{name}; restore it, or name another folder"
            )
    weights = params["model"]["initial_weights"]
    if weights != "random" and not (root / weights).is_file():
        raise UserError(f"model.initial_weights: there is no file {weights}; give one, or random")
    return params  # type: ignore[no-any-return]


def _check_claims(claims: dict[str, list[list[str]]], cases: list[str]) -> None:
    claimed: dict[frozenset[str], str] = {}
    for kind in ("identical", "different"):
        for number, pair in enumerate(claims[kind]):
            place = f"claims.{kind}[{number}]"
            for case in pair:
                if case not in cases:
                    raise UserError(f"{place}: there is no case {case!r}{_hint(case, cases)}")
            if pair[0] == pair[1]:
                raise UserError(f"{place}: {pair[0]} is claimed against itself")
            if frozenset(pair) in claimed:
                raise UserError(f"{place}: {pair[0]} and {pair[1]} stand in {claimed[frozenset(pair)]} already")
            claimed[frozenset(pair)] = place


def flags(section: dict[str, Any]) -> str:
    """A section of the parameters as options of a command line, exactly as DVC unpacks `${section}`.

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


def as_option(params: Params, in_file: Params, file: Path) -> str:
    """Checked parameters as the value of `check_params --params`: the file, if it holds them, or else their text."""
    return str(file) if params == in_file else json.dumps(params)


def _numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{place}.{key}".lstrip("."))
    elif isinstance(value, float):
        yield place, value


def _hint(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def _explain(error: jsonschema.ValidationError) -> str:
    # The schema's part that failed, its rule, and the value that broke it.
    schema: Any = error.schema
    rule: Any = error.validator_value
    value: Any = error.instance
    place = error.json_path.removeprefix("$").removeprefix(".")
    match error.validator:
        case "additionalProperties":
            known = list(schema["properties"])
            unknown = next(str(key) for key in value if key not in known)
            return f"{place}.{unknown}".lstrip(".") + f": unknown key{_hint(unknown, known)}"
        case "required":
            absent = next(key for key in rule if key not in value)
            return f"{place}.{absent}".lstrip(".") + ": missing"
        case "pattern" if "propertyNames" in error.schema_path:
            return f"{place}: {value!r} is no name for a case: use a-z, 0-9 and _, a letter first"
        case "pattern":
            return f"{place}: {value!r} is not allowed: {schema.get('description', rule)}"
        case "enum":
            return f"{place}: {value!r} is not one of {', '.join(map(str, rule))}"
        case "type":
            return f"{place or 'the parameters'}: {value!r} is not of type {rule}"
    return f"{place}: {error.message}"
