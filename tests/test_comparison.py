"""Where cases part, the distance from the reference, and the files of a case, on cases made by hand."""

import json
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.cases import EPOCHS, STATELESS, case, write_case

from carryover.comparison.claims import why_the_same
from carryover.comparison.partings import first_parting, loss_differences, trainings
from carryover.comparison.reference import applies, distances, read_reference
from carryover.comparison.skill import skill
from carryover.job.errors import UserError
from carryover.series.batches import batch_order
from carryover.training.behaviours import TRAININGS, Training
from carryover.training.case_results import CASE_FILES, HISTORY, CaseResults, read_case, read_cases, remove_other_cases


@pytest.mark.parametrize(
    ("other", "parting"),
    [
        (case(), None),
        (STATELESS, None),
        (case(states={3: "x"}), (3, ("states",))),
        (case(loss={4: 0.20000003}, weights={4: "x"}), (4, ("loss", "weights"))),
        (case(optimizer={1: "x"}, loss={3: 1.0}), (1, ("optimizer",))),
        (case(weights={5: "x"}), (5, ("weights",))),
        (case(prediction={1: -0.50000006}), (6, ("predictions",))),
    ],
)
def test_the_first_parting_is_found_whatever_parts(other: CaseResults, parting: Any) -> None:
    assert first_parting(case(), other) == parting
    assert first_parting(other, case()) == parting


def test_a_case_that_is_cut_short_parts_where_it_ends() -> None:
    short = case()._replace(history=case().history.head(3))
    assert first_parting(case(), short) == first_parting(short, case()) == (4, ("epochs",))
    assert first_parting(case(loss={2: 0.1}), short) == (2, ("loss",))


def test_predictions_of_other_samples_are_not_the_same() -> None:
    other = case()._replace(predictions=case().predictions.assign(sample=[2, 4]))
    assert first_parting(case(), other) == (6, ("predictions",))


def test_the_loss_differences_are_tidy_and_zero_only_where_equal() -> None:
    table = loss_differences({"a": case(), "b": case(loss={2: 0.400000006}), "c": case()})
    assert list(table.columns) == ["epoch", "case_a", "case_b", "loss_a", "loss_b", "difference"]
    pairs = table.groupby(["case_a", "case_b"])["difference"]
    assert {pair: list(rows[rows != 0].index % EPOCHS + 1) for pair, rows in pairs} == {
        ("a", "b"): [2],
        ("a", "c"): [],
        ("b", "c"): [2],
    }


def test_cases_are_grouped_into_trainings_by_their_losses_and_weights_alone() -> None:
    cases = {
        "a": case(),
        "b": case(loss={2: 0.1}),
        "c": STATELESS,
        "d": case(loss={2: 0.1}),
        "e": case(weights={3: "x"}),
    }
    assert trainings(cases) == [["a", "c"], ["b", "d"], ["e"]]
    others = {"f": case(states={2: "x"}), "g": case(optimizer={2: "x"}), "h": case(prediction={0: 0.25})}
    assert trainings({"a": case()} | others) == [["a", "f", "g", "h"]]


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_two_cases_that_both_equal_a_third_are_in_one_group_with_it(order: tuple[str, ...]) -> None:
    """A case without states equals two whose states differ."""
    cases = {"a": case(), "b": case(states={2: "x"}), "c": STATELESS}
    assert first_parting(cases["a"], cases["b"])
    assert first_parting(cases["a"], cases["c"]) is first_parting(cases["b"], cases["c"]) is None
    assert trainings({name: cases[name] for name in order}) == [list(order)]


