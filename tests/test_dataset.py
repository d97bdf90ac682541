from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.project import REFERENCE
from hypothesis import given
from hypothesis import strategies as st

from carryover.job.errors import UserError
from carryover.series.batches import batch_order, cut_windows, target_samples
from carryover.series.csv_file import read_csv_columns
from carryover.series.dataset import Series, read_columns, read_series, write_series
from carryover.series.noisy_sine import noisy_sine
from carryover.series.scales import Scale, read_scales, write_scales


def test_the_series_of_2017_is_made_byte_for_byte(tmp_path: Path) -> None:
    write_series(tmp_path / "series.csv", noisy_sine(samples=1000, step=0.01, noise=0.1, seed=1))
    assert (tmp_path / "series.csv").read_bytes() == (REFERENCE / "noisy_sine.csv").read_bytes()


def test_another_seed_changes_the_noise_and_not_the_sine() -> None:
    one, two = (noisy_sine(samples=50, step=0.1, noise=0.1, seed=seed) for seed in (1, 2))
    assert (one.x != two.x).all()
    assert (one.y == two.y).all()


def test_without_noise_the_input_is_the_target() -> None:
    series = noisy_sine(samples=50, step=0.1, noise=0.0, seed=1)
    assert (series.x[:, 0] == series.y).all()


def test_a_series_survives_writing_and_reading_to_the_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 4000, dtype=np.uint32).view(np.float32)
    values = bits[np.isfinite(bits)][:1998].reshape(-1, 3)
    columns = ("wind, in m/s", 'the "felt" °C', "y")
    write_series(tmp_path / "series.csv", Series(values[:, :2], values[:, 2], columns))
    again = read_series(tmp_path / "series.csv")
    assert (again.x.tobytes(), again.y.tobytes()) == (values[:, :2].tobytes(), values[:, 2].tobytes())
    assert again.columns == read_columns(tmp_path / "series.csv") == columns


NAMES = (
    "wind, in m/s",
    'the "felt" °C',
    "$HOME",
    "${dataset.seed} {k}",
    "50%",
    "it's",
    "相对湿度 %",
    "two\nlines",
    "a\u2028b",
)


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    values = np.arange(2 * len(NAMES), dtype=np.float32).reshape(2, -1)
    write_series(tmp_path / "series.csv", Series(values[:, :-1], values[:, -1], NAMES))
    again = read_series(tmp_path / "series.csv")
    assert again.columns == read_columns(tmp_path / "series.csv") == NAMES
    assert np.column_stack([again.x, again.y]).tolist() == values.tolist()
    scales = [Scale(float(number), 2.0) for number in range(len(NAMES))]
    write_scales(tmp_path / "scales.csv", NAMES, scales)
    assert read_scales(tmp_path / "scales.csv") == scales
    assert read_csv_columns(tmp_path / "series.csv", [*NAMES]).values.tolist() == values.tolist()


def test_a_longer_series_begins_with_the_shorter_one() -> None:
    short, long = (noisy_sine(samples, step=0.01, noise=0.1, seed=1) for samples in (1000, 1200))
    assert long.part(slice(0, 1000)).x.tobytes() == short.x.tobytes()
    assert long.part(slice(0, 1000)).y.tobytes() == short.y.tobytes()


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("window_end", [[102], [105], [108], [111]]),
        ("every_step", [[[first], [first + 1], [first + 2]] for first in (100, 103, 106, 109)]),
    ],
)
def test_windows_do_not_overlap_and_have_their_targets_at_the_last_sample_or_at_each(
    chosen: str, expected: list[Any]
) -> None:
    series = Series(np.arange(12, dtype=np.float32)[:, None], 100 + np.arange(12, dtype=np.float32))
    inputs, targets = cut_windows(series, time_steps=3, batch_size=2, targets=chosen)
    assert inputs[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert targets.tolist() == expected
    assert series.y[target_samples(4, 3, chosen)].tolist() == targets.ravel().tolist()


@given(batch_size=st.integers(1, 20), number=st.integers(1, 20))
def test_a_row_of_interleaved_batches_is_a_stretch_of_the_series(batch_size: int, number: int) -> None:
    order = batch_order(batch_size * number, batch_size, "interleaved").reshape(number, batch_size)
    assert sorted(order.ravel()) == list(range(batch_size * number))
    # The state that a row carries to the next batch belongs to the window just before.
    assert (np.diff(order, axis=0) == 1).all()
    contiguous = batch_order(batch_size * number, batch_size, "contiguous").reshape(number, batch_size)
    assert (np.diff(contiguous, axis=0) == batch_size).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "header is ''"),
        ("x\n1\n", "header is 'x', expected inputs and a target"),
        ("x,y\n", "no rows"),
        ("x,y\n1,2\n3,nan\n", "line 3, column y: nan is not a finite number"),
        ("x,y\ninf,2\n", "line 2, column x: inf is not a finite number"),
        ("x,y\n1,2\n3,four\n", "line 3, column y: 'four' is not a number"),
        ("x,y\n1,2\n3\n", "line 3: 1 columns, expected 2"),
        ("x,y\n1\n3\n", "line 2: 1 columns, expected 2"),
        ("x,y\n1,\xff2\n", "not UTF-8 text"),
    ],
)
def test_a_broken_series_is_reported_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "series.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError) as error:
        read_series(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
