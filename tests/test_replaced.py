"""No engine trusts a result that something else has put in the place of its own; Snakemake trusts what dvc.lock has.

The stand-ins take over for the slow scripts: what is under test is what the engines make of the files that they find.
"""

import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from helpers.engines import planned_steps
from helpers.project import ENGINES, Project
from snakemake.persistence.file import FilePersistence

from carryover.engines import replaced

ALL = {
    "check_params", "make_dataset", "make_initial_weights", "train", "train_replicates", "score", "compare",
    "render_figures",
}  # fmt: skip


def dry_run(project: Project, *options: str) -> set[str]:
    done = project.run("snakemake", "--dry-run", "--nocolor", *options)
    assert done.returncode == 0, done.stderr
    return planned_steps(done.stdout + done.stderr)


def with_other_noise(project: Project) -> None:
    """Change a parameter, and let DVC make what depends on it."""
    params = project.params()
    params["dataset"]["seed"] += 1
    project.write_params(params)
    project("dvc", "repro")


def back_by_checkout(project: Project) -> None:
    project.commit("other noise")
    project("git", "checkout", "--quiet", "HEAD~1")


def back_by_restore(project: Project) -> None:
    project("git", "restore", ".")


@pytest.mark.slow
@pytest.mark.parametrize("back", [back_by_checkout, back_by_restore])
def test_going_back_in_git_after_dvc_has_run_makes_the_results_of_that_commit_again(
    quick: Project, back: Callable[[Project], None]
) -> None:
    """As in docs/pipeline.md, "Compare two commits": git brings back the parameters, not what is in DVC's cache."""
    before = quick.artifacts()
    with_other_noise(quick)
    back(quick)
    assert quick.artifacts() != before
    assert dry_run(quick) == ALL
    done = quick.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert "note: made again, because something has replaced them since Snakemake made them: data/noisy" in done.stderr
    assert quick.artifacts() == before
    quick.assert_snakemake_is_content()
    quick.assert_dvc_is_content()


@pytest.mark.slow
def test_dvc_checkout_brings_the_results_of_a_commit_back_and_nothing_is_made_again(quick: Project) -> None:
    before = quick.artifacts()
    with_other_noise(quick)
    back_by_checkout(quick)
    assert dry_run(quick)  # which must leave nothing behind that outlives the next command
    quick("dvc", "checkout")
    assert quick.artifacts() == before
    quick.assert_snakemake_is_content()


@pytest.mark.slow
def test_an_experiment_that_dvc_applies_is_trusted_and_its_files_with_other_parameters_are_not(quick: Project) -> None:
    quick("dvc", "exp", "run", "--temp", "--name", "other", "--set-param", "dataset.seed=8")
    quick("dvc", "exp", "apply", "other")
    quick.assert_snakemake_is_content()
    quick("git", "restore", "params.yaml")
    assert "train" in dry_run(quick)