@pytest.mark.parametrize("sequence", [None, 1, 2, 4])
@pytest.mark.parametrize(("batch_size", "batches", "epochs"), list(product([1, 2, 3], [1, 2, 3, 4], [1, 2])))
def test_two_trainings_are_said_to_be_the_same_only_if_every_batch_and_every_reset_is(
    batch_size: int, batches: int, epochs: int, sequence: int | None
) -> None:
    if batches % (sequence or 1):
        return  # sequences go side by side until all have ended
    windows = batch_size * batches
    params = {"model": {"batch_size": batch_size}, "training": {"epochs": epochs}}

    def seen(training: Training) -> list[tuple[bool, list[int]]]:
        """What a network sees: for each batch whether its states are those of the batch before, and its windows."""
        order = batch_order(windows, batch_size, training.batches).reshape(batches, batch_size).tolist()
        carried = {
            "never": lambda _: True,
            "every_epoch": lambda batch: batch > 0,
            "every_sequence": lambda batch: batch % (sequence or batches) > 0,
            "every_batch": lambda _: False,
        }
        return [
            ((epoch, batch) != (0, 0) and carried[training.behaviour](batch), rows)
            for epoch in range(epochs)
            for batch, rows in enumerate(order)
        ]

    trainings = [one for one in TRAININGS.values() if sequence or one.behaviour != "every_sequence"]
    for a, b in combinations(trainings, 2):
        assert (
            bool(why_the_same(a, b, params, windows, sequence))
            == bool(why_the_same(b, a, params, windows, sequence))
            == (seen(a) == seen(b))
        )


def test_the_skill_is_that_beside_the_best_constant_whichever_error_counts() -> None:
    y = np.array([0, 0, 0, 0, 10], np.float32)

    def score(*values: float) -> float | None:
        return skill(pd.DataFrame({"sample": range(5), "prediction": values}), y)

    assert score(2, 2, 2, 2, 2) == score(0, 0, 0, 0, 0) == 0, "the mean, and the median"
    assert score(0, 0, 0, 0, 5) == pytest.approx(1 - 25 / 80)
    assert score(3, 3, 3, 3, 3) == pytest.approx(1 - (4 * 9 + 49) / 80), "another constant is worse"
    assert skill(pd.DataFrame({"sample": [1, 3], "prediction": [1.0, 2.0]}), y) is None, "there is nothing to learn"


def test_zero_and_minus_zero_are_not_the_same_bits() -> None:
    assert first_parting(case(prediction={0: 0.0}), case(prediction={0: -0.0})) == (6, ("predictions",))


def test_only_a_cases_own_files_are_removed_with_it(tmp_path: Path) -> None:
    for name in ("kept", "gone", "mixed"):
        write_case(tmp_path / name)
    (tmp_path / "mixed/notes.txt").touch()
    (tmp_path / "unrelated").mkdir()
    assert sorted(path.name for path in remove_other_cases(tmp_path, ["kept"])) == ["gone", "mixed"]
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"kept", *(f"kept/{file}" for file in CASE_FILES), "mixed", "mixed/notes.txt", "unrelated"}


NEVER = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
EVERY_BATCH = NEVER | {"reset": "every_batch"}
PARAMS: dict[str, Any] = {
    "dataset": {"source": "noisy_sine"},
    "model": {"initial_weights": "random", "batch_size": 2},
    "training": {"epochs": EPOCHS},
    "cases": dict.fromkeys("abc", NEVER),
    "claims": {"identical": [["a", "b"], ["a", "c"]], "different": [["b", "c"]]},
    "reference": "data/reference/of_old",
}


