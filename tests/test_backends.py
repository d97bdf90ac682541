"""The library on each backend of Keras, and each row of docs/backends.md."""

import json
import re
from pathlib import Path

import pytest
from helpers.backends import Backend
from helpers.once import Once
from helpers.project import ROOT

from carryover.job.portable import BACKENDS

PAGE = (ROOT / "docs/backends.md").read_text()

COLUMNS = {
    "JAX": ("jax", "as_installed"),
    "JAX, carried": ("jax", "with_carry_states"),
    "PyTorch": ("torch", "as_installed"),
    "PyTorch, carried": ("torch", "with_carry_states"),
}


def table() -> dict[str, dict[str, str]]:
    """The answers in the table of docs/backends.md, by question and column."""
    header, _, *rows = re.findall(r"^\| .*$", PAGE.split("## What works on which backend")[1].split("\n## ")[0], re.M)
    _, _, *columns = [cell.strip() for cell in header.strip("|").split(" | ")]
    answers = {}
    for row in rows:
        name, _, *cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        answers[name.strip("`")] = dict(zip(columns, cells, strict=True))
    return answers


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, once: Once) -> Backend:
    return Backend(request.param, once)


@pytest.mark.parametrize("question", table())
def test_the_table_of_the_page_is_right(backend: Backend, question: str) -> None:
    answers = table()[question]
    if backend.name == "tensorflow":
        expected = {"as_installed": answers["TensorFlow"], "with_carry_states": answers["TensorFlow"]}
    else:
        expected = {how: answers[column] for column, (name, how) in COLUMNS.items() if name == backend.name}
    assert {how: backend.found[how][question] for how in expected} == expected, (question, backend.name)


def test_the_table_of_the_page_has_every_question(backend: Backend) -> None:
    assert list(table()) == list(backend.found["as_installed"])


def test_the_library_keeps_its_promises(backend: Backend) -> None:
    properties = backend.found["properties"]
    assert len(properties) > 20
    failed = {name: error for name, error in properties.items() if error}
    assert not failed, f"{backend.name}: {', '.join(failed)}\n" + "\n".join(failed.values())


def test_the_page_names_the_versions(backend: Backend) -> None:
    titles = {"keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    for library, version in backend.found["versions"].items():
        assert f"{titles[library]} {version}" in " ".join(PAGE.split())


def test_the_times_of_the_page_are_the_measured_ones() -> None:
    ratios = json.loads((ROOT / "benchmarks/backends.json").read_text())["relative_to_tensorflow"]
    _, _, *rows = re.findall(r"^\| .*$", PAGE.split("## Speed")[1].split("\n## ")[0], re.M)
    shown = [[float(cell) for cell in row.strip("| ").split(" | ")[1:]] for row in rows]
    order = ("tensorflow", "jax", "torch")
    assert shown == [[ratios[name][what] for name in order] for what in ("loop", "single", "first_epoch")]


def test_the_library_can_be_imported_where_nothing_else_is_installed(backend: Backend) -> None:
    """Nothing but Keras, NumPy and a backend, with what they need themselves."""
    program = "import carryover; print(*(getattr(carryover, name).__module__ for name in carryover.__all__))"
    done = backend("-c", program)
    assert done.returncode == 0, done.stderr
    assert all(name.startswith("carryover.") for name in done.stdout.splitlines()[-1].split())


def test_a_command_says_in_one_line_what_to_install(once: Once, tmp_path: Path) -> None:
    backend = Backend("jax", once)
    (tmp_path / "series.csv").write_text("x,y\n1,2\n")
    for command in (["verdict"], ["new", str(tmp_path / "series.csv")], ["overrides", "any.yaml"]):
        done = backend("-m", "carryover", *command)
        assert done.returncode == 2, done.stderr
        assert re.fullmatch(
            r"error: `carryover \w+` needs the package \w+; "
            r"install what the pipeline needs, in a clone of the project: pip install -e '\.\[pipeline\]'\n",
            done.stderr,
        ), done.stderr
    assert backend("-m", "carryover", "--help").returncode == 0


def test_the_first_example_of_the_page_runs(once: Once, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(import keras\n.*?)```", PAGE, re.S)
    data = "import numpy as np\nx, y = np.ones((200, 1, 1)), np.ones((200, 1))\n"
    file = tmp_path / "example.py"
    file.write_text(data + example + "print(max(float(abs(state.value).max()) for state in model.layers[0].states))\n")
    done = Backend("jax", once)(str(file))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) == 0, "reset at the end of the last epoch"


def test_the_example_for_a_report_to_keras_shows_the_fault(once: Once, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(import os\n.*?)```", PAGE, re.S)
    (output,) = re.findall(r"```text\n(.*?)```", PAGE, re.S)
    file = tmp_path / "forgotten_states.py"
    file.write_text(example)
    printed = {name: Backend(name, once)(str(file)).stdout for name in ("jax", "tensorflow")}
    assert printed["jax"] == output
    assert printed["tensorflow"] == output.replace("True", "False")
