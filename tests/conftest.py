"""What the tests share: the environment of a job, and throw-away copies of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from carryover.hermetic import environment

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
    from carryover.portable import configure_tensorflow

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
