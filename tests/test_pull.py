"""`carryover pull` and docs/team.md: results from a remote, which both engines then trust; nothing is lost on the way.

The stand-ins take over for the slow scripts: what is under test is what becomes of the files.
"""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import lock_repo
from helpers.bucket import KEYS, s3_server
from helpers.once import Once
from helpers.project import ROOT, Project

from carryover.engines.dvc_project import open_repo
from carryover.engines.remote import pull
from carryover.engines.run import take_locks
from carryover.job.errors import UserError

pytestmark = pytest.mark.slow

BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "docs/team.md").read_text(), flags=re.DOTALL)
SHARE, PULL, EXPERIMENT, TAKE_OVER = BLOCKS[:4]
"""The commands of the page: to share results, to pull them, to share an experiment, to take it over."""

CASE = "results/cases/single_fit/history.csv"
REPLICATES = "results/replicates/1-1/errors.csv"
VERDICT = "results/verdict.md"
"""The first two are in DVC's cache, the second in a folder that DVC has as one; git has the third."""


def run_block(project: Project, block: str, *replacements: tuple[str, str]) -> None:
    """Run commands of the page, apart from some replacements."""
    for old, new in replacements:
        assert old in block
        block = block.replace(old, new)
    project("bash", "-ec", block)


@pytest.fixture(scope="module")
def pushed(once: Once, stood_in: Project) -> Project:
    """A run whose results are in the folder `remote` beside it. It is for cloning."""

    def make(folder: Path) -> None:
        folder.mkdir()
        project = stood_in.copy(folder / "project")
        run_block(project, SHARE, ("/srv/carryover", shlex.quote(str(folder / "remote"))))

    return Project(once("pushed", make) / "project")


@pytest.fixture
def clone(pushed: Project, tmp_path: Path) -> Project:
    """A fresh clone of it, with a copy of the remote beside it."""
    clone = Project(tmp_path / "clone")
    pushed("git", "clone", "--quiet", ".", str(clone.folder))
    shutil.copytree(pushed.folder.with_name("remote"), tmp_path / "remote")
    use(clone, str(tmp_path / "remote"))
    return clone


def use(project: Project, url: str) -> None:
    """Let the remote of a project be another one, on this machine only."""
    (project.folder / ".dvc/config.local").write_text(f"['remote \"team\"']\n    url = {url}\n")


def refused(project: Project, name: str | None = None) -> str:
    """Return the one line that says why nothing is pulled; no result may have changed."""
    before = project.artifacts()
    with chdir(project.folder), pytest.raises(UserError) as error:
        pull(Path(), name)
    assert project.artifacts() == before
    assert "\n" not in str(error.value)
    return str(error.value)


def stored(project: Project, path: str) -> str:
    """Return the place of a result in a remote, below its folder."""
    lock = (project.folder / "dvc.lock").read_text()
    (digest,) = set(re.findall(rf"- path: {re.escape(path)}\n +hash: md5\n +md5: (\S+)", lock))
    return f"files/md5/{digest[:2]}/{digest[2:]}"


# ---- a remote that has everything


def assert_pulled(clone: Project, project: Project) -> None:
    assert clone.artifacts() == project.artifacts()
    clone.assert_snakemake_is_content()
    clone.assert_dvc_is_content()
    assert clone("git", "status", "--porcelain") == ""


def test_a_fresh_clone_has_everything_after_a_pull_and_nothing_is_left_to_run(clone: Project, pushed: Project) -> None:
    commands = PULL.splitlines()
    assert commands[-1] == "carryover pull"
    done = clone.run(*shlex.split(commands[-1]))
    assert done.stdout == "35 results match dvc.lock (17 files fetched); there is nothing left to run.\n"
    assert done.stderr == ""
    assert_pulled(clone, pushed)
    # The rest needs no remote, because everything is in DVC's cache.
    use(clone, "/nowhere")
    (clone.folder / CASE).unlink()
    with chdir(clone.folder):
        pull(Path())
    assert clone.artifacts() == pushed.artifacts()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an S3 server on this machine, whose keys are in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as client:
        yield client


def test_a_bucket_works_like_a_folder_and_a_damaged_file_in_it_is_not_taken(
    pushed: Project, clone: Project, s3: Any, tmp_path: Path
) -> None:
    own = pushed.copy(tmp_path / "own")
    for project in (own, clone):
        use(project, f"s3://bucket/path\n    endpointurl = {s3.meta.endpoint_url}")
    assert "there is nothing at s3://bucket/path" in refused(clone)
    own("dvc", "push", **KEYS)
    content = (own.folder / CASE).read_bytes()
    place = {"Bucket": "bucket", "Key": f"path/{stored(own, CASE)}"}
    s3.put_object(**place, Body=b"x" * len(content))
    assert f"{CASE} of this commit missing or damaged there" in refused(clone)
    s3.put_object(**place, Body=content)
    clone("carryover", "pull", **KEYS)
    assert clone.artifacts() == own.artifacts()


