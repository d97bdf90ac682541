"""Each figure is drawn, twice the same to the byte, from cases made by hand."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from helpers.cases import STATELESS, case
from matplotlib.figure import Figure

from carryover.comparison.partings import loss_differences, trainings
from carryover.figures.equality import draw_equality
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.losses import draw_losses
from carryover.figures.predictions import NOISY, PREDICTED, PURE, draw_predictions
from carryover.figures.style import DIFFERENT, IDENTICAL, save
from carryover.series.noisy_sine import noisy_sine

CASES = {"one": case(), "two": STATELESS, "three": case(loss={2: 0.35}, weights={2: "x"}, final={0: 0.5})}
ALONE = {"one": case()}
SERIES = noisy_sine(samples=4, step=0.5, noise=0.1, seed=1)
SINE = {"source": "noisy_sine", "step": 0.5}
FORECASTS = pd.DataFrame(
    {"sample": [4, 5], "target": [0.9, 1.0], "input": [0.8, 1.1], "mean": [0.4, 0.4]}
    | {f"{name}/{states}": [0.1, 0.2] for name in CASES for states in ("carried", "reset")}
)


def pairs() -> dict[str, pd.DataFrame]:
    table = loss_differences(CASES)
    return {f"{a} = {b}": rows for (a, b), rows in table.groupby(["case_a", "case_b"])}


FIGURES: dict[str, Callable[[], Figure]] = {
    "predictions": lambda: draw_predictions(SERIES, {n: c.predictions for n, c in CASES.items()}, SINE),
    "predictions_of_one": lambda: draw_predictions(SERIES, {n: c.predictions for n, c in ALONE.items()}, SINE),
    "losses": lambda: draw_losses(CASES, trainings(CASES), None),
    "losses_with_reference": lambda: draw_losses(
        CASES, trainings(CASES), pd.DataFrame({"epoch": range(1, 6), "one": np.linspace(0.5, 0.2, 5)})
    ),
    "loss_differences": lambda: draw_loss_differences(pairs()),
    "loss_differences_of_none": lambda: draw_loss_differences({"one = two": pairs()["one = two"]}),
    "loss_differences_without_claims": lambda: draw_loss_differences({}),
    "predictions_of_a_csv": lambda: draw_predictions(
        SERIES._replace(x=np.column_stack([SERIES.x, SERIES.x]), columns=("rain", "wind", "warmth")),
        {n: c.predictions for n, c in CASES.items()},
        {"source": "weather", "step": 0.5},
    ),
    "forecasts": lambda: draw_forecasts(FORECASTS, trainings(CASES)),
    "no_forecasts": lambda: draw_forecasts(FORECASTS.head(0), trainings(CASES)),
    "equality": lambda: draw_equality(CASES),
    "equality_of_one": lambda: draw_equality(ALONE),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_each_time_and_names_no_date_or_version(tmp_path: Path, name: str) -> None:
    files = []
    for number in (1, 2):
        svg, png = tmp_path / f"{number}.svg", tmp_path / f"{number}.png"
        save(FIGURES[name](), svg, png)
        files.append((svg.read_bytes(), png.read_bytes()))
    assert files[0] == files[1]
    ElementTree.fromstring(files[0][0])
    assert files[0][1].startswith(b"\x89PNG")
    for content in files[0]:
        assert b"Matplotlib" not in content
        assert b"<dc:date>" not in content


def test_equal_and_different_are_told_apart_in_grey_too() -> None:
    """By the contrast ratio of WCAG 2, which asks for at least 3 between graphical objects."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    dark, light = sorted(luminance(colour) for colour in (IDENTICAL, DIFFERENT))
    assert (light + 0.05) / (dark + 0.05) > 3


def test_a_panel_without_a_case_is_left_empty() -> None:
    shown = [panel.axison for panel in FIGURES["predictions"]().axes]
    assert shown == [True, True, True, False]


def test_the_figure_of_2017_has_its_form() -> None:
    figure = FIGURES["predictions_of_one"]()
    assert tuple(figure.get_size_inches()) == (10, 6)
    (panel,) = figure.axes
    assert [line.get_color() for line in panel.lines] == [NOISY, PURE, PREDICTED] == ["#111111", "#E69F00", "#56B4E9"]
    assert [line.get_linewidth() for line in panel.lines] == [3, 3, 3]
    assert np.allclose(panel.get_facecolor()[:3], 0xE5 / 0xFF), "ggplot's grey"
    assert panel.lines[2].get_xdata().tolist() == [0.5, 1.5], "in radians, where the windows end"
    assert panel.lines[2].get_ydata().tolist() == [0.5, -0.5]
    legend = panel.get_legend()
    assert legend is not None
    assert legend._loc == 4, "lower right"  # type: ignore[attr-defined]


def test_the_loss_figure_has_a_line_for_each_training_that_names_its_cases() -> None:
    (axes,) = FIGURES["losses_with_reference"]().axes
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["Keras 2.0.4 on Theano, 2017 (under each)", "one = two", "three"]


def test_the_lanes_tell_zero_from_different_at_each_epoch() -> None:
    lanes = FIGURES["loss_differences"]().axes[1]
    assert [label.get_text() for label in lanes.get_yticklabels()] == list(pairs())
    seen = np.asarray(lanes.collections[0].get_array()).reshape(3, 5)
    assert {name: row.tolist() for name, row in zip(pairs(), seen, strict=True)} == {
        "one = two": [0, 0, 0, 0, 0],
        "one = three": [0, 1, 0, 0, 0],
        "two = three": [0, 1, 0, 0, 0],
    }
    assert lanes.collections[0].get_cmap().colors == [IDENTICAL, DIFFERENT]


def test_the_matrix_says_identical_or_where_two_cases_part() -> None:
    (axes,) = FIGURES["equality"]().axes
    texts = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in axes.texts}
    assert texts == {
        (0, 1): "identical\n\n5 elements\nat the end",
        (0, 2): "part at epoch 2:\nloss, weights\n\nat the end\n1 of 5\nelements differ",
        (1, 2): "part at epoch 2:\nloss, weights\n\nat the end\n1 of 5\nelements differ",
    }


def test_the_predictions_of_a_csv_are_drawn_with_its_own_names() -> None:
    panel = FIGURES["predictions_of_a_csv"]().axes[0]
    assert [line.get_label() for line in panel.lines] == ["warmth", "prediction after training"]
    assert panel.lines[1].get_xdata().tolist() == [1, 3], "by sample"
    assert panel.get_ylabel() == "warmth"


def test_the_forecasts_have_a_panel_for_each_training_with_both_ways_of_deployment() -> None:
    first, second = FIGURES["forecasts"]().axes
    assert [panel.get_title(loc="left") for panel in (first, second)] == ["one = two", "three"]
    assert [line.get_label() for line in first.lines] == [
        "input",
        "target",
        "forecast, states carried from the start of the series",
        "forecast, states reset at every window",
    ]
