"""The steps' command lines: a mistake is one line, and a file that cannot be written costs nothing."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.engines import STEPS
from helpers.steps import AS_OPTIONS, TRAIN, Done, run_here, run_job, train_options

from carryover.job.errors import UserError
from carryover.job.files import writing
from carryover.series.scales import AS_IT_IS, Scale


@pytest.mark.parametrize("step", STEPS)
def test_every_step_reports_missing_options_in_one_line_and_has_a_help_text(step: str) -> None:
    missing = run_here(step)
    assert missing.returncode == 2
    assert missing.stderr.startswith(f"error: {step}.py: the following arguments are required")
    assert missing.stderr.count("\n") == 1
    help_text = run_here(step, "--help")
    assert help_text.returncode == 0
    assert "usage:" in help_text.stdout


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("--epochs 1", "--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--epochs 1", "--epochs 1.5", "argument --epochs: '1.5' is not a whole number of at least 1"),
        ("--epochs 1", "--epoch 1", "the following arguments are required: --epochs"),
        ("--reset never", "--reset often", "argument --reset: invalid choice: 'often'"),
        ("--cell lstm", "--cell elman", "argument --cell: invalid choice: 'elman'"),
        ("hard_sigmoid_2017", "swish", "argument --recurrent_activation: invalid choice: 'swish'"),
        ("--rho 0.95", "--rho much", "argument --rho: 'much' is not a finite number"),
        ("--learning_rate 1", "--learning_rate nan", "argument --learning_rate: 'nan' is not a finite number"),
        ("--seed 1", "--seed -1", "argument --seed: '-1' is not a whole number from 0 to 4294967295"),
        ("--stateful", "--stateful --verbose", "unrecognized arguments: --verbose"),
        ("--batch_size 100", "--batch_size 300", "batches of 300 do not divide the 1000 windows"),
        ("--time_steps 1", "--time_steps 3", "windows of 3 do not divide the 1000 samples"),
        ("--units 10 10", "--units 10", "lstm_2/bias is not a weight of this network; the network has model.cell lstm"),
        ("--rho 0.95", "", "--rho: missing; adadelta has learning_rate, rho, epsilon"),
        (
            "--rho 0.95",
            "--rho 0.95 --momentum 1",
            "--momentum: not a parameter of adadelta; adadelta has learning_rate, rho",
        ),
        ("--batches contiguous", "--batches mixed", "argument --batches: invalid choice: 'mixed'"),
        ("--reset never --stateful", "--reset every_epoch", "--reset every_epoch needs --stateful"),
        ("noisy_sine.csv", "none.csv", "none.csv: No such file or directory"),
        ("initial_weights.npz", "losses.csv", "losses.csv: not a NumPy archive"),
    ],
)
def test_a_mistake_on_the_command_line_of_train_is_one_line(tmp_path: Path, was: str, now: str, message: str) -> None:
    """Before TensorFlow is loaded."""
    assert was in TRAIN
    assert_one_line(run_here("train", *train_options(tmp_path, was, now)), message, tmp_path)


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("--learning_rate 1", "--learning_rate 1e30", "case x: "),
        ("--epsilon 1e-8", "--epsilon 1e-300", "case x: epoch 1: the loss is nan: training diverges"),
        ("--epsilon 1e-8", "--epsilon 1e-300 --batch_size 1000", "case x: a prediction after training is not finite"),
    ],
)
def test_a_training_that_diverges_is_one_line(keras: Any, tmp_path: Path, was: str, now: str, message: str) -> None:
    assert was in TRAIN
    options = train_options(tmp_path, was, now)
    assert_one_line(run_here("train", *options), message, tmp_path)


STANDARDIZE, LOWER = "set dataset.standardize: true if the series is a CSV file", "lower optimizer.learning_rate"
RAISE = "raise optimizer.epsilon"


@pytest.mark.parametrize(
    ("optimizer", "scale", "remedies"),
    [
        ("Adadelta", AS_IT_IS, [STANDARDIZE, LOWER, RAISE]),
        ("Adam", Scale(100.0, 20.0), [LOWER, RAISE]),
        ("RMSprop", Scale(100.0, 20.0), [LOWER, RAISE]),
        ("SGD", Scale(100.0, 20.0), [LOWER]),
        ("SGD", AS_IT_IS, [STANDARDIZE, LOWER]),
    ],
)
def test_what_is_said_against_divergence_is_only_what_the_run_has(
    keras: Any, optimizer: str, scale: Scale, remedies: list[str]
) -> None:
    from carryover.training.fitting import diverged

    error = diverged("epoch 3", getattr(keras.optimizers, optimizer)(), scale)
    assert str(error) == f"epoch 3: training diverges; {', or '.join(remedies)}"


def test_a_training_that_diverges_is_one_line_of_a_job_too(tmp_path: Path) -> None:
    """TensorFlow, which writes to the terminal by itself, adds nothing."""
    done = run_job("train", *train_options(tmp_path, "--epsilon 1e-8", "--epsilon 1e-300"))
    assert_one_line(done, "case x: epoch 1: the loss is nan: training diverges", tmp_path)


def assert_one_line(done: Done, message: str, folder: Path) -> None:
    """A step has reported a mistake, and written nothing."""
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == [folder / "notes.json", folder / "scales.csv"]


def test_a_full_disk_is_reported_in_one_line_and_leaves_what_was_there(tmp_path: Path) -> None:
    series = tmp_path / "series.csv"
    series.write_text("what was there")
    outputs = f"--output {series} --output_held_out {tmp_path}/rest.csv --output_scales {tmp_path}/scales.csv"
    outputs += f" --output_notes {tmp_path}/notes.json --output_times {tmp_path}/times.csv"
    rest = "--source noisy_sine --samples 5000 --held_out 0 --step 1 --noise 1 --seed 1"
    rest += " --series - --inputs x --target y --time_steps 1 --batch_size 1"
    done = run_job("make_dataset", *outputs.split(), *rest.split(), *AS_OPTIONS, limit=2000)
    assert done.returncode == 1
    assert done.stderr == f"error: {series}: cannot be written: File too large\n"
    assert series.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [series]


@pytest.mark.parametrize(
    ("given", "message"),
    [("--samples all --held_out 0", "--samples: all is"), ("--samples 9 --held_out 0.5", "--held_out: 0.5")],
)
def test_what_is_for_a_csv_file_is_refused_for_the_noisy_sine(tmp_path: Path, given: str, message: str) -> None:
    outputs = [f"--output{part}={tmp_path}/{part}.csv" for part in ("", "_held_out", "_scales", "_notes", "_times")]
    rest = (
        "--series - --source noisy_sine --step 1 --noise 1 --seed 1 --inputs x --target y --time_steps 1 --batch_size 1"
    )
    done = run_here("make_dataset", *outputs, *rest.split(), *AS_OPTIONS, *given.split())
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written: Not a directory"), writing(tmp_path / "file/inside/x.csv"):
        pass


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "results" / "x.csv"
    with writing(path) as file:
        file.write("half")
        file.flush()
        assert not path.exists()
        file.write(" and whole\n")
    assert path.read_bytes() == b"half and whole\n"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(RuntimeError), writing(path) as file:
        file.write("broken")
        raise RuntimeError
    assert path.read_bytes() == b"half and whole\n"
    assert list(path.parent.iterdir()) == [path]


def test_what_killed_processes_have_left_of_a_file_is_removed_and_what_others_still_write_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.csv"
    ended = subprocess.Popen(["true"])
    ended.wait()
    of_this_machine = f".x.csv.{platform.node().split('.')[0]}"
    left = [f"{of_this_machine}.{ended.pid}.tmp", ".x.csv.another-machine.1.tmp", ".uBufgnw8bFIh_vsko8OnDg.tmp"]
    # Another process of this machine writes the same file, and another machine writes another file.
    others = [f"{of_this_machine}.{os.getppid()}.tmp", ".y.csv.another-machine.1.tmp"]
    for name in [*left, *others]:
        (tmp_path / name).touch()
    with writing(path) as file:
        file.write("whole\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*others, "x.csv"])
