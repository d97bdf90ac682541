"""`carryover check --against`: what another machine has made, compared with dvc.lock or with your own.

The stand-ins take over for the slow scripts: what is under test is what the command makes of the bytes.
"""

import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from helpers.project import Project

from carryover.engines.another_machine import check_another_machine
from carryover.engines.this_machine import artifacts
from carryover.job.errors import UserError

pytestmark = pytest.mark.slow

CASES = "results/cases"


def check(project: Project, folder: Path, own: Path | None = None) -> tuple[bool, dict[str, str], list[str]]:
    """Return the answer, the state of each artifact, and the lines after them."""
    lines: list[str] = []
    with chdir(project.folder):
        same = check_another_machine(Path(), folder, own, lines.append)
    count = next(number for number, line in enumerate(lines) if " artifacts in " in line)
    return same, {name: state for state, name in map(str.split, lines[:count])}, lines[count:]


@pytest.fixture
def theirs(quick: Project, tmp_path: Path) -> Path:
    """The data and the results of another machine that has run the same commit."""
    for name in ("data", "results"):
        shutil.copytree(quick.folder / name, tmp_path / "theirs" / name)
    return tmp_path / "theirs"


def test_the_results_of_the_same_commit_are_the_same_in_every_artifact(quick: Project, theirs: Path) -> None:
    paths = list(artifacts(quick.folder))
    same, states, (last,) = check(quick, theirs)
    assert same
    assert list(states.items()) == [(path, "same") for path in paths]
    assert last == f"{len(paths)} of {len(paths)} artifacts in {theirs} have the bytes of dvc.lock."
    assert check(quick, theirs / "results")[1].keys() == {path for path in paths if path.startswith("results/")}
    same, states, (last,) = check(quick, theirs, own=Path())
    assert same
    assert states == dict.fromkeys(quick.artifacts(), "same")
    assert last.endswith("have the bytes of your own.")


def test_a_difference_in_one_case_is_named_and_explained_without_results_of_ones_own_being_trusted(
    quick: Project, theirs: Path
) -> None:
    """The other machine's case is the other case: a training that really differs."""
    shutil.rmtree(theirs / CASES / "single_fit")
    shutil.copytree(theirs / CASES / "loop_with_reset", theirs / CASES / "single_fit")
    (theirs / "results/verdict.md").unlink()
    (theirs / "results/replicates/1-1/errors.csv").write_text("other")
    files = {f"{CASES}/single_fit/{name}" for name in ("history.csv", "predictions.csv", "final.npz")}
    for own in (None, Path()):
        same, states, lines = check(quick, theirs, own)
        replicates = "results/replicates/1-1/errors.csv" if own else "results/replicates"
        assert not same
        assert {path for path, state in states.items() if state == "DIFFERENT"} == files | {replicates}
        assert {path for path, state in states.items() if state == "MISSING"} == {"results/verdict.md"}
        assert "; 4 DIFFERENT, 1 MISSING." in lines[0]
        explained = quick.run("carryover", "explain", f"{CASES}/single_fit", f"{CASES}/loop_with_reset").stdout
        assert lines[1].replace("single_fit", "different") == "\n".join(explained.splitlines()[:2])
        assert lines[2] == f"For every tensor: carryover explain {CASES}/CASE {theirs}/{CASES}/CASE"
    # What is compared is dvc.lock, whatever is in the folder; and that alone is explained.
    shutil.rmtree(quick.folder / CASES / "single_fit")
    shutil.copytree(theirs / CASES / "single_fit", quick.folder / CASES / "single_fit")
    _, states, lines = check(quick, theirs)
    assert {path for path, state in states.items() if path.startswith(CASES) and state == "DIFFERENT"} == files
    assert lines[1] == "single_fit: to see where it parts, get the results to compare it with: `carryover pull`"
    _, states, _ = check(quick, theirs, own=Path())
    assert {state for path, state in states.items() if path.startswith(CASES)} == {"same"}


def test_other_parameters_files_too_many_and_broken_files_are_named(quick: Project, theirs: Path) -> None:
    params = theirs / "results/params.yaml"
    params.write_text(params.read_text().replace("epochs: 3", "epochs: 2"))
    (theirs / CASES / "single_fit/final.npz").write_text("not an archive")
    extra = theirs / CASES / "another/history.csv"
    extra.parent.mkdir()
    extra.write_text("x")
    _, states, lines = check(quick, theirs, own=Path())
    assert states[f"{CASES}/another/history.csv"] == "EXTRA"
    assert "The other machine had other parameters: training.epochs=2." in lines
    assert [line for line in lines if line.startswith("single_fit: cannot be explained: ") and "final.npz" in line]
    assert f"{CASES}/another/history.csv" not in check(quick, theirs)[1]


def test_files_that_differ_only_in_their_form_are_told_from_a_training_that_differs(
    quick: Project, theirs: Path
) -> None:
    history = theirs / CASES / "single_fit/history.csv"
    history.write_bytes(history.read_bytes().replace(b"\n", b"\r\n"))
    _, states, lines = check(quick, theirs)
    assert states[f"{CASES}/single_fit/history.csv"] == "DIFFERENT"
    assert "single_fit: the files differ, but not their numbers" in lines


def test_the_command_has_the_status_of_the_answer_and_reports_errors_in_one_line(quick: Project, theirs: Path) -> None:
    assert quick.run("carryover", "check", "--against", str(theirs)).returncode == 0
    (theirs / "results/verdict.md").write_text("other")
    assert quick.run("carryover", "check", "--against", str(theirs), "--own").returncode == 1
    with chdir(quick.folder):
        for folder, reason in (("nowhere", "there is no such folder"), ("docs", "it has no folder results")):
            with pytest.raises(UserError, match=f"^{folder}: {reason}"):
                check_another_machine(Path(), Path(folder))
    lonely = quick.run("carryover", "check", "--own")
    assert (lonely.returncode, lonely.stdout) == (2, "")
    assert lonely.stderr == "error: --own is for --against, which names the results of another machine\n"
    shutil.rmtree(quick.folder / ".git")
    with chdir(quick.folder), pytest.raises(UserError, match=r"compare with your own results: --own$"):
        check_another_machine(Path(), theirs)
