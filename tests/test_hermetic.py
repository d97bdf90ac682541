import json
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.job.hermetic import HOME, environment
from carryover.job.portable import ENVIRONMENT

HERMETIC = str(Path(sys.executable).parent / "hermetic")

POISON = {
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "OMP_NUM_THREADS": "8",
    "PYTHONOPTIMIZE": "2",
    "MPLBACKEND": "tkagg",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Asia/Tokyo",
    "HOME": "/nonexistent",
    "ANYTHING": "at all",
}


def inside(code: str, **caller: str) -> str:
    done = subprocess.run([HERMETIC, "python", "-c", code], env=caller, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_job_sees_nothing_of_the_callers_environment_but_where_temporary_files_go() -> None:
    seen = json.loads(inside("import os, json; print(json.dumps(dict(os.environ)))", **POISON, TMPDIR="/var/tmp"))
    assert seen == environment({"TMPDIR": "/var/tmp"})
    assert seen == environment({}) | {"TMPDIR": "/var/tmp"}


def test_a_job_has_the_portable_recipe_and_the_pinned_home() -> None:
    seen = json.loads(inside("import os, json; print(json.dumps(dict(os.environ)))"))
    assert seen.items() >= ENVIRONMENT.items()
    assert seen["HOME"] == str(HOME)
    assert (HOME / ".keras/keras.json").is_file()
    assert (HOME / ".config/matplotlib/matplotlibrc").is_file()


def test_a_job_is_python_isolated_from_other_code(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.poisoned = True")
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong numpy')")
    code = "import numpy, sys; print(sys.flags.isolated, hasattr(sys, 'poisoned'), sys.executable)"
    assert inside(code, PYTHONPATH=str(tmp_path)).split() == ["1", "False", sys.executable]


def test_matplotlib_and_keras_read_the_pinned_configuration() -> None:
    code = "import matplotlib; print(matplotlib.matplotlib_fname(), matplotlib.get_backend())"
    assert inside(code, **POISON).split() == [str(HOME / ".config/matplotlib/matplotlibrc"), "agg"]
    code = "import keras; print(keras.config.floatx(), keras.config.epsilon(), keras.config.backend())"
    assert inside(code, **POISON).split() == ["float32", "1e-07", "tensorflow"]
    assert sorted(path.name for path in HOME.iterdir()) == [".config", ".keras"]


def test_the_exit_status_and_the_output_are_the_jobs_own() -> None:
    done = subprocess.run([HERMETIC, "python", "-c", "import sys; print('out'); sys.exit(7)"], capture_output=True)
    assert (done.returncode, done.stdout) == (7, b"out\n")


@pytest.mark.parametrize("arguments", [[], ["python"], ["bash", "-c", "true"]])
def test_anything_but_python_is_refused_in_one_line(arguments: list[str]) -> None:
    done = subprocess.run([HERMETIC, *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: hermetic python SCRIPT")
    assert done.stderr.count("\n") == 1


def test_training_without_the_recipe_is_refused() -> None:
    code = "from carryover.job.portable import configure_tensorflow as c\ntry: c()\nexcept Exception as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True)
    assert "put 'hermetic' before the command" in done.stdout