def write_reference(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text(
        f"training: {{epochs: 5}}\ncases: {{a: {json.dumps(NEVER)}, b: {json.dumps(EVERY_BATCH)}}}\n"
    )
    (folder / "losses.csv").write_text("epoch,a,b\n1,0.5,0.5\n2,0.4,0.4\n3,0.3,0.3\n4,0.25,0.2\n5,0.25,0.25\n")
    (folder / "predictions.csv").write_text("sample,a,b\n1,0.5,0\n3,-0.75,0\n")


def test_the_distance_from_the_reference_is_taken_only_where_the_settings_are_equal(tmp_path: Path) -> None:
    write_reference(tmp_path / "old")
    reference = read_reference(tmp_path / "old")
    cases = {"a": case(), "b": case(), "c": case()}
    same = PARAMS | {"reference": "old", "model": {"initial_weights": "old/initial_weights.npz"}}
    same["cases"] = {"a": NEVER, "b": EVERY_BATCH, "c": NEVER}
    of_a = {"max_relative_loss_difference": pytest.approx(0.2), "max_absolute_prediction_difference": 0.25}
    assert distances(reference, cases, same) == {
        "a": of_a,
        "b": {"max_relative_loss_difference": 0, "max_absolute_prediction_difference": None},
        "c": of_a,  # which is defined as `a` is
    }
    for change in ({"training": {"epochs": 6}}, {"model": {"initial_weights": "random"}}):
        assert not applies(reference, same | change)
        assert distances(reference, cases, same | change) == {}
    # A case that bears the name of another.
    interleaved = NEVER | {"batches": "interleaved"}
    otherwise = same | {"cases": {"a": interleaved, "b": EVERY_BATCH, "c": interleaved}}
    assert set(distances(reference, cases, otherwise)) == {"b"}


@pytest.mark.parametrize("missing", ["settings.yaml", "losses.csv", "predictions.csv"])
def test_a_missing_file_of_the_reference_is_reported_in_one_line(tmp_path: Path, missing: str) -> None:
    write_reference(tmp_path / "old")
    (tmp_path / "old" / missing).unlink()
    with pytest.raises(UserError, match=f"{missing}: missing"):
        read_reference(tmp_path / "old")


def test_the_results_of_a_case_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_case(tmp_path)
    read = read_case(tmp_path)
    assert first_parting(read._replace(history=read.history.head(4)), case()) == (5, ("epochs",))
    pd.testing.assert_frame_equal(read.predictions, case().predictions)
    assert {name: tensor.tobytes() for name, tensor in read.final.items()} == {
        name: tensor.tobytes() for name, tensor in case().final.items()
    }


@pytest.mark.parametrize("element", [0, 1])
@pytest.mark.parametrize("bit", [0, 12, 31])
def test_a_bit_that_flips_in_the_final_state_after_training_is_reported(tmp_path: Path, element: int, bit: int) -> None:
    write_case(tmp_path)
    final = case().final
    final["weights/dense/kernel"].view(np.uint32)[element] ^= 1 << bit
    np.savez(tmp_path / "final.npz", **final)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"final.npz: the weights do not match the last epoch in history.csv"):
        read_case(tmp_path)


def test_a_case_with_other_epochs_than_the_parameters_say_is_refused(tmp_path: Path) -> None:
    for name in "abc":
        write_case(tmp_path / name)
    assert list(read_cases(tmp_path, PARAMS)) == ["a", "b", "c"]
    with pytest.raises(UserError, match=r"a/history.csv: 5 epochs, expected training.epochs = 6"):
        read_cases(tmp_path, PARAMS | {"training": {"epochs": 6}})


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("history.csv", None, "missing"),
        ("history.csv", "", "No columns"),
        ("history.csv", "epoch,loss\n1,0.5\n", "columns"),
        ("history.csv", f"{','.join(HISTORY)}\n1,0.5,a,b,c\n3,0.4,a,b,c\n", "the epochs are not 1, 2, 3, ..."),
        ("predictions.csv", "sample,prediction\n1,much\n", "could not convert string to float"),
        (
            "predictions.csv",
            "sample,prediction\n1,nan\n",
            "line 2, column prediction: the value is not a finite number",
        ),
        ("predictions.csv", "sample,prediction\n1,inf\n", "not a finite number"),
        ("predictions.csv", "sample,prediction\n", "no rows below the header"),
        ("final.npz", None, "missing"),
        ("final.npz", "no archive", "not a NumPy archive"),
    ],
)
def test_broken_results_of_a_case_are_reported_in_one_line(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    write_case(tmp_path)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(UserError) as error:
        read_case(tmp_path)
    assert message in str(error.value)
    assert file in str(error.value)
    assert "\n" not in str(error.value)
