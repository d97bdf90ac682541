"""The results of replicates and what names them: shards, trainings, tables of losses and errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.project import ROOT

from carryover.forecasts.ways import STATES, column
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml, write_yaml
from carryover.replicates.results import Replicates, read_replicates, remove_other_shards, write_shard
from carryover.replicates.settings import trainings_from_option
from carryover.replicates.shards import Shard, shards
from carryover.training.behaviours import TRAININGS

CASES = {
    "a": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "contiguous"},
    "b": {"calls": "single", "reset": "never", "stateful": True, "batches": "interleaved"},
}
"""Cases of two trainings."""


def test_shards_cover_every_seed_once() -> None:
    parts = shards(count=300, first_seed=7, shard_size=128)
    assert [seed for part in parts for seed in part.seeds] == list(range(7, 307))
    assert max(len(part.seeds) for part in parts) == 128
    assert len({part.name for part in parts}) == len(parts) == 3
    assert shards(count=128, first_seed=1, shard_size=64) == [Shard(1, 64), Shard(65, 128)]
    assert shards(count=0, first_seed=0, shard_size=1) == []


PARAMS: dict[str, Any] = {
    "cases": CASES,
    "replicates": {"count": 3, "first_seed": 1, "shard_size": 2},
    "training": {"epochs": 2},
}
LEARNT = {
    TRAININGS["contiguous_every_epoch"]: np.array([[0.5, 0.25], [0.375, 0.125], [0.75, 0.625]]),
    TRAININGS["interleaved_never"]: np.array([[5, 4], [3, 2], [7, 1]]) / 8,
}
OF_TRAININGS = {
    column(training.name, states): np.arange(3) + 10.0 * row + offset
    for row, training in enumerate(LEARNT)
    for offset, states in enumerate(STATES)
}
OF_BASELINES = {"input": np.array([0.5, 0.75, 1.0]), "mean": np.array([2.0, 3.0, 4.0])}


def write_shards(folder: Path, errors: dict[str, Any]) -> Path:
    """Write three replicates in two shards."""
    for shard, rows in (Shard(1, 2), slice(2)), (Shard(3, 3), slice(2, 3)):
        losses = {training: loss[rows] for training, loss in LEARNT.items()}
        write_shard(folder, shard, losses, {name: error[rows] for name, error in errors.items()})
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "replicates", OF_BASELINES | OF_TRAININGS)


def test_the_shards_are_read_in_the_order_of_the_seeds(written: Path) -> None:
    assert (written / "3-3/losses.csv").read_text() == (
        "seed,epoch,contiguous_every_epoch,interleaved_never\n3,1,0.75,0.875\n3,2,0.625,0.125\n"
    )
    assert (written / "3-3/errors.csv").read_text() == (
        "seed,input,mean,contiguous_every_epoch/carried,contiguous_every_epoch/reset,"
        "interleaved_never/carried,interleaved_never/reset\n3,1,4,2,3,12,13\n"
    )
    read = read_replicates(written, PARAMS)
    assert list(read.losses) == list(read.errors) == list(LEARNT)
    for training, loss in LEARNT.items():
        np.testing.assert_array_equal(read.losses[training], loss)
        for states in STATES:
            np.testing.assert_array_equal(read.errors[training][states], OF_TRAININGS[column(training.name, states)])
    assert read.baselines.keys() == OF_BASELINES.keys()
    for name, error in OF_BASELINES.items():
        np.testing.assert_array_equal(read.baselines[name], error)


def test_nothing_held_out_leaves_tables_of_errors_without_rows(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "replicates", {})
    assert (folder / "1-2/errors.csv").read_text() == ",".join(["seed", *OF_TRAININGS]) + "\n"
    read = read_replicates(folder, PARAMS)
    assert read.losses.keys() == LEARNT.keys()
    assert (read.errors, read.baselines) == ({}, {})


def test_no_replicates_have_no_results(tmp_path: Path) -> None:
    none = PARAMS | {"replicates": PARAMS["replicates"] | {"count": 0}}
    assert read_replicates(tmp_path / "none", none) == Replicates({}, {}, {})


LOSSES_HEADER = "seed,epoch,contiguous_every_epoch,interleaved_never\n"
ERRORS_COLUMNS = ["seed", *OF_BASELINES, *OF_TRAININGS]
ERRORS_HEADER = ",".join(ERRORS_COLUMNS) + "\n"
WRONG_SEEDS = "expected the seeds 3 to 3"
OTHER_FORECASTS = "expected the errors of the same forecasts as in 1-2"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("losses.csv", None, "missing"),
        ("losses.csv", "", "No columns to parse from file"),
        ("losses.csv", LOSSES_HEADER, "there are no rows below the header"),
        ("losses.csv", f"{LOSSES_HEADER}3,1,0.3,1\n", f"{WRONG_SEEDS} with 2 epochs each"),
        ("losses.csv", f"{LOSSES_HEADER}4,1,0.3,1\n4,2,0.1,1\n", f"{WRONG_SEEDS} with 2 epochs each"),
        ("losses.csv", f"{LOSSES_HEADER}3,2,0.3,1\n3,1,0.1,1\n", f"{WRONG_SEEDS} with 2 epochs each"),
        (
            "losses.csv",
            f"{LOSSES_HEADER}3,1,0.3,1\n3,2,inf,1\n",
            "line 3, column contiguous_every_epoch: the value is not a finite number",
        ),
        (
            "losses.csv",
            f"{LOSSES_HEADER}3,1,0.3,nan\n3,2,0.1,1\n",
            "line 2, column interleaved_never: the value is not a finite number",
        ),
        (
            "losses.csv",
            f"{LOSSES_HEADER}3,1,0.3,1\n3,2,,1\n",
            "line 3, column contiguous_every_epoch: the value is not a finite number",
        ),
        ("losses.csv", f"{LOSSES_HEADER}3,1,much,1\n3,2,0.1,1\n", "could not convert string to float: 'much'"),
        (
            "losses.csv",
            "seed,epoch,interleaved_never\n3,1,1\n3,2,1\n",
            "the columns are ['seed', 'epoch', 'interleaved_never'], expected "
            "['seed', 'epoch', 'contiguous_every_epoch', 'interleaved_never']",
        ),
        (
            "losses.csv",
            "seed,epoch,contiguous_every_epoch,interleaved_never,contiguous_never\n3,1,1,1,1\n3,2,1,1,1\n",
            "the columns are ['seed', 'epoch', 'contiguous_every_epoch', 'interleaved_never', 'contiguous_never'], "
            "expected ['seed', 'epoch', 'contiguous_every_epoch', 'interleaved_never']",
        ),
        ("errors.csv", None, "missing"),
        ("errors.csv", "", "No columns to parse from file"),
        (
            "errors.csv",
            "seed,input,mean\n3,1,1\n",
            f"the columns are ['seed', 'input', 'mean'], expected {ERRORS_COLUMNS}",
        ),
        (
            "errors.csv",
            f"{ERRORS_HEADER}3,1,4,2,3,12,13\n".replace("never/reset", "never/other"),
            f"the columns are {[*ERRORS_COLUMNS[:-1], 'interleaved_never/other']}, expected {ERRORS_COLUMNS}",
        ),
        (
            "errors.csv",
            f"{ERRORS_HEADER}3,1,4,2,3,12,13\n".replace("reset\n", "reset,more\n").replace("13", "13,1"),
            f"the columns are {[*ERRORS_COLUMNS, 'more']}, expected {ERRORS_COLUMNS}",
        ),
        ("errors.csv", f"{ERRORS_HEADER}4,1,4,2,3,12,13\n", WRONG_SEEDS),
        ("errors.csv", f"{ERRORS_HEADER}3,1,4,2,3,12,13\n4,1,4,2,3,12,13\n", WRONG_SEEDS),
        (
            "errors.csv",
            f"{ERRORS_HEADER}3,1,4,2,inf,12,13\n",
            "line 2, column contiguous_every_epoch/reset: the value is not a finite number",
        ),
        (
            "errors.csv",
            f"{ERRORS_HEADER}3,1,4,2,,12,13\n",
            "line 2, column contiguous_every_epoch/reset: the value is not a finite number",
        ),
        ("errors.csv", f"{ERRORS_HEADER}3,1,4,2,much,12,13\n", "could not convert string to float: 'much'"),
        ("errors.csv", ERRORS_HEADER, OTHER_FORECASTS),
        (
            "errors.csv",
            f"{ERRORS_HEADER}3,1,4,2,3,12,13\n".replace("input,", "").replace("3,1,", "3,"),
            OTHER_FORECASTS,
        ),
    ],
)
def test_a_broken_shard_is_reported_in_one_line(written: Path, file: str, content: str | None, message: str) -> None:
    path = written / "3-3" / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError) as error:
        read_replicates(written, PARAMS)
    assert str(error.value) == f"{path}: {message}; train the replicates again"


def test_shards_that_are_no_longer_asked_for_are_removed_and_nothing_else(written: Path) -> None:
    def paths() -> set[str]:
        return {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}

    expected = paths()
    others = ["1-3/losses.csv", "1-3/errors.csv", "4-5/losses.csv", "never/1-128.csv", "every_epoch/1-128.csv"]
    for name in [*others, "every_epoch/notes.txt"]:
        (written / name).parent.mkdir(exist_ok=True)
        (written / name).write_text("mine")
    removed = remove_other_shards(written, shards(**PARAMS["replicates"]))
    assert {str(path.relative_to(written)) for path in removed} == set(others)
    assert paths() == expected | {"every_epoch/notes.txt"}
    assert {path.name for path in written.iterdir()} == {"1-2", "3-3", "every_epoch"}

    fewer = PARAMS["replicates"] | {"count": 2}
    assert len(remove_other_shards(written, shards(**fewer))) == 2
    assert paths() == {"1-2/losses.csv", "1-2/errors.csv", "every_epoch/notes.txt"}
    assert remove_other_shards(written / "none", []) == []
    assert (written / "none").is_dir()


@pytest.mark.parametrize(
    ("replicates", "message"),
    [
        ({"count": -1}, "replicates.count: -1 is less than the minimum of 0"),
        ({"shard_size": 0}, "replicates.shard_size: 0 is less than the minimum of 1"),
        ({"shard_size": 129}, "replicates.shard_size: 129 is greater than the maximum of 128"),
        ({"first_seed": 2**32 - 5}, "replicates: the last seed would be 4294967418, above 4294967295"),
        ({"behaviours": ["never"]}, "replicates.behaviours: unknown key; there are count, first_seed, shard_size"),
    ],
)
def test_bad_values_are_reported_in_one_line(replicates: dict[str, Any], message: str) -> None:
    from carryover.params.check import check

    params = read_yaml(ROOT / "params.yaml")
    params["replicates"] |= replicates
    with pytest.raises(UserError) as error:
        check(params, read_yaml(ROOT / "workflow/schemas/params.schema.yaml"), root=ROOT)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "not a list of trainings; delete the file and run the pipeline again"),
        ("never", "not a list of trainings; delete the file and run the pipeline again"),
        ("[contiguous_always]", "'contiguous_always' is not one of contiguous_never, contiguous_every_epoch"),
        (None, "missing"),
    ],
)
def test_trainings_that_there_are_not_are_reported_in_one_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "trainings.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as error:
        trainings_from_option([str(path)])
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("as_file", [False, True])
def test_the_trainings_are_given_by_name_or_in_a_file(tmp_path: Path, as_file: bool) -> None:
    names = [training.name for training in LEARNT]
    write_yaml(tmp_path / "trainings.yaml", names)
    assert trainings_from_option([str(tmp_path / "trainings.yaml")] if as_file else names) == list(LEARNT)
