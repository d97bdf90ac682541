"""What is suspicious in the numbers of a series, and what float32 cannot hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.project import ROOT
from helpers.steps import AS_OPTIONS, run_here

from carryover.job.errors import UserError
from carryover.series.checks import warnings
from carryover.series.csv_format import CsvFormat
from carryover.series.notes import read_notes
from carryover.series.rows import computed, read_rows
from carryover.series.splitting import Divided, divide

RANDOM = np.random.default_rng(0)
TEMPERATURE = RANDOM.normal(10, 5, 300).round(1)


def divided(column: Any, standardized: bool) -> Divided:
    """A series of this input, of which the last fifth is held out."""
    values = np.column_stack([column, np.sin(np.arange(len(column)))])
    return divide(computed(["x", "y"], values), None, 0.2, time_steps=1, batch_size=4, standardized=standardized)


def warnings_of(column: Any, name: str = "x") -> list[str]:
    """The warnings about a single column, of which the first 200 rows are trained on in ten batches."""
    values = np.asarray(column, np.float64)[:, None]
    return warnings(computed([name], values), slice(0, 200), standardized=True, batches=10)


def with_values(values: list[float]) -> Any:
    """The temperatures, with other values in the middle."""
    return np.concatenate([TEMPERATURE[:150], values, TEMPERATURE[150:]])


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (with_values([-200] * 3), ["-200 is in 3 of 303 rows"]),
        (with_values([-99] * 2), ["-99 is in 2 of 302 rows"]),
        (with_values([-9999]), ["-9999 is in 1 of 301 rows"]),
        (with_values([999999] * 20), ["999999 is in 20 of 320 rows"]),
        (with_values([-999, 9999, 9999]), ["-999 is in 1 of 303 rows", "9999 is in 2 of 303 rows"]),
        (np.append(abs(TEMPERATURE), abs(TEMPERATURE).sum()), [f"{abs(TEMPERATURE).sum():g} is in 1 of 301 rows"]),
        (np.where(np.arange(300) % 7, 1013 + TEMPERATURE, 0), ["0 is in 43 of 300 rows"]),
    ],
    ids=["-200", "-99", "once", "high", "both ends", "a total", "a pressure of 0"],
)
def test_a_value_far_from_all_others_is_a_warning_with_its_number_of_rows(column: Any, found: list[str]) -> None:
    made = warnings_of(column)
    assert [warning.split(",")[0] for warning in made] == [f"column 'x': {text}" for text in found]


def test_the_warning_names_the_other_values_and_what_to_do() -> None:
    low, high = TEMPERATURE.min(), TEMPERATURE.max()
    (made,) = warnings_of(with_values([-200] * 3), "CO (mg/m³)")
    assert made == (
        f"column 'CO (mg/m³)': -200 is in 3 of 303 rows, far from all other values ({low:g} to {high:g}); if it means "
        "a missing value, add it to dataset.missing_values; if it is a total, leave it out (dataset.skip_footer)"
    )


@pytest.mark.parametrize(
    "column",
    [
        TEMPERATURE,
        np.where(RANDOM.random(300) < 0.9, 0, RANDOM.gamma(0.5, 8, 300)).round(1),
        RANDOM.integers(0, 2, 300) * 100,
        np.repeat([1.0, 2.0, 3.0, 1000.0], 75),
        np.concatenate([RANDOM.normal(1, 0.1, 200), RANDOM.normal(50, 0.1, 100)]).round(2),
        RANDOM.lognormal(0, 1, 300),
        2.0 ** np.arange(300) / 2.0**200,
        np.clip(TEMPERATURE, 8, 12),
        np.where(np.arange(300) % 7, RANDOM.normal(5000, 500, 300).round(), 0),
    ],
    ids=["normal", "rain", "binary", "categories", "a step", "skewed", "growing", "clipped", "closed on Sundays"],
)
def test_measurements_give_no_warning(column: Any) -> None:
    assert [warning for warning in warnings_of(column) if "outside of the range" not in warning] == []


def test_held_out_values_that_the_training_part_has_not_are_a_warning() -> None:
    column = TEMPERATURE + np.arange(300) * 0.1
    (made,) = warnings_of(column)
    share = np.mean(column[200:] > column[:200].max())
    assert made.startswith(f"column 'x': {share:.0%} of its held-out values are outside of the range of the training")
    assert warnings_of(TEMPERATURE) == []


def test_make_dataset_prints_a_warning_and_writes_it_into_the_notes(tmp_path: Path) -> None:
    lines = [f"{x},{y}" for x, y in zip(TEMPERATURE, with_values([-200] * 3), strict=False)]
    (tmp_path / "mine.csv").write_text("\n".join(["x,y", *lines]))
    outputs = [f"--output{part}={tmp_path}/out{part}" for part in ("", "_held_out", "_scales", "_notes", "_times")]
    rest = "--source mine --samples all --held_out 30 --step 1 --noise 1 --seed 1 --inputs x --target y --time_steps 1"
    rest += " --standardize"
    done = run_here(
        "make_dataset", *outputs, "--series", str(tmp_path), *rest.split(), *AS_OPTIONS, "--batch_size", "20"
    )
    (warning,) = read_notes(tmp_path / "out_notes").warnings
    assert warning.startswith("column 'y': -200 is in 3 of 300 rows")
    assert done.stdout.splitlines() == [
        "300 samples: 260 to train on, 30 held out, the oldest 10 left over",
        f"warning: {tmp_path}/mine.csv: {warning}",
    ]


def test_the_weather_of_seattle_gives_no_warning() -> None:
    columns = ["precipitation", "temp_max", "temp_min", "wind"]
    form = CsvFormat(time=["date"])
    rows = read_rows(ROOT / "data/series/seattle_weather.csv", columns, "temp_max", form, horizon=1)
    assert warnings(rows, slice(0, 1152), standardized=True, batches=36) == []


def test_a_constant_column_is_a_warning_if_it_is_not_standardized() -> None:
    column = np.append(np.full(80, 3.0), np.arange(20))
    assert [w for w in divided(column, standardized=False).notes.warnings if "throughout" in w] == [
        "column 'x': it is 3 throughout the training part, so it has nothing to learn; choose another column"
    ]
    with pytest.raises(UserError, match="column 'x' is 3 throughout the training part"):
        divided(column, standardized=True)


@pytest.mark.parametrize("standardized", [True, False])
@pytest.mark.parametrize("column", [1e-200 * np.arange(100), 1e-47 * np.arange(100), 1.7e9 + np.arange(100)])
def test_a_column_that_float32_cannot_resolve_is_refused(column: Any, standardized: bool) -> None:
    with pytest.raises(UserError, match=r"column 'x' only ranges from .* to .* in the training part"):
        divided(column, standardized)


@pytest.mark.parametrize("column", [np.arange(100.0), 1e-40 * np.arange(100), 1.7e9 + 86400 * np.arange(100)])
def test_what_float32_can_resolve_is_not_refused(column: Any) -> None:
    assert np.isfinite(divided(column, standardized=True).training.x).all()


def test_a_value_that_overflows_once_it_is_standardized_is_refused() -> None:
    column = np.append(1e-30 * np.arange(99), 1e12)
    with pytest.raises(UserError) as error:
        divided(column, standardized=True)
    assert str(error.value) == (
        "column 'x', row 100: 1e+12 is 4.3e+40 standard deviations of the training part, and float32 holds up to "
        "3.4e+38; correct the value, or leave the column out"
    )
