"""Answer the questions and try the properties on the backend of this process; print JSON as the last line."""

import json
import traceback
from importlib.metadata import version
from typing import Any

import keras
from properties import PROPERTIES
from questions import QUESTIONS, answer, nothing

from carryover import carry_states


def attempt(check: Any) -> str:
    """What went wrong, or nothing."""
    try:
        check()
    except Exception:
        return traceback.format_exc()
    return ""


def main() -> None:
    backend = keras.backend.backend()
    name = "tensorflow_cpu" if backend == "tensorflow" else backend
    found = {
        "versions": {"keras": keras.__version__, backend: version(name).split("+")[0]},
        "as_installed": {question: answer(question, nothing) for question in QUESTIONS},
        "with_carry_states": {question: answer(question, carry_states) for question in QUESTIONS},
        "properties": {name: attempt(check) for name, check in PROPERTIES.items()},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
