"""Single steps: as the jobs that they are, or, where no job of its own is needed, in this process."""

import io
import resource
import runpy
import shlex
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from carryover.params.options import flags
from carryover.series.notes import Notes, write_notes
from carryover.series.scales import AS_IT_IS, write_scales
from helpers.project import AS_PLAIN_CSV, REFERENCE, ROOT

HERMETIC = str(Path(sys.executable).parent / "hermetic")

TRAIN = (
    f"--case x --data {REFERENCE}/noisy_sine.csv --scales OUT/scales.csv --weights {REFERENCE}/initial_weights.npz"
    " --notes OUT/notes.json --history OUT/h --predictions OUT/p --final OUT/f"
    " --build models/stacked.py --cell lstm --units 10 10 --activation tanh --recurrent_activation hard_sigmoid_2017"
    " --time_steps 1 --targets window_end --batch_size 100 --initial_weights random --seed 1"
    " --name adadelta --learning_rate 1 --rho 0.95 --epsilon 1e-8"
    " --loss mse --epochs 1 --calls single --reset never --stateful --batches contiguous"
)
"""A command line of the step `train`, which writes into a folder OUT."""


AS_OPTIONS = shlex.split(flags(AS_PLAIN_CSV | {"horizon": 0, "season": 0}))
"""The options of make_dataset about the form of a CSV file and what is forecast."""


def script(step: str) -> Path:
    return ROOT / f"workflow/scripts/{step}.py"


def train_options(folder: Path, *replacement: str) -> list[str]:
    """Return the options of TRAIN, with something replaced, that write into a folder; write what they read into it."""
    write_scales(folder / "scales.csv", ("x", "y"), [AS_IT_IS] * 2)
    write_notes(folder / "notes.json", Notes(1000, 1000, 0, 0, 0, 0, {}, None, []))
    text = TRAIN.replace(*replacement) if replacement else TRAIN
    return text.replace("OUT", str(folder)).split()


class Done(NamedTuple):
    """What a step has left: its exit status, and what it has printed."""

    returncode: int
    stdout: str
    stderr: str


def run_job(step: str, *options: str, limit: int | None = None) -> Done:
    """Run a step as a job, if wanted with a limit on the size of files: the nearest thing to a full disk."""

    def limit_files() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [HERMETIC, "python", str(script(step)), *options]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit_files)
    return Done(done.returncode, done.stdout, done.stderr)


def refuse_to_load_keras(*_: object) -> None:
    if "keras" not in sys.modules:
        raise AssertionError("this step loads Keras: a test of it must ask for the fixture keras")


def run_here(step: str, *options: str) -> Done:
    """Run a step in this process, where Keras is the fixture's: a job's would keep this process from matplotlib."""
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch("sys.argv", [str(script(step)), *options]))
        stack.enter_context(patch("carryover.job.portable.load_keras", refuse_to_load_keras))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            runpy.run_path(str(script(step)), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Done(status, out.getvalue(), err.getvalue())


ONE_FIGURE = """
import runpy, sys
from carryover.figures import style
name, script, *arguments = sys.argv[1:]
save = style.save
style.save = lambda figure, svg, png: save(figure, svg, png) if png.stem == name else None
sys.argv = [script, *arguments]
runpy.run_path(script, run_name="__main__")
"""
"""A program that runs the script of render_figures and saves one figure: saving is what takes the time."""