@pytest.mark.long
def test_an_experiment_is_shared_and_taken_over_by_the_commands_of_the_page(pushed: Project, tmp_path: Path) -> None:
    server, mine, theirs = tmp_path / "server", Project(tmp_path / "mine"), Project(tmp_path / "theirs")
    pushed("git", "clone", "--quiet", "--bare", ".", str(server))
    for project in (mine, theirs):
        pushed("git", "clone", "--quiet", str(server), str(project.folder))
        project("dvc", "pull")
    # Other claims run fewer steps than other epochs.
    run_block(mine, EXPERIMENT, ("training.epochs=140", "claims.different=[]"))
    run_block(theirs, TAKE_OVER)
    assert theirs.params()["claims"]["different"] == []
    theirs.assert_dvc_is_content()
    theirs.assert_snakemake_is_content()
    run_block(theirs, "git restore . && dvc checkout")
    assert_pulled(theirs, pushed)


# ---- what is refused


def test_a_remote_that_is_not_there_is_named_with_what_to_do(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(clone, "tema").startswith("there is no remote tema; did you mean team?")
    use(clone, "/nowhere")
    assert refused(clone).startswith("remote team: there is nothing at /nowhere; see whether the address is right")
    use(clone, "azure://container/path")  # a kind of remote whose package is not in requirements.lock
    assert "this remote cannot be reached" in (message := refused(clone))
    assert "dvc-azure" in message
    for name, value in {**KEYS, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    use(clone, "s3://bucket/path\n    endpointurl = http://127.0.0.1:9")
    assert refused(clone).startswith("s3://bucket/path: this remote cannot be reached: Could not connect to")
    clone("dvc", "config", "--unset", "core.remote")
    assert refused(clone).startswith("no remote is the default one; name one: --remote team")
    clone("git", "rm", "--quiet", "-f", ".dvc/config")
    (clone.folder / ".dvc/config.local").unlink()
    assert refused(clone).startswith("there is no remote; docs/team.md shows how to set one up")


def test_a_remote_without_some_results_and_one_to_which_nothing_was_pushed_are_told_apart(clone: Project) -> None:
    remote = clone.folder.with_name("remote")
    (remote / stored(clone, CASE)).unlink()
    (remote / stored(clone, "results/replicates")).unlink()
    message = refused(clone)
    assert f"{CASE}, results/replicates of this commit missing or damaged there; ask whoever" in message
    assert not (clone.folder / "data/initial_weights.npz").exists()  # all or nothing
    shutil.rmtree(remote / "files")
    shutil.rmtree(clone.folder / ".dvc/cache")
    assert "all results of this commit missing" in refused(clone)


def edit(project: Project, path: str, end: str = "# edited\n") -> None:
    with (project.folder / path).open("a") as file:
        file.write(end)


def test_results_are_pulled_only_for_the_parameters_and_the_code_that_they_were_made_from(clone: Project) -> None:
    for path, named in (
        ("params.yaml", "params.yaml"),
        ("src/carryover/training/model.py", "src/carryover/training"),
        ("data/reference/tiny.npz", "data/reference"),
    ):
        edit(clone, path)
        assert refused(clone).startswith(
            f"{named}: not what the results of dvc.lock were made from; go back to that by"
        )
        clone("git", "restore", path)
    params = clone.params()
    params["cases"]["another"] = params["cases"]["single_fit"]
    clone.write_params(params)
    assert refused(clone).startswith("params.yaml: not what")


def test_no_result_is_lost_that_is_not_in_dvc_lock_or_dvcs_cache(clone: Project, pushed: Project) -> None:
    clone("dvc", "pull")
    for path in (CASE, REPLICATES):
        edit(clone, path)
    (clone.folder / "results/replicates/mine.csv").write_text("mine")
    message = refused(clone)
    assert message.startswith(
        f"{CASE}, results/replicates/mine.csv, {REPLICATES}: neither in dvc.lock nor in DVC's cache"
    )
    for path in (CASE, REPLICATES, "results/replicates/mine.csv"):
        (clone.folder / path).unlink()
    edit(clone, VERDICT)
    assert refused(clone).startswith(f"{VERDICT}: not what dvc.lock has; keep a copy if you need one, then run")
    (clone.folder / VERDICT).unlink()
    restore = re.search("`(.*)`", refused(clone))
    assert restore
    clone(*shlex.split(restore[1]))
    # What the cache has is no loss: the result of another commit, for example.
    shutil.copyfile(clone.folder / "results/params.yaml", clone.folder / CASE)
    with chdir(clone.folder):
        pull(Path())
    assert clone.artifacts() == pushed.artifacts()


def test_what_snakemake_would_make_again_all_the_same_is_not_called_content(clone: Project) -> None:
    edit(clone, "profiles/default/profile.yaml", "\nforceall: true\n")
    with chdir(clone.folder), pytest.raises(UserError, match="Snakemake would make some again"):
        pull(Path())


def test_nothing_is_pulled_while_another_program_works_in_the_folder(clone: Project) -> None:
    with chdir(clone.folder):
        locks = take_locks(clone.params())
    assert locks
    with locks:
        assert refused(clone) == "a run of Snakemake writes into this folder; wait until it has ended"
    with open_repo(clone.folder) as repo, lock_repo(repo):
        assert refused(clone) == "another process of DVC works in this folder; wait until it has ended"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: shutil.rmtree(folder / ".git"), "not a git repository, which DVC needs; run this in a clone"),
        (lambda folder: (folder / "dvc.lock").unlink(), "dvc.lock: missing; run `git restore dvc.lock`"),
        (lambda folder: (folder / "dvc.lock").write_text("schema:"), "dvc.lock: damaged"),
    ],
)
def test_without_git_or_dvc_lock_nothing_is_pulled(
    clone: Project, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(clone.folder)
    done = clone.run("carryover", "pull")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
