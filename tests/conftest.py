"""What the tests share: the environment of a job, and throw-away copies of the project."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from carryover.job.hermetic import environment

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "data/reference/keras-2.0.4-theano-0.9.0"

# Tests that train in this process do it as a job does. This comes before anything imports NumPy or TensorFlow.
CALLER = dict(os.environ)
os.environ.update({name: value for name, value in environment(os.environ).items() if name != "PATH"})

settings.register_profile("carryover", deadline=None)  # a machine that is busy is no mistake
settings.load_profile("carryover")

TINY: dict[str, Any] = {
    "dataset": {
        "source": "noisy_sine",
        "samples": 24,
        "held_out": 0,
        "step": 0.5,
        "noise": 0.1,
        "seed": 7,
        "inputs": ["x"],
        "target": "y",
        "standardize": False,
    },
    "model": {
        "cell": "lstm",
        "units": [3, 2],
        "activation": "tanh",
        "recurrent_activation": "hard_sigmoid_2017",
        "time_steps": 2,
        "batch_size": 4,
        "initial_weights": "random",
        "seed": 3,
    },
    "training": {"loss": "mse", "epochs": 3},
    "replicates": {"count": 0, "behaviours": ["never", "every_epoch"], "first_seed": 1, "shard_size": 1},
}
"""Parameters, over those of params.yaml, with which a pipeline takes little more than its start-up."""

HELD_OUT = {"dataset": TINY["dataset"] | {"held_out": 6}}
"""Over TINY, for the forecasts, for which another job loads TensorFlow."""


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on TensorFlow configured as in a job; only the tests that ask for it wait for its import."""
    from carryover.job.portable import configure_tensorflow

    configure_tensorflow()
    import keras

    return keras


class Project:
    """A copy of the project in a folder of its own, with its own git history."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self("git", "init", "--quiet")
        self.commit("start")

    @classmethod
    def at(cls, folder: Path) -> "Project":
        """One that is there already."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    @staticmethod
    def environment() -> dict[str, str]:
        """The caller's environment, with this environment's programs and somebody to commit as."""
        identity = {
            f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        return CALLER | identity | {"PATH": f"{Path(sys.executable).parent}:{CALLER['PATH']}"}

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the copy, with the caller's environment and this environment's programs."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def __call__(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed; what it printed."""
        done = self.run(*command, **environment)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def commit(self, message: str) -> None:
        self("git", "add", "--all")
        self("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = yaml.safe_load((self.folder / "params.yaml").read_text())
        return params

    def write_params(self, params: dict[str, Any]) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def artifacts(self) -> dict[str, bytes]:
        """Every file that the pipeline makes and DVC tracks, by its path."""
        made = [*(self.folder / "data").glob("*.*")]
        made += (self.folder / "results").rglob("*")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in made if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the project, as it is."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with two commits of tiny results, of other noise, for those who look at them."""
    project = Project(tmp_path_factory.mktemp("viewed") / "project")
    cases = {name: project.params()["cases"][name] for name in ("loop_with_reset", "single_fit")}
    claims = {"identical": [], "different": [list(cases)]}
    project.write_params(project.params() | TINY | HELD_OUT | {"cases": cases, "claims": claims})
    project("snakemake", "--cores", "2")
    project.commit("made")
    params = project.params()
    params["dataset"]["noise"] = 0.2
    project.write_params(params)
    project("snakemake", "--cores", "2")
    project.commit("made of more noise")
    return project


class Browser:
    """Headless Chromium without a network."""

    def __init__(self, home: Path) -> None:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        options = ChromeOptions()
        for argument in (
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={home}", "--host-resolver-rules=MAP * ~NOTFOUND",
        ):  # fmt: skip
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium") or ""
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        service = Service(shutil.which("chromedriver"), env=CALLER | {"HOME": str(home)})
        self.driver = Chrome(options=options, service=service)

    def open(self, page: Path, width: int) -> None:
        """Open a file in a window of so many pixels."""
        self.driver.set_window_size(width, 900)
        self.driver.get(page.as_uri())

    def run(self, script: str) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(script)  # type: ignore[no-untyped-call]

    def wait(self, script: str) -> None:
        """Until JavaScript returns something true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 60).until(lambda _: self.run(script), script)

    def requested(self, page: Path) -> set[str]:
        """All that the page has asked for since the last call, but for data that stands in itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        urls = {params["request"]["url"] for params in sent if params["documentURL"] == page.as_uri()}
        return {url for url in urls if not url.startswith("data:")}

    def mistakes(self) -> list[str]:
        """What the page has complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; without Debian's chromium and chromium-driver, what asks for it is skipped."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.driver.quit()
