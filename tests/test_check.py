"""`carryover check`: does this machine compute the committed bytes?"""

from typing import Any

import pytest
from conftest import TINY, Project

from carryover.engines.this_machine import artifacts, cpu


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project whose artifacts are made and committed."""
    project = Project(tmp_path_factory.mktemp("check") / "project")
    cases = {"single_fit": project.params()["cases"]["single_fit"]}
    claims: dict[str, Any] = {"identical": [], "different": []}
    replicates = TINY["replicates"] | {"count": 1, "behaviours": ["never"]}
    project.write_params(
        project.params() | TINY | {"cases": cases, "claims": claims, "replicates": replicates},
    )
    project("dvc", "repro")
    project.commit("made")
    return project


def tracked(project: Project) -> set[str]:
    """The artifacts as DVC tracks them: the replicates as one folder."""
    return {"results/replicates" if path.startswith("results/replicates/") else path for path in project.artifacts()}


@pytest.mark.slow
def test_the_committed_bytes_are_made_anew_and_each_artifact_is_named(committed: Project) -> None:
    (committed.folder / "results/verdict.md").write_text("not of the commit, and not looked at")
    done = committed.run("carryover", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    paths = list(artifacts(committed.folder))
    assert set(paths) == tracked(committed)
    assert lines[1:-1] == [f"same       {path}" for path in paths]
    assert f"{len(paths)} of {len(paths)} artifacts have the bytes of dvc.lock" in lines[-1]
    assert cpu() in lines[-1]
    committed("git", "restore", ".")
    assert committed("git", "status", "--porcelain", "--ignored", "check") == ""


@pytest.mark.slow
def test_what_differs_is_named_and_kept_with_what_to_send(committed: Project) -> None:
    params = committed.params()
    params["dataset"]["noise"] = 0.2
    committed.write_params(params)
    committed.commit("other parameters, without what they make")
    done = committed.run("carryover", "check")
    committed("git", "reset", "--quiet", "--hard", "HEAD~1")
    assert done.returncode == 1, done.stdout + done.stderr
    # With one case there is nothing to be compared, whatever its numbers.
    same = {"data/initial_weights.npz", "data/noisy_sine_scales.csv", "results/loss_diffs.csv"}
    same |= {"data/noisy_sine_held_out.csv", "results/forecasts.csv"}  # nothing is held out
    names = ("equality", "loss_differences", "forecasts")
    same |= {f"results/figures/{name}.{kind}" for name in names for kind in ("svg", "png")}
    differ = tracked(committed) - same
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("DIFFERENT")} == differ
    assert f"{len(same)} of {len(same | differ)} artifacts have the bytes of dvc.lock" in done.stdout
    assert cpu() in done.stdout
    assert "Please open an issue with these lines and an archive of the folder check/" in done.stdout
    kept = committed.folder / "check"
    files = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
    assert files == differ - {"results/replicates"} | {"results/replicates/never/1-1.csv"}
    assert committed("git", "status", "--porcelain") == ""

    explained = committed.run("carryover", "explain", "results/cases/single_fit", "check/results/cases/single_fit")
    assert explained.returncode == 1
    assert explained.stdout.startswith("different: they part at epoch 1 (states, loss, weights, optimizer)\n")


@pytest.mark.slow
def test_what_cannot_be_checked_is_told_in_one_line_with_status_2(committed: Project) -> None:
    module = committed.folder / "src/carryover/model.py"
    text = module.read_text()
    module.write_text(f"{text}# edited\n")
    edited = committed.run("carryover", "check")
    module.write_text(text)
    assert (edited.returncode, edited.stdout) == (2, "")
    assert edited.stderr == (
        "error: src/carryover/model.py: edited, and the check would run the edited code; commit or stash it first\n"
    )
