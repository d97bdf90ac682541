"""`carryover check`: does this machine compute the committed bytes?

The stand-ins take over for the slow scripts: what is under test is what the command makes of the bytes.
"""

import os
import platform
import subprocess
from pathlib import Path

import pytest
from helpers.project import ROOT, Project

from carryover.engines import this_machine
from carryover.engines.this_machine import artifacts, check_this_machine, cpu
from carryover.job.errors import UserError
from carryover.replicates.results import SHARD_FILES


def tracked(project: Project) -> set[str]:
    """The artifacts as DVC tracks them: the replicates as one folder."""
    return {"results/replicates" if path.startswith("results/replicates/") else path for path in project.artifacts()}


@pytest.mark.slow
def test_the_committed_bytes_are_made_again_and_each_artifact_is_named(quick: Project) -> None:
    (quick.folder / "results/verdict.md").write_text("not of the commit, and not looked at")
    done = quick.run("carryover", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    paths = list(artifacts(quick.folder))
    assert set(paths) == tracked(quick)
    assert lines[1:-1] == [f"same       {path}" for path in paths]
    assert f"{len(paths)} of {len(paths)} artifacts have the bytes of dvc.lock" in lines[-1]
    assert cpu() in lines[-1]
    quick("git", "restore", ".")
    assert quick("git", "status", "--porcelain", "--ignored", "check") == ""


@pytest.mark.slow
def test_what_differs_is_named_and_kept_with_what_to_send(quick: Project) -> None:
    params = quick.params()
    params["training"]["loss"] = "mae"
    quick.write_params(params)
    quick.commit("other parameters, without what they make")
    done = quick.run("carryover", "check")
    quick("git", "reset", "--quiet", "--hard", "HEAD~1")
    assert done.returncode == 1, done.stdout + done.stderr
    # The series, the weights that training starts from, and which trainings there are do not depend on its loss.
    parts = (".csv", "_held_out.csv", "_scales.csv", "_notes.json", "_times.csv")
    same = {"data/initial_weights.npz", "results/trainings.yaml", *(f"data/noisy_sine{part}" for part in parts)}
    differ = tracked(quick) - same
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("DIFFERENT")} == differ
    assert f"{len(same)} of {len(same | differ)} artifacts have the bytes of dvc.lock" in done.stdout
    assert cpu() in done.stdout
    assert "Please open an issue with these lines and an archive of the folder check/" in done.stdout
    kept = quick.folder / "check"
    files = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
    shard = {f"results/replicates/1-1/{file}" for file in SHARD_FILES}
    assert files == differ - {"results/replicates"} | shard
    assert quick("git", "status", "--porcelain") == ""

    explained = quick.run("carryover", "explain", "results/cases/single_fit", "check/results/cases/single_fit")
    assert explained.returncode == 1
    assert explained.stdout.startswith("different: they part at epoch 1 (states, loss, weights, optimizer)\n")


@pytest.mark.slow
def test_what_cannot_be_checked_is_reported_in_one_line_with_status_2(quick: Project) -> None:
    module = quick.folder / "src/carryover/training/model.py"
    text = module.read_text()
    module.write_text(f"{text}# edited\n")
    edited = quick.run("carryover", "check")
    module.write_text(text)
    assert (edited.returncode, edited.stdout) == (2, "")
    path, reason = "src/carryover/training/model.py", "edited, and the check would run the edited code"
    assert edited.stderr == f"error: {path}: {reason}; commit or stash it first\n"


@pytest.mark.slow
def test_a_downloaded_archive_runs_and_is_checked_without_git(quick: Project, tmp_path: Path) -> None:
    """What a code host gives as a ZIP file: the files of a commit and no history, here in a folder with a space."""
    archive = Project(tmp_path / "Carryover main")
    archive.folder.mkdir()
    quick("git", "archive", "--output", "archive.tar", "HEAD")
    archive("tar", "xf", str(quick.folder / "archive.tar"))
    done = archive.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert archive.artifacts() == quick.artifacts()
    assert "note" not in done.stderr
    archive.assert_snakemake_is_content()

    checked = archive.run("carryover", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    count = len(tracked(quick))
    assert f"{count} of {count} artifacts have the bytes of dvc.lock (this folder, without git, " in checked.stdout

    module = archive.folder / "src/carryover/training/model.py"
    module.write_text(f"{module.read_text()}# edited\n")
    edited = archive.run("carryover", "check")
    assert (edited.returncode, edited.stdout) == (2, "")
    assert edited.stderr.startswith("error: src/carryover/training: edited since dvc.lock was written")
    assert edited.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_part_of_a_committed_dvc_lock_is_named(quick: Project) -> None:
    lock = quick.folder / "dvc.lock"
    lock.write_text(lock.read_text()[:-30])
    quick.commit("half a lock")
    done = quick.run("carryover", "check")
    assert done.returncode == 2
    assert done.stderr == (
        "error: dvc.lock: damaged, perhaps because DVC was killed while it wrote it; run `git restore dvc.lock`\n"
    )


@pytest.mark.parametrize(
    ("system", "machine", "said"),
    [
        ("Linux", "x86_64", ""),
        ("Linux", "aarch64", "note: on Linux aarch64 the pipeline runs, but not to the committed bytes, which are"),
        ("Darwin", "arm64", "note: on Darwin arm64 the pipeline runs, but not to the committed bytes, which are"),
        ("Darwin", "x86_64", "error: TensorFlow has no package for Darwin x86_64; use Linux on x86-64 or ARM, a Mac"),
        ("MINGW64_NT-10.0", "x86_64", "error: TensorFlow has no package for MINGW64_NT-10.0 x86_64; use Linux on x86"),
    ],
)
def test_the_set_up_says_in_one_line_what_a_machine_can_do(
    tmp_path: Path, system: str, machine: str, said: str
) -> None:
    """Before it installs anything."""
    (tmp_path / "uname").write_text(f"#!/bin/sh\ncase $1 in -s) echo {system};; -m) echo {machine};; esac\n")
    (tmp_path / "uname").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "machine"], cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert (done.returncode == 0) == (not said.startswith("error"))
    lines = (done.stdout + done.stderr).splitlines()
    own = [line for line in lines if not line.startswith("make")]
    assert len(own) == bool(said)
    assert all(line.startswith(said) for line in own)
    recipe = (ROOT / "Makefile").read_text().split("\n.venv/ready:")[1].split("\n\n")[0]
    assert recipe.index("machine") < recipe.index("pip install")


def test_the_check_says_where_bytes_are_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(folder: Path) -> None:
        raise UserError("as far as this test goes")

    monkeypatch.setattr(this_machine, "_run_pipeline", stop)
    monkeypatch.setattr(this_machine, "git", lambda folder, *words: "" if words[0] == "diff" else copy(words[-1]))

    def copy(folder: str) -> str:
        Project.new(Path(folder))
        return ""

    said: list[object] = []
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(UserError, match="as far as this test goes"):
        check_this_machine(ROOT, said.append)
    note = "note: the bytes are promised for Linux on x86-64 only, and this is Linux on aarch64"
    assert said[0] == note
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(UserError, match="as far as this test goes"):
        check_this_machine(ROOT, said.append)
    assert said.count(note) == 1
