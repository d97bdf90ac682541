"""Checking the parameters against their JSON schema, and saying in words what is wrong."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from carryover.job.errors import UserError, hint

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
    "object": "a section of keys",
}
"""JSON's types in words."""


def check_against_schema(params: Any, schema: dict[str, Any]) -> None:
    """Check the parameters against the schema.

    Raises:
        UserError: if a key or a value is wrong; the message is about the first one.
    """
    error = min(_Validator(schema).iter_errors(params), key=lambda error: error.json_path, default=None)
    if error:
        raise UserError(_explain(error))


def _whole(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError("")


# JSON Schema takes 5.0 for an integer; no step does, so the check must not either. Python's $ lets a line break pass at
# the end; DVC would cut the command there.
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    validators={"pattern": _whole},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def _explain(error: jsonschema.ValidationError) -> str:
    # The part of the schema that failed, its rule, and the value that broke it.
    schema: Any = error.schema
    rule: Any = error.validator_value
    value: Any = error.instance
    place = error.json_path.removeprefix("$").removeprefix(".")
    found = f"{place or 'the parameters'}: {_spelled(value)}"
    match error.validator:
        case "additionalProperties":
            known = list(schema["properties"])
            unknown = next(str(key) for key in value if key not in known)
            return f"{place}.{unknown}".lstrip(".") + f": unknown key{hint(unknown, known)}"
        case "required":
            absent = next(key for key in rule if key not in value)
            return f"{place}.{absent}".lstrip(".") + ": missing"
        case "enum" if "propertyNames" in error.schema_path:
            return f"{place}.{value}: not a parameter of this {place}; it has {', '.join(rule[1:])}"
        case "type" | "pattern" if "propertyNames" in error.schema_path:
            return f"{found} is not a name for a case; use a-z, 0-9 and _, and begin with a letter"
        case "pattern":
            return f"{found} is not allowed: {schema['description']}"
        case "type" if rule == "string" and value is None:
            return f'{found} is no value; give one, or write the word in quotes: "null"'
        case "type" if rule == "string" and not isinstance(value, list | dict):
            kind = "a number" if isinstance(value, int | float) and not isinstance(value, bool) else "not text"
            return f'{found} is {kind}; write it in quotes: "{_spelled(value)}"'
        case "type" if value is None and list(error.path)[:1] == ["cases"]:
            return f"{found} is not {TYPES[rule]}; to leave the case out, remove its line"
        case "type":
            return f"{found} is not {TYPES[rule]}"
        case "enum":
            return f"{found} is not one of {', '.join(rule)}"
        case "anyOf":
            return f"{found} is neither {' nor '.join(map(_expected, rule))}"
        case "minimum":
            return f"{found} is less than the minimum of {rule}"
        case "maximum":
            return f"{found} is greater than the maximum of {rule}"
        case "exclusiveMinimum":
            return f"{found} is too small; it must be above {rule}"
        case "exclusiveMaximum":
            return f"{found} is too large; it must be below {rule}"
        case "minItems" | "maxItems":
            exactly = "exactly" if schema["minItems"] == schema.get("maxItems") else "at least"
            return f"{found} has {len(value)} {'entry' if len(value) == 1 else 'entries'}; give {exactly} {rule}"
        case "uniqueItems":
            twice = next(item for number, item in enumerate(value) if item in value[:number])
            return f"{place}: {_spelled(twice)} is there twice; remove one"
        case "minProperties" | "minLength":
            return f"{found} is empty; give at least one"
    return f"{place}: {error.message}"


def _spelled(value: Any) -> str:
    """Return a value as YAML spells it, with quotes around text."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, str | list | dict) else str(value)


def _expected(schema: dict[str, Any]) -> str:
    """Say in words which values a part of the schema allows.

    >>> _expected({"type": "integer", "minimum": 1})
    'a whole number of at least 1'
    """
    if "const" in schema:
        return str(schema["const"])
    return TYPES[schema["type"]] + (f" of at least {schema['minimum']}" if "minimum" in schema else "")