def hand_edit(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def replace_by_an_older_file(path: Path) -> None:
    hand_edit(path)
    os.utime(path, (1e9, 1e9))


REPLACED = {
    "data/noisy_sine.csv": "make_dataset",
    "data/initial_weights.npz": "make_initial_weights",
    "results/params.yaml": "check_params",
    "results/cases/single_fit/history.csv": "train",
    "results/replicates/1-1/errors.csv": "train_replicates",
    "results/forecasts.csv": "score",
    "results/verdict.md": "compare",
    "results/figures/losses.png": "render_figures",
}
"""A file of each step, and the step."""


def distrusted(project: Project) -> set[str]:
    """Return the results that a run of Snakemake would not trust, as it finds them while it parses the Snakefile."""
    outputs = [path for path in project.artifacts() if not path.startswith("data/reference")]
    replaced._status.cache_clear()  # a run has one look at each file
    replaced._sha256.cache_clear()
    with chdir(project.folder):
        replaced.distrust_replaced(outputs, project.params())
        records = FilePersistence(nolock=True)
        marked = set(filter(records._filter_incomplete_keys(outputs).__contains__, outputs))
        for path in marked:
            records._unmark_incomplete(path)
    return marked


@pytest.mark.slow
@pytest.mark.parametrize("maker", ["snakemake", "dvc"])
def test_a_replaced_result_is_not_trusted_whatever_its_time(quick: Project, maker: str) -> None:
    quick(*ENGINES[maker], "--forceall" if maker == "snakemake" else "--force")
    assert distrusted(quick) == set()
    for path in map(quick.folder.joinpath, REPLACED):
        before, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        for replace in (hand_edit, replace_by_an_older_file):
            replace(path)
            found = distrusted(quick)
            # DVC compares all that a stage reads and writes; Snakemake plans by itself what reads a newer file.
            name = str(path.relative_to(quick.folder))
            assert name in found if maker == "dvc" or replace is replace_by_an_older_file else found == {name}
            path.write_bytes(before)
            os.utime(path, ns=times)
    assert distrusted(quick) == set()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_replaced_results_are_made_again(quick: Project, engine: str) -> None:
    assert set(REPLACED.values()) == ALL
    before = quick.artifacts()
    for path in REPLACED:
        hand_edit(quick.folder / path)
    quick(*ENGINES[engine])
    assert quick.artifacts() == before


@pytest.mark.slow
@pytest.mark.parametrize("path", ["src/carryover/training/model.py", "data/reference/tiny.npz"])
def test_an_input_that_is_replaced_by_an_older_file_counts_as_changed(quick: Project, path: str) -> None:
    replace_by_an_older_file(quick.folder / path)
    assert "make_initial_weights" in dry_run(quick)


@pytest.mark.slow
def test_what_dvc_has_made_or_pulled_is_trusted_for_these_parameters_only(quick: Project, tmp_path: Path) -> None:
    with_other_noise(quick)
    quick.assert_snakemake_is_content()
    quick.commit("other noise")
    clone = Project(tmp_path / "clone")
    quick("git", "clone", "--quiet", ".", str(clone.folder))
    clone("dvc", "config", "--local", "cache.dir", str(quick.folder / ".dvc/cache"))
    assert dry_run(clone) == ALL  # nothing is there yet but what git has
    clone("dvc", "checkout")
    clone.assert_snakemake_is_content()
    planned = dry_run(clone, "--config", "training={epochs: 2}")
    assert planned == ALL - {"make_dataset", "make_initial_weights"}
    clone.assert_snakemake_is_content()
    hand_edit(clone.folder / "results/cases/single_fit/history.csv")
    assert dry_run(clone) == {"train", "score", "compare", "render_figures"}


@pytest.mark.slow
def test_results_that_are_swapped_or_edited_without_a_change_of_their_time_are_not_trusted(quick: Project) -> None:
    quick("snakemake", "--cores", "2", "--forceall")
    before = quick.artifacts()
    figures = [quick.folder / f"results/figures/{name}.png" for name in ("losses", "equality")]
    edited = quick.folder / "results/cases/single_fit/predictions.csv"
    figures[0].rename(quick.folder / "other")
    figures[1].rename(figures[0])
    (quick.folder / "other").rename(figures[1])
    status = edited.stat()
    edited.write_text(edited.read_text().replace("0.", "1.", 1))
    os.utime(edited, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert distrusted(quick) >= {str(path.relative_to(quick.folder)) for path in [*figures, edited]}
    quick("snakemake", "--cores", "2")
    assert quick.artifacts() == before


@pytest.mark.slow
def test_results_of_other_parameters_that_dvc_was_made_to_commit_are_not_trusted(quick: Project) -> None:
    before = quick.artifacts()
    done = quick.run("snakemake", "--cores", "2", "--config", "training={epochs: 2}")
    assert "note: these results are not of the parameters in params.yaml, so DVC does not record them" in done.stderr
    quick("dvc", "commit", "--force")
    assert "train" in dry_run(quick)
    quick("snakemake", "--cores", "2")
    assert quick.artifacts() == before


@pytest.mark.slow
def test_an_edit_that_is_taken_back_reruns_nothing_if_dvc_lock_has_the_results(quick: Project) -> None:
    module = quick.folder / "src/carryover/training/model.py"
    text = module.read_text()
    module.write_text(f"{text}# edited\n")
    quick("snakemake", "--cores", "2")
    module.write_text(text)
    quick.assert_dvc_is_content()
    quick.assert_snakemake_is_content()


@pytest.mark.slow
def test_files_of_the_users_own_in_a_folder_of_results_are_neither_written_over_nor_removed(quick: Project) -> None:
    folders = ["--config", "folders={data: mine/d, results: mine/r}"]
    for name in ("mine/r/cases/my_own/history.csv", "mine/r/losses.csv", "mine/d/noisy_sine.csv"):
        mine = quick.folder / name
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text("mine")
        done = quick.run("snakemake", "--cores", "2", *folders)
        assert done.returncode == 1
        assert f"error: {name}: in the way: this run would write over it or remove it" in done.stderr
        assert mine.read_text() == "mine"
        mine.unlink()
    file = quick.folder / "mine/r/verdict.md"
    file.write_text("folders: {data: mine/d, results: mine/r}\n")
    done = quick.run("snakemake", "--cores", "2", "--configfile", "mine/r/verdict.md")
    assert done.returncode == 1
    assert "error: mine/r/verdict.md: the run would write over this --configfile; rename it" in done.stderr
    file.unlink()
    quick("snakemake", "--cores", "2", *folders)
    # Now they are the results of an earlier run.
    quick("snakemake", "--cores", "2", "--config", "folders={data: mine/d, results: mine/r}", "training={epochs: 2}")


@pytest.mark.slow
def test_a_part_of_dvc_lock_is_reported_with_what_to_do(quick: Project) -> None:
    """Some parts are valid YAML, which DVC takes for the whole."""
    message = "dvc.lock: damaged, perhaps because DVC was killed while it wrote it; run `git restore dvc.lock`"
    lock = quick.folder / "dvc.lock"
    text = lock.read_text()
    for share in (0.3, 0.5, 0.9):
        lock.write_text(text[: int(len(text) * share)])
        refused = quick.run("snakemake", "--cores", "2")
        assert refused.returncode == 1
        assert refused.stderr.splitlines()[-1] == f"error: {message}"
    lock.write_text(f"<<<<<<< HEAD\n{text}=======\n>>>>>>> other\n")
    assert "error: dvc.lock: has a merge conflict; run" in quick.run("snakemake", "--cores", "2").stderr
    # Where Snakemake has made everything itself, the run does not need the file, and says so at its end.
    lock.write_text(text)
    quick("snakemake", "--cores", "2", "--forceall")
    lock.write_text(text[: len(text) // 2])
    noted = quick.run("snakemake", "--cores", "2", "--forcerun", "compare")
    assert noted.returncode == 0
    assert f"note: the results are complete, but not in DVC's cache: {message}" in noted.stderr
    quick("git", "restore", "dvc.lock")
    quick("snakemake", "--cores", "2")
    quick.assert_dvc_is_content()
