"""Checking the file that builds the network, `model.build`, without running it."""

import ast
from pathlib import Path
from typing import Any

from carryover.job.errors import UserError, hint
from carryover.job.own_files import find
from carryover.training.network import STACKED


def check_build(model: dict[str, Any], root: Path) -> None:
    """Check that the file is there and has a function `build`. What that function builds is checked when it is run.

    Args:
        model: the section `model` of the parameters.
        root: the user's folder, to which the file is relative.

    Raises:
        UserError: if the file is missing, is no Python, or has no such function; or if the initial weights are a file.
    """
    file = model["build"]
    if not find(file, root).is_file():
        known = sorted(str(path.relative_to(root)) for path in (root / "models").rglob("*.py"))
        raise UserError(
            f"model.build: there is no file {file}; put it there, and for `dvc exp run --temp` let git track it: "
            f"git add {file}{hint(file, known)}"
        )
    code = _parsed(find(file, root), file)
    if file == STACKED:
        if any(not isinstance(part, ast.Expr) for part in code):
            raise UserError(
                f"model.build: the code in {file} would be ignored, because this file stands for the network of "
                "model.units; put the code into another file in models/"
            )
        return
    if not any(isinstance(part, ast.FunctionDef) and part.name == "build" for part in code):
        raise UserError(f"model.build: {file} has no function build(batch_shape, stateful); define it")
    if model["initial_weights"] != "random":
        raise UserError(
            f"model.initial_weights: {model['initial_weights']} is for the network of {STACKED}; set "
            f"initial_weights: random for that of {file}"
        )


def _parsed(path: Path, file: str) -> list[ast.stmt]:
    try:
        return ast.parse(path.read_bytes(), file).body
    except SyntaxError as error:
        place = f"{file}, line {error.lineno}" if error.lineno else file
        raise UserError(f"model.build: {place}: {type(error).__name__}: {error.msg}; correct the file") from None
    except ValueError as error:  # a null byte, in Python 3.11
        raise UserError(f"model.build: {file}: {error}; correct the file") from None
