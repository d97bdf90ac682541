"""Throw-away copies of the project, and the parameters of tiny runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from helpers.engine_client import run_engine

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "data/reference/keras-2.0.4-theano-0.9.0"
PASSED_ON = "CARRYOVER_CALLER_OF_TESTS"
"""The variable by which a process hands the caller's environment on to those that run tests for it."""

CALLER: dict[str, str] = json.loads(os.environ[PASSED_ON]) if PASSED_ON in os.environ else dict(os.environ)
"""The environment in which the tests were started; conftest.py changes that of this process to a job's."""

ENGINES = {"snakemake": ["snakemake", "--cores", "2"], "dvc": ["dvc", "repro"]}

AS_PLAIN_CSV: dict[str, Any] = {
    "encoding": "utf-8",
    "delimiter": ",",
    "decimal": ".",
    "thousands": "",
    "comment": "",
    "skip_rows": 0,
    "skip_footer": 0,
    "header": "first_line",
    "time": [],
    "time_format": "iso8601",
    "order": "oldest_first",
    "sequence": "",
    "missing": "refuse",
    "missing_values": [""],
}
"""The keys of `dataset` about the form of a CSV file, as in params.yaml."""

TINY: dict[str, Any] = {
    "dataset": {
        "source": "noisy_sine",
        "samples": 24,
        "held_out": 6,
        "step": 0.5,
        "noise": 0.1,
        "seed": 7,
        "inputs": ["x"],
        "target": "y",
        "horizon": 0,
        "season": 0,
        "standardize": False,
        **AS_PLAIN_CSV,
    },
    "model": {
        "build": "models/stacked.py",
        "cell": "lstm",
        "units": [3, 2],
        "activation": "tanh",
        "recurrent_activation": "hard_sigmoid_2017",
        "time_steps": 2,
        "targets": "window_end",
        "batch_size": 4,
        "initial_weights": "data/reference/tiny.npz",
        "seed": 3,
    },
    "training": {"loss": "mse", "epochs": 3},
    "cases": {
        "loop_with_reset": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "contiguous"},
        "single_fit": {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"},
    },
    "replicates": {"count": 0, "first_seed": 1, "shard_size": 1},
    "claims": {"identical": [], "different": [["loop_with_reset", "single_fit"]]},
}
"""Parameters, over those of params.yaml, for tiny runs. Initial weights from a file need no TensorFlow."""

TWO_SHARDS = {"replicates": TINY["replicates"] | {"count": 2}}
"""Over TINY: two shards of one replicate each, which are two jobs for Snakemake and one for DVC."""

ONE_SHARD = {"replicates": TINY["replicates"] | {"count": 1}}
"""Over TINY, where a job fewer makes no difference."""

STAND_IN = Path(__file__).with_name("stand_in.py")
STOOD_IN = ("make_initial_weights", "train", "train_replicates", "score", "render_figures")
"""The scripts for which the stand-in may take over."""


class Project:
    """A copy of the project in a folder of its own, with its own git history.

    Args:
        folder: where it is.
        python: the Python that runs the engines.
    """

    def __init__(self, folder: Path, python: Path = Path(sys.executable)) -> None:
        self.folder = folder
        self.python = python

    @classmethod
    def new(cls, folder: Path) -> "Project":
        """Copy the working tree, and commit it."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        project = cls(folder)
        project("git", "init", "--quiet")
        project.commit("start")
        return project

    def copy(self, folder: Path) -> "Project":
        """Copy it with all that was made in it: times, DVC's cache and what Snakemake knows are those of the copied."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return Project(folder, self.python)

    def environment(self) -> dict[str, str]:
        """Return the caller's environment, with the programs of its Python and somebody to commit as."""
        identity = {
            f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        return CALLER | identity | {"PATH": f"{self.python.parent}:{CALLER['PATH']}"}

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the copy. A command of an engine without variables starts with its libraries loaded."""
        if command[0] in ENGINES and not environment:
            return run_engine(command, self.folder, self.environment(), self.python)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def start(self, output: Path, *command: str) -> "subprocess.Popen[bytes]":
        """Start a command in a process group of its own, as a shell does; what it prints goes into a file."""
        with output.open("w") as file:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __call__(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed, and return what it has printed."""
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

    def make_tiny(self, **changes: Any) -> None:
        """Write the parameters of a tiny run, with changes over TINY, and its initial weights."""
        params = self.params() | TINY | changes
        self.write_params(params)
        self.write_weights(params["model"], len(params["dataset"]["inputs"]))

    def write_weights(self, model: dict[str, Any], inputs: int) -> None:
        """Write the file of initial weights that a model names."""
        import numpy as np

        from carryover.job.arrays import write_arrays
        from carryover.training.network import Network, weight_shapes

        network = Network(model["units"], model["recurrent_activation"], model["cell"], model["activation"], inputs)
        random = np.random.default_rng(0)
        weights = {
            name: random.normal(0, 0.4, shape).astype(np.float32) for name, shape in weight_shapes(network).items()
        }
        write_arrays(self.folder / model["initial_weights"], weights)

    def put_stand_ins(self, *scripts: str) -> None:
        """Put the stand-in in the place of scripts, by default of all for which it can take over."""
        for script in scripts or STOOD_IN:
            shutil.copy(STAND_IN, self.folder / f"workflow/scripts/{script}.py")

    def artifacts(self) -> dict[str, bytes]:
        """Return every file that the pipeline makes and DVC tracks, by its path."""
        made = [*(self.folder / "data").glob("*.*")]
        made += (self.folder / "results").rglob("*")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in made if path.is_file()}

    def remove_artifacts(self) -> None:
        """Remove every artifact, those that git holds too, and all that the engines know of them."""
        paths = list(self.artifacts())
        self("git", "clean", "-dfxq")
        for path in paths:
            (self.folder / path).unlink(missing_ok=True)

    def assert_snakemake_is_content(self) -> None:
        planned = self.run("snakemake", "--dry-run")
        assert "Nothing to be done" in planned.stdout + planned.stderr

    def assert_dvc_is_content(self) -> None:
        assert "up to date" in self("dvc", "status")
