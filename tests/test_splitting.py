"""The training part, the part that is held out, and standardization by the training part alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.forecasts.held_out import held_out_windows
from carryover.job.errors import UserError
from carryover.series.dataset import Series
from carryover.series.notes import Notes, Span, read_notes, write_notes
from carryover.series.rows import computed
from carryover.series.scales import (
    AS_IT_IS,
    Scale,
    in_own_units,
    read_scales,
    scales_of,
    series_in_own_units,
    standardize,
    write_scales,
)
from carryover.series.splitting import divide, split_rows


@given(
    rows=st.integers(1, 500),
    samples=st.none() | st.integers(1, 60),
    held_out=st.integers(0, 200) | st.floats(0.01, 0.99),
    time_steps=st.integers(1, 5),
    batch_size=st.integers(1, 6),
)
def test_the_parts_follow_each_other_and_end_where_the_series_ends(
    rows: int, samples: int | None, held_out: float, time_steps: int, batch_size: int
) -> None:
    last = held_out if isinstance(held_out, int) else round(rows * held_out)
    multiple = time_steps * batch_size
    try:
        training, rest = split_rows(rows, samples, held_out, time_steps, batch_size)
    except UserError:
        no_window = isinstance(held_out, float) and last < time_steps
        assert no_window or rows - last < (multiple if samples is None else samples)
        return
    number = training.stop - training.start
    assert number == ((rows - last) // multiple * multiple if samples is None else samples)
    assert training.start == rows - last - number
    assert (training.stop, rest.stop) == (rest.start, rows)
    assert rest.stop - rest.start == last


@pytest.mark.parametrize(
    ("rows", "samples", "held_out", "message"),
    [
        (
            100,
            90,
            20,
            "100 rows, 20 of them held out, leave 80 to train on, fewer than dataset.samples = 90; lower it, lower "
            "dataset.held_out, or add rows",
        ),
        (
            36,
            None,
            0.2,
            "36 rows, 7 of them held out, leave 29 to train on, fewer than one batch of 40 (model.time_steps 5 x "
            "model.batch_size 8); set model.batch_size to 5 or less, lower dataset.held_out, or add rows",
        ),
        (
            8,
            None,
            5,
            "8 rows, 5 of them held out, leave 3 to train on, fewer than one batch of 40 (model.time_steps 5 x "
            "model.batch_size 8); lower both, lower dataset.held_out, or add rows",
        ),
        (
            0,
            None,
            0,
            "0 rows, 0 of them held out, leave 0 to train on, fewer than one batch of 40 (model.time_steps 5 x "
            "model.batch_size 8); lower both, lower dataset.held_out, or add rows",
        ),
        (
            10,
            1,
            20,
            "10 rows, 20 of them held out, leave 0 to train on, fewer than dataset.samples = 1; lower it, lower "
            "dataset.held_out, or add rows",
        ),
        (
            40,
            None,
            0.1,
            "dataset.held_out: 0.1 of 40 rows are 4, less than one window of 5 (model.time_steps); hold out more, or 0",
        ),
        (
            40,
            None,
            0.01,
            "dataset.held_out: 0.01 of 40 rows are 0, less than one window of 5 (model.time_steps); hold out more, "
            "or 0",
        ),
    ],
)
def test_too_few_rows_are_reported_in_one_line(rows: int, samples: int | None, held_out: float, message: str) -> None:
    with pytest.raises(UserError) as error:
        split_rows(rows, samples, held_out, time_steps=5, batch_size=8)
    assert str(error.value) == message


def test_the_notes_say_where_every_sample_is() -> None:
    values = np.random.default_rng(0).normal(size=(99, 2))
    parts = divide(computed(["x", "y"], values), None, 32, time_steps=6, batch_size=5, standardized=True)
    assert parts.notes._replace(warnings=[]) == Notes(99, 60, 32, 7, 2, 0, {}, None, [])
    assert (len(parts.training.y), len(parts.held_out.y)) == (60, 32)
    assert len(held_out_windows(parts.training, parts.held_out, 6, "window_end").samples) == (32 - 2) // 6


def test_the_notes_survive_writing_and_reading(tmp_path: Path) -> None:
    span = Span("2020-01-01", "2020-04-08", "1 day", True)
    notes = Notes(99, 60, 32, 7, 2, 1, {"wärme": 3}, span, ["column 'wärme': it is 3"])
    write_notes(tmp_path / "notes.json", notes)
    assert read_notes(tmp_path / "notes.json") == notes
    for broken in ("", "[]", '{"samples": 1}'):
        (tmp_path / "notes.json").write_text(broken)
        with pytest.raises(UserError, match="not the notes of make_dataset; delete the file"):
            read_notes(tmp_path / "notes.json")


def test_a_series_is_standardized_and_back_to_the_precision_of_float32() -> None:
    values = np.random.default_rng(0).normal([1000, -5], [20, 0.1], (500, 2))
    scales = scales_of(values[:400], ["a", "b"])
    standardized = standardize(values, scales)
    np.testing.assert_allclose(standardized[:400].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standardized[:400].std(axis=0), 1)
    series = Series(standardized[:, :1].astype(np.float32), standardized[:, 1].astype(np.float32), ("a", "b"))
    own = series_in_own_units(series, scales)
    np.testing.assert_allclose(own.x[:, 0], values[:, 0], rtol=1e-6)
    np.testing.assert_allclose(own.y, values[:, 1], rtol=1e-6)


def test_what_is_not_standardized_stays_to_the_bit() -> None:
    values = np.array([-0.0, 1e-45, 3.4e38], np.float32)
    assert in_own_units(values, AS_IT_IS).tobytes() == values.tobytes()


def test_a_constant_column_is_reported() -> None:
    with pytest.raises(UserError, match=r"column 'b' is 3 throughout the training part and cannot be standard"):
        scales_of(np.array([[1.0, 3.0], [2.0, 3.0]]), ["a", "b"])


def test_the_scales_survive_writing_and_reading_to_the_bit(tmp_path: Path) -> None:
    scales = [Scale(1 / 3, 1e-300), AS_IT_IS]
    write_scales(tmp_path / "scales.csv", ("wind, felt", "y"), scales)
    assert read_scales(tmp_path / "scales.csv") == scales
    (tmp_path / "scales.csv").write_text("column,mean\n")
    with pytest.raises(UserError, match="not the scales of the columns; delete the file"):
        read_scales(tmp_path / "scales.csv")
