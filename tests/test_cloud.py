"""Results in a storage: jobs that share nothing else, as pods of a cluster or on this machine."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bucket import s3_server
from helpers.engines import STEPS, planned_steps
from helpers.installed import build_wheel
from helpers.pods import PYTHON, Kubernetes
from helpers.project import ROOT, TWO_SHARDS, Project

from carryover.engines.storage import check_same_code, check_sent
from carryover.job.errors import UserError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync (Debian's package of that name)"),
    pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-cloud, which `make test` sets up"),
]

SNAKEMAKE = (str(PYTHON), "-m", "snakemake")
ON_CLUSTER = (*SNAKEMAKE, "--profile", "profiles/kubernetes", "--seconds-between-status-checks", "1", "--retries", "0")

IN_BOTH = {"results/params.yaml", "results/forecasts.csv"}
"""What comes to the machine of the main process at the end, and is in the storage too."""

FOR_YOU = IN_BOTH | {
    f"results/{name}" for name in ("losses.csv", "loss_diffs.csv", "metrics.json", "details.json", "verdict.md")
}
"""What comes to that machine at all, besides the figures."""


def with_plugins(project: Project) -> Project:
    """Return the project with the Snakemake that has the plugins."""
    return Project(project.folder, PYTHON)


def in_folder(store: Path) -> list[str]:
    return ["--default-storage-provider", "fs", "--default-storage-prefix", str(store)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Kubernetes]:
    with Kubernetes(tmp_path / "cluster") as kubernetes:
        yield kubernetes


def assert_all_there(expected: dict[str, bytes], project: Project, store: Path) -> None:
    """All bytes are as expected, and each artifact is in the storage, or in the folder of the run, or in both."""
    here, there = project.artifacts(), Project(store).artifacts()
    assert here | there == expected
    assert here.items() <= expected.items()
    assert here.keys() == {path for path in expected if path.startswith("results/figures/")} | FOR_YOU
    assert here.keys() & there.keys() == IN_BOTH


def test_jobs_that_share_only_a_storage_make_the_same_bytes_and_an_edit_reruns_what_it_affects(
    trained: Project, project: Project, cluster: Kubernetes, tmp_path: Path
) -> None:
    project.make_tiny(**TWO_SHARDS)
    project.commit("tiny")
    store = tmp_path / "store"
    done = project.run(*ON_CLUSTER, *in_folder(store), **cluster.environment)
    assert done.returncode == 0, done.stdout + done.stderr + cluster.logs()
    assert "the cases of this run, from one seed" in done.stdout  # the verdict
    assert len(cluster.pods) == 2 + 2 + 1, "two cases, two shards of replicates, and the forecasts"

    assert_all_there(trained.artifacts(), project, store)

    def planned() -> set[str]:
        done = with_plugins(project).run("snakemake", "--dry-run", "--nocolor", *in_folder(store))
        return planned_steps(done.stdout + done.stderr)

    assert planned() == set()
    script = project.folder / "workflow/scripts/score.py"
    script.touch()
    assert planned() == set()
    script.write_text(f"{script.read_text()}# edited\n")
    assert planned() == {"score", "compare", "render_figures"}
    module = project.folder / "src/carryover/training/behaviours.py"
    module.write_text(f"{module.read_text()}# edited\n")
    assert planned() == set(STEPS) - {"make_dataset"}


@pytest.mark.cluster
def test_a_bucket_works_like_a_folder(trained: Project, project: Project, cluster: Kubernetes, tmp_path: Path) -> None:
    project.make_tiny(**TWO_SHARDS)
    project.commit("tiny")
    keys = {f"SNAKEMAKE_STORAGE_S3_{name}_KEY": "testing" for name in ("ACCESS", "SECRET")}
    with s3_server() as client:
        bucket = ["--default-storage-prefix", "s3://bucket/path", "--storage-s3-endpoint-url", client.meta.endpoint_url]
        project(*ON_CLUSTER, *bucket, **keys, **cluster.environment)
        for item in client.list_objects_v2(Bucket="bucket", Prefix="path/")["Contents"]:
            path = tmp_path / item["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file("bucket", item["Key"], path)
    assert_all_there(trained.artifacts(), project, tmp_path / "path")


def test_results_that_this_folder_has_not_made_are_made_again(quick: Project, tmp_path: Path) -> None:
    quick = with_plugins(quick)
    store = tmp_path / "store"
    run = ["snakemake", "--cores", "2", *in_folder(store)]

    def planned(project: Project, *options: str) -> set[str]:
        done = project.run("snakemake", "--dry-run", "--nocolor", *in_folder(store), *options)
        assert done.returncode == 0, done.stderr
        return planned_steps(done.stdout + done.stderr)

    quick(*run)
    assert planned(quick) == set()
    # As after a run that was killed after its last job.
    forecasts = quick.folder / "results/forecasts.csv"
    forecasts.write_text("of an earlier run")
    (quick.folder / ".snakemake/unfinished/results").touch()
    quick(*run)
    assert forecasts.read_bytes() == (store / "results/forecasts.csv").read_bytes()
    verdict = quick.folder / "results/verdict.md"
    before = verdict.read_text()
    verdict.write_text("another")
    assert planned(quick) == {"compare"}
    quick(*run)
    assert verdict.read_text() == before
    # Another folder knows nothing of how they were made, and writes what this one has not made.
    other = with_plugins(Project(tmp_path / "other"))
    quick("git", "clone", "--quiet", ".", str(other.folder))
    epochs = ["--config", "training={epochs: 2}"]
    assert planned(other, *epochs) == set(STEPS)
    other(*run, *epochs)
    assert planned(other, *epochs) == set()
    assert planned(quick) == set(STEPS)


def test_a_file_of_the_user_is_not_written_over(quick: Project, tmp_path: Path) -> None:
    folders = ["--config", "folders={data: mine/data, results: mine/results}"]
    for name in ("metrics.json", "forecasts.csv"):
        file = quick.folder / "mine/results" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
        done = with_plugins(quick).run("snakemake", "--cores", "1", *in_folder(tmp_path / "store"), *folders)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(f"error: mine/results/{name}: in the way")
        assert file.read_text() == "mine"
        file.unlink()


@pytest.mark.parametrize(
    ("path", "added", "message"),
    [
        ("workflow/scripts/train.py", "import sys\nsys.exit('error: no luck')\n", "error: no luck"),
        # A pod has the modules that are installed in its image: here those of the working tree, without the comment.
        (
            "src/carryover/training/states.py",
            "# edited\n",
            "error: src/carryover/training/states.py: not as on the machine of this job; build its image again, see "
            "docs/cloud.md",
        ),
    ],
)
def test_why_a_job_has_failed_is_shown_although_its_log_is_not_on_this_machine(
    quick: Project, cluster: Kubernetes, tmp_path: Path, path: str, added: str, message: str
) -> None:
    file = quick.folder / path
    file.write_text(added + file.read_text())
    store = tmp_path / "store"
    only_train = ["--jobs", "1", "--until", "train", *in_folder(store)]
    done = quick.run(*ON_CLUSTER, *only_train, **cluster.environment)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()
    assert not list(store.glob("results/cases/*/*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["fs"], "--default-storage-prefix: give the whole path of a folder, such as /srv/carryover"),
        (["fs", "store"], "--default-storage-prefix: give the whole path of a folder, such as /srv/carryover"),
        (["s3", "bucket/path"], "--default-storage-prefix: bucket/path: must start with s3 (s3://...)"),
        (
            ["s3", "s3://bucket/path", "--storage-s3-endpoint-url", "http://127.0.0.1:9", "--storage-s3-retries", "1"],
            "s3://bucket/path: this storage cannot be used: Could not connect to the endpoint URL: "
            '"http://127.0.0.1:9/bucket/path/written_by.txt"; check the address and your keys',
        ),
        (
            ["fs", "/dev/null/store"],
            "/dev/null/store: this storage cannot be used: [Errno 20] Not a directory: '/dev/null/store'; check the "
            "address and your keys",
        ),
    ],
)
def test_a_storage_that_cannot_be_used_is_reported_in_one_line_before_anything_runs(
    quick: Project, options: list[str], message: str
) -> None:
    before = quick.artifacts()
    kind, *rest = options
    prefix = ["--default-storage-prefix", *rest] if rest else []
    keys = {f"SNAKEMAKE_STORAGE_S3_{key}_KEY": "none" for key in ("ACCESS", "SECRET")}
    done = quick.run(*SNAKEMAKE, "--cores", "1", "--default-storage-provider", kind, *prefix, **keys)
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, [f"error: {message}"])
    assert quick.artifacts() == before


def test_what_the_jobs_would_not_get_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)

    def refused() -> str:
        with pytest.raises(UserError) as error:
            check_sent(project.params())
        return str(error.value)

    check_sent(project.params())
    Path("src/carryover/series/mine.py").write_text("")
    assert refused() == "src/carryover/series/mine.py: git does not track it, so the jobs would not get it; run git add"
    Path(".gitignore").write_text("mine.py\n")
    assert refused().startswith("src/carryover/series/mine.py: git does not track it")
    Path(".gitignore").unlink()
    project.commit("mine")
    Path("README.md").unlink()
    assert refused() == "README.md: git tracks it, and it is not there; run git restore, or git rm"
    shutil.rmtree(".git")
    assert "not a git repository" in refused()
    monkeypatch.chdir(project.folder.parent)
    assert refused().startswith("results in a storage need a clone of the project")


def test_without_rsync_a_folder_is_no_storage(quick: Project, tmp_path: Path) -> None:
    for program in ("which", "git", "sh"):
        found = shutil.which(program)
        assert found
        (tmp_path / program).symlink_to(found)
    done = quick.run(*SNAKEMAKE, "--dry-run", *in_folder(tmp_path / "store"), PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: the storage fs needs the program rsync")


def test_a_machine_with_another_file_of_the_package_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    check_same_code()
    for path in ("requirements.lock", "src/carryover/home/.keras/keras.json"):
        before = Path(path).read_text()
        Path(path).write_text(f"{before}\n")
        with pytest.raises(UserError, match=f"{re.escape(path)}: not as on the machine of this job"):
            check_same_code()
        Path(path).write_text(before)


def test_the_image_is_made_of_files_that_suffice_for_the_package(tmp_path: Path) -> None:
    """What the Dockerfile copies is what .dockerignore lets through; no machine of ours can build the image."""
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    copies = re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    copied = " ".join(copies).split()
    for path in sent:
        assert any(path == name or path.startswith(f"{name}/") for name in copied), path
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile)(ROOT / path, tmp_path / path)
    assert all((tmp_path / path).exists() for path in copied)
    names = zipfile.ZipFile(build_wheel(tmp_path, tmp_path / "wheel")).namelist()
    assert {"carryover/own_files/Snakefile", "carryover/own_files/workflow/scripts/train.py"} <= set(names)
