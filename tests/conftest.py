"""The fixtures that the tests share, and the environment in which they run: that of a job."""

import gc
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.browser import Browser
from helpers.once import Once
from helpers.project import CALLER, ONE_SHARD, PASSED_ON, ROOT, TWO_SHARDS, Project
from hypothesis import settings

from carryover.job.hermetic import environment

assert Path(__file__).parents[1] == ROOT

collect_ignore = ["every_backend"]
"""What tests/test_backends.py runs in other processes, each with another backend of Keras."""

# Tests that train in this process do it as a job does. This comes before anything imports NumPy or TensorFlow.
# The workers of pytest-xdist start with this environment, so they are given that of the caller apart from it.
os.environ.update({name: value for name, value in environment(CALLER).items() if name != "PATH"})
os.environ[PASSED_ON] = json.dumps(CALLER)
assert CALLER.get("HOME") != os.environ["HOME"], "what the tests start would have the environment of a job"

settings.register_profile("carryover", deadline=None)  # a machine that is busy is no mistake
settings.load_profile("carryover")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests with the longest wait first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: "emulated" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on TensorFlow configured as in a job; only the tests that ask for it wait for its import."""
    from carryover.job.portable import configure_tensorflow

    configure_tensorflow()
    import keras

    gc.collect()
    gc.freeze()  # as a job does: searching the million objects of TensorFlow for garbage takes a quarter of the time
    return keras


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """What makes something once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return Once(base if worker_id == "master" else base.parent)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the project, as it is."""
    return Project.new(tmp_path / "project")


def make_tiny(folder: Path, stand_ins: bool, **changes: Any) -> Project:
    """A tiny run, made by Snakemake, known to DVC, and committed."""
    project = Project.new(folder)
    project.make_tiny(**changes)
    # DVC reads and writes the whole file for each stage, also what it has of other cases.
    (folder / "dvc.lock").unlink()
    if stand_ins:
        project.put_stand_ins()
    project("snakemake", "--cores", "2")
    project("dvc", "commit", "--force")
    project.commit("made")
    return project


@pytest.fixture(scope="session")
def trained(once: Once) -> Project:
    """A tiny run of the real pipeline by Snakemake, committed. It is for looking at: copy it to work in it."""
    return Project(once("trained", lambda folder: make_tiny(folder, stand_ins=False, **TWO_SHARDS)))


@pytest.fixture(scope="session")
def stood_in(once: Once) -> Project:
    """A tiny run by the stand-ins, committed, for the tests of the engines. Copy it to work in it."""
    return Project(once("stood_in", lambda folder: make_tiny(folder, stand_ins=True, **ONE_SHARD)))


@pytest.fixture
def quick(stood_in: Project, tmp_path: Path) -> Project:
    """A copy of the tiny run by the stand-ins, in which every step takes a fraction of a second."""
    return stood_in.copy(tmp_path / "quick")


@pytest.fixture(scope="session")
def viewed(once: Once) -> Project:
    """A copy of the project with two commits of tiny results, of other noise, for those who look at them."""

    def make(folder: Path) -> None:
        project = Project.new(folder)
        project.make_tiny()
        project.put_stand_ins("train", "score")  # nobody looks at what is learnt, but the figures are real
        for noise, message in ((0.1, "made"), (0.2, "made of more noise")):
            params = project.params()
            params["dataset"]["noise"] = noise
            project.write_params(params)
            project("snakemake", "--cores", "2")
            project.commit(message)

    return Project(once("viewed", make))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; without Debian's chromium and chromium-driver, what asks for it is skipped."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.driver.quit()
