"""Where two cases part, in full, and the command that says it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cases import STATELESS, case, digest_of, write_case

from carryover.comparison.explanation import TensorDifference, explain, ulps
from carryover.training.case_results import PARTS, CaseResults

CARRYOVER = str(Path(sys.executable).parent / "carryover")


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([CARRYOVER, "explain", *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ulps_count_the_steps_to_the_next_number(dtype: Any) -> None:
    start = np.array([1.0, -1.0, 0.0, 6e-8, -3.5, 1e4], dtype)
    moved = start.copy()
    for steps in range(1, 5):
        moved = np.nextafter(moved, dtype(np.inf))
        # From below zero to above it there is one step more than nextafter makes: minus zero.
        assert ulps(start, moved).tolist() == [steps] * 6
        assert ulps(moved, start).tolist() == [steps] * 6


def test_ulps_are_zero_only_for_equal_bits() -> None:
    zero, nan = np.zeros(1, np.float32), np.array([np.nan], np.float32)
    assert ulps(zero, -zero).tolist() == [1]
    assert ulps(nan, nan).tolist() == [0]
    assert ulps(nan, -nan).tolist() != [0]
    assert ulps(np.array(3), np.array(-4)).tolist() == 7
    widest = np.array([-np.finfo(np.float64).max]), np.array([np.finfo(np.float64).max])
    assert ulps(*widest).tolist() == [2 * int(widest[1].view(np.int64)[0]) + 1]


def test_an_explanation_names_the_tensors_their_elements_and_the_largest_difference() -> None:
    next_to_zero = float(np.nextafter(np.float32(0), np.float32(1)))
    other = case(loss={3: 0.1, 4: 0.3}, weights={2: "x"}, final={0: 0.125, 1: next_to_zero}, prediction={1: 0.5})
    explanation = explain(case(), other)
    assert explanation.parting == (2, ("weights",))
    assert (explanation.epochs, explanation.first_loss_epoch) == (5, 3)
    assert explanation.largest_loss_difference == pytest.approx(0.2)
    bits_of_an_eighth = 0x3E000000
    kernel = TensorDifference("weights/dense/kernel", 2, 2, bits_of_an_eighth, 0.125)
    assert explanation.tensors == (kernel, TensorDifference("states/lstm_1/cell_state", 3, 0, 0, 0.0))
    assert explanation.widest == kernel
    assert (explanation.different, explanation.elements) == (2, 5)
    assert explanation.predictions == TensorDifference("predictions", 2, 1, 2 * 0x3F000000 + 1, 1.0)


def test_what_only_one_case_has_is_not_compared_but_named() -> None:
    without = STATELESS._replace(final={"weights/dense/kernel": np.zeros((2, 1), np.float32)})
    explanation = explain(case(), without)
    assert explanation.parting is None
    assert explanation.parts == ("loss", "weights", "optimizer")
    assert explanation.unmatched == ("states/lstm_1/cell_state",)
    other_shape = case()._replace(final=case().final | {"weights/dense/kernel": np.zeros((3, 1), np.float32)})
    assert explain(case(), other_shape).unmatched == ("weights/dense/kernel",)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    # One whose third epoch ends as its training does, so that a shorter one can end there.
    ends = {part: {3: digest_of(case().final, part)} for part in PARTS}
    one = case(**ends)
    short = one._replace(history=one.history.head(3))
    cases: dict[str, CaseResults] = {
        "one": one,
        "twin": one,
        "other": case(loss={3: 0.1}, weights={2: "x"}, final={0: 0.125}),
        "short": short,
        "nan": case(weights={2: "x"}, final={0: np.nan}),
        "states": case(**ends | {"states": ends["states"] | {2: "x"}}),
        "predictions": one._replace(predictions=case(prediction={0: 0.25}).predictions),
    }
    for name, results in cases.items():
        write_case(tmp_path / name, results)
    return {name: tmp_path / name for name in cases}


def test_identical_cases_end_with_status_0_and_what_was_compared(folders: dict[str, Path]) -> None:
    done = run(folders["one"], folders["twin"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "identical: 5 epochs of states, loss, weights and optimizer; 2 predictions; 2 tensors of 5 elements "
        "at the end\n"
    )
    done = run(folders["one"], folders["twin"], "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "identical": True,
        "first_divergent_epoch": 0,
        "parts": [],
        "same_training": True,
        "compared": {
            "epochs": 5,
            "parts": ["states", "loss", "weights", "optimizer"],
            "predictions": 2,
            "tensors": 2,
            "elements": 5,
        },
        "first_divergent_loss_epoch": 0,
        "max_abs_loss_difference": 0.0,
        "different_elements": 0,
        "widest": None,
        "predictions": {"elements": 2, "different": 0, "max_ulps": 0, "max_abs_difference": 0.0},
        "tensors": {
            "weights/dense/kernel": {"elements": 2, "different": 0, "max_ulps": 0, "max_abs_difference": 0.0},
            "states/lstm_1/cell_state": {"elements": 3, "different": 0, "max_ulps": 0, "max_abs_difference": 0.0},
        },
        "unmatched": [],
    }


def test_different_cases_end_with_status_1_and_where_they_part(folders: dict[str, Path]) -> None:
    done = run(folders["one"], folders["other"])
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "different: they part at epoch 2 (weights)",
        "The loss differs from epoch 3, by up to 0.2.",
        "To see the tensors at that epoch, train both with training.epochs: 2.",
    ]
    assert lines[5].split() == ["weights/dense/kernel", "1", "of", "2", "1,040,187,392", "0.125"]
    assert lines[-1] == "Equal in every bit: states/lstm_1/cell_state, predictions."

    done = run(folders["one"], folders["other"], "--json")
    assert done.returncode == 1
    reported = json.loads(done.stdout)
    assert (reported["identical"], reported["first_divergent_epoch"], reported["parts"]) == (False, 2, ["weights"])
    assert reported["tensors"]["weights/dense/kernel"]["max_ulps"] == 0x3E000000


def test_every_kind_of_parting_is_reported(folders: dict[str, Path]) -> None:
    assert run(folders["one"], folders["short"]).stdout.startswith(
        "different: they are the same for 3 epochs, and only one has been trained for longer\n"
    )
    assert run(folders["one"], folders["states"]).stdout.startswith(
        "different: they part at epoch 2 (states), but every loss and weight is the same\n"
    )
    assert run(folders["one"], folders["predictions"]).stdout.startswith(
        "different: they part only in the predictions after training\n"
    )
    reported = json.loads(run(folders["one"], folders["nan"], "--json").stdout)
    assert reported["tensors"]["weights/dense/kernel"]["max_abs_difference"] is None
    assert run(folders["one"], folders["nan"]).stdout.splitlines()[-3].split()[-1] == "nan"


def test_a_mistake_ends_with_status_2_and_one_line(folders: dict[str, Path], tmp_path: Path) -> None:
    (folders["twin"] / "final.npz").write_bytes(b"no archive")
    for arguments, message in [
        ((folders["one"], tmp_path / "none"), "none: not the folder of a case: there is no such folder; give one"),
        (
            (tmp_path, folders["one"]),
            "it has no history.csv, no predictions.csv, no final.npz; give one that a run has ",
        ),
        ((tmp_path, folders["one"]), f"such as {folders['nan']}"),
        ((folders["one"], folders["twin"]), "twin/final.npz: not a NumPy archive (.npz)"),
        ((folders["one"],), "the following arguments are required: FOLDER"),
        ((folders["one"], folders["one"], "--josn"), "unrecognized arguments: --josn"),
    ]:
        done = run(*arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(folders: dict[str, Path], unbuffered: str) -> None:
    """As in `carryover explain a b | head -1`."""
    read, write = os.pipe()
    os.close(read)
    try:
        command = [CARRYOVER, "explain", *map(str, (folders["one"], folders["other"]))]
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
