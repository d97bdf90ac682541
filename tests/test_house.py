"""The plan of the house: which package may import which, and what the stages declare of it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.engines import STAGES, STEPS
from helpers.project import ROOT

SOURCE = ROOT / "src/carryover"

BELOW: dict[str, set[str]] = {"job": set()}
BELOW["series"] = {"job"}
BELOW["training"] = {"job", "series"}
BELOW["params"] = BELOW["forecasts"] = BELOW["training"] | {"training"}
BELOW["new"] = BELOW["params"] | {"params"}
BELOW["replicates"] = BELOW["forecasts"] | {"forecasts"}
BELOW["comparison"] = BELOW["replicates"] | {"replicates"}
BELOW["figures"] = BELOW["comparison"] | {"comparison"}
BELOW["engines"] = {*BELOW["figures"], "figures", "params"}
BELOW["__main__"] = {*BELOW["engines"], "engines", "new"}
"""For each package, those that it may import."""

IMPORTED_BY_SCRIPTS = {"argparse", "json", "pathlib", "typing", "carryover"}
AND_BY = {"train": {"keras"}}


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}: a relative import"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if file_of(module) else node.module


def file_of(module: str) -> Path | None:
    """The file of a module of the library; None for another one's."""
    path = ROOT / "src" / module.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if module.split(".")[0] == "carryover" and file.is_file():
            return file
    return None


def files_behind(file: Path, seen: set[Path] | None = None) -> set[Path]:
    """The files of the library that a file imports, and those that they import, and so on."""
    seen = set() if seen is None else seen
    for module in imports(file):
        for number in range(1, module.count(".") + 2):  # a package's own code runs too
            found = file_of(".".join(module.split(".")[:number]))
            if found and found not in seen:
                seen.add(found)
                # The front door imports what it is asked for, and every step asks for modules by their own names.
                if found != SOURCE / "__init__.py":
                    files_behind(found, seen)
    return seen


def package(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def declared(step: str) -> set[str]:
    """The packages of the library that the stage of a step depends on."""
    paths = [path.removeprefix("src/carryover/") for path in STAGES[step]["deps"] if path.startswith("src/carryover/")]
    return {path for path in paths if not path.startswith("home/") and path != "__init__.py"}


@pytest.mark.parametrize("step", STEPS)
def test_a_stage_declares_the_packages_that_its_step_imports_and_no_other(step: str) -> None:
    imported = {package(file) for file in files_behind(ROOT / f"workflow/scripts/{step}.py")}
    # Every step is started by job.hermetic, so that it runs the job's code before its own.
    assert imported - {"__init__"} | {"job"} == declared(step)
    assert "src/carryover/__init__.py" in STAGES[step]["deps"]


@pytest.mark.parametrize("name", BELOW)
def test_a_package_imports_those_below_it_alone(name: str) -> None:
    files = [SOURCE / f"{name}.py"] if (SOURCE / f"{name}.py").is_file() else sorted((SOURCE / name).rglob("*.py"))
    assert files
    for file in files:
        imported = {package(found) for module in imports(file) if (found := file_of(module))} - {"__init__"}
        assert imported <= BELOW[name] | {name}, file


def test_every_package_has_its_place_in_the_house() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert packages | {"__main__"} == set(BELOW)
    assert {path.name for path in SOURCE.iterdir() if path.is_dir()} - {"__pycache__"} == packages | {"home"}


def test_the_home_of_the_jobs_has_the_pinned_configuration_and_nothing_else() -> None:
    """Programs that the tests start may write there."""
    tracked = subprocess.run(["git", "ls-files", "src/carryover/home"], cwd=ROOT, capture_output=True, text=True).stdout
    names = {line.removeprefix("src/carryover/home/") for line in tracked.splitlines()}
    assert names == {".config/matplotlib/matplotlibrc", ".keras/keras.json"}


def test_importing_a_package_imports_nothing_else() -> None:
    """So that who takes one module of it does not wait for the others."""
    for file in SOURCE.rglob("__init__.py"):
        at_the_top = {type(node) for node in ast.parse(file.read_text()).body}
        inside = list(imports(file))
        if file == SOURCE / "__init__.py":  # which imports what it is asked for
            assert not any(module.startswith("carryover.") for module in top_level_imports(file))
        else:
            assert not inside, file
        assert ast.ClassDef not in at_the_top


@pytest.mark.parametrize(
    ("module", "slow"),
    [("carryover.engines.terminal", {"numpy", "pandas"}), ("carryover.figures.rivals", {"scipy"})],
)
def test_what_takes_long_to_load_is_loaded_only_where_it_is_needed(module: str, slow: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert slow.isdisjoint(loaded)


def top_level_imports(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("step", STEPS)
def test_a_script_leaves_formats_and_arithmetic_to_the_library(step: str) -> None:
    """It parses its command line, reads, calls and writes, by what it imports from the library."""
    used = {module.split(".")[0] for module in imports(ROOT / f"workflow/scripts/{step}.py")}
    assert used - IMPORTED_BY_SCRIPTS == AND_BY.get(step, set())


def test_the_engine_files_are_short_and_name_whole_packages() -> None:
    for name, most, named in (("Snakefile", 500, []), ("dvc.yaml", 340, ["src/carryover/__init__.py"])):
        text = (ROOT / name).read_text()
        assert text.count("\n") <= most
        modules = [str(path.relative_to(ROOT)) for path in SOURCE.rglob("*.py")]
        assert [path for path in modules if path in text] == named
    assert len(STEPS) == 8
