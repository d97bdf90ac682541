"""Each figure has the one style of all, and is drawn twice the same to the byte, from cases made by hand."""

from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from helpers.cases import STATELESS, case
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.text import Text

from carryover.comparison.partings import loss_differences, trainings
from carryover.figures.equality import draw_equality
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.groups import Group, grouped
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.losses import draw_losses
from carryover.figures.predictions import NOISY, PREDICTED, PURE, draw_predictions
from carryover.figures.replicates import draw_replicates
from carryover.figures.style import (
    COLOURS,
    DIFFERENT,
    IDENTICAL,
    INPUT,
    LINE_STYLES,
    PAIR_COLOURS,
    REFERENCE,
    SMALL,
    TARGET,
    WIDTH,
    pair_line,
    save,
)
from carryover.forecasts.held_out import column
from carryover.series.noisy_sine import noisy_sine
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS, Training
from carryover.training.case_results import Cases

# In an order in which neighbours are of different trainings.
CASES = {
    "one": case(),
    "three": case(loss={2: 0.35}, weights={2: "x"}, final={0: 0.5}),
    "two": STATELESS,
    "four": case(states={1: "t"}, weights={3: "t"}),
    "five": case(weights={5: "u"}),
}
DEFINITIONS = {
    "one": {"calls": "loop", "reset": "every_batch", "stateful": True, "batches": "contiguous"},
    "two": {"calls": "single", "reset": "never", "stateful": False, "batches": "contiguous"},
    "three": {"calls": "loop", "reset": "never", "stateful": True, "batches": "contiguous"},
    "four": {"calls": "loop", "reset": "every_epoch", "stateful": True, "batches": "interleaved"},
    "five": {"calls": "loop", "reset": "never", "stateful": True, "batches": "interleaved"},
}
ORDER = ["three", "five", "four", "one", "two"]
ALONE = {"one": case()}
TWELVE = {f"a_case_with_a_long_name_{number:02}": case(weights={number % 5: str(number)}) for number in range(1, 13)}
SERIES = noisy_sine(samples=4, step=0.5, noise=0.1, seed=1)
PREDICTIONS = {name: case.predictions for name, case in CASES.items()}
SINE = {"source": "noisy_sine", "step": 0.5}
PARAMS = {"training": {"loss": "mse", "epochs": 5}, "cases": DEFINITIONS, "dataset": SINE}
FORECASTS = pd.DataFrame(
    {"sample": [4, 5], "target": [0.9, 1.0], "input": [0.8, 1.1], "mean": [0.4, 0.4]}
    | {f"{name}/{states}": [0.85, 0.95] for name in CASES for states in ("carried", "reset")}
)
FAR_OFF = FORECASTS.assign(**{"three/carried": [-40.0, 1.0], "four/reset": [0.9, 70.0]})
REFERENCE_2017 = pd.DataFrame({"epoch": range(1, 6), "one": np.linspace(0.5, 0.2, 5)})
REPLICATES = {
    Training(behaviour, batches): 0.1 + np.random.default_rng(1).random((6, 5))
    for behaviour in BEHAVIOURS
    for batches in BATCH_ORDERS
}


def groups(cases: Cases = CASES) -> list[Group]:
    definitions = {name: DEFINITIONS.get(name, DEFINITIONS["one"]) for name in cases}
    return grouped(trainings(cases), {"cases": definitions})


def pairs(cases: Cases = CASES) -> dict[str, pd.DataFrame]:
    table = loss_differences(cases)
    return {f"{a} = {b}": rows for (a, b), rows in table.groupby(["case_a", "case_b"], sort=False)}


def predictions(cases: Cases) -> Figure:
    return draw_predictions(SERIES, {n: c.predictions for n, c in cases.items()}, groups(cases), SINE)


def diverged(cases: Cases) -> Cases:
    return {name: case._replace(history=case.history.assign(loss=np.nan)) for name, case in cases.items()}


def one_epoch(cases: Cases) -> Cases:
    return {name: case._replace(history=case.history.head(1)) for name, case in cases.items()}


FIGURES: dict[str, Callable[[], Figure]] = {
    "predictions": lambda: predictions(CASES),
    "predictions_of_one": lambda: predictions(ALONE),
    "predictions_of_a_csv": lambda: draw_predictions(
        SERIES._replace(x=np.column_stack([SERIES.x, SERIES.x]), columns=("rain", "wind", "cost ($, $)")),
        {n: c.predictions for n, c in CASES.items()},
        groups(),
        {"source": "weather", "step": 0.5},
    ),
    "losses": lambda: draw_losses(CASES, groups(), None, PARAMS),
    "losses_of_one": lambda: draw_losses(ALONE, groups(ALONE), None, PARAMS),
    "losses_of_one_epoch": lambda: draw_losses(one_epoch(CASES), groups(), None, PARAMS),
    "losses_that_are_not_numbers": lambda: draw_losses(diverged(CASES), groups(), None, PARAMS),
    "losses_with_reference": lambda: draw_losses(CASES, groups(), REFERENCE_2017, PARAMS),
    "loss_differences": lambda: draw_loss_differences(pairs(), PARAMS),
    "loss_differences_of_one_epoch": lambda: draw_loss_differences(pairs(one_epoch(CASES)), PARAMS),
    "loss_differences_of_none": lambda: draw_loss_differences({"one = two": pairs()["one = two"]}, PARAMS),
    "loss_differences_without_claims": lambda: draw_loss_differences({}, PARAMS),
    "replicates": lambda: draw_replicates(REPLICATES, CASES, groups(), PARAMS),
    "replicates_of_one_training": lambda: draw_replicates(
        dict([next(iter(REPLICATES.items()))]), CASES, groups(), PARAMS
    ),
    "one_replicate_of_one_epoch": lambda: draw_replicates(
        {training: losses[:1, :1] for training, losses in REPLICATES.items()}, one_epoch(CASES), groups(), PARAMS
    ),
    "replicates_that_are_not_numbers": lambda: draw_replicates(
        {training: losses * [1, 1, 1, 1, np.nan] for training, losses in REPLICATES.items()}, CASES, groups(), PARAMS
    ),
    "no_replicates": lambda: draw_replicates({}, CASES, groups(), PARAMS),
    "forecasts": lambda: draw_forecasts(FORECASTS, groups(), "y"),
    "forecasts_far_off": lambda: draw_forecasts(FAR_OFF, groups(), "y"),
    "forecasts_that_are_not_numbers": lambda: draw_forecasts(
        FORECASTS.assign(**{"one/carried": np.nan, "one/reset": [np.inf, 1.0]}), groups(), "y"
    ),
    "forecasts_of_one": lambda: draw_forecasts(FORECASTS.head(1), groups(ALONE), "y"),
    "forecasts_of_several_inputs": lambda: draw_forecasts(FORECASTS.drop(columns="input"), groups(), "cost ($, $)"),
    "no_forecasts": lambda: draw_forecasts(FORECASTS.head(0), groups(), "y"),
    "equality": lambda: draw_equality(CASES, groups()),
    "equality_of_one": lambda: draw_equality(ALONE, groups(ALONE)),
    "equality_of_two": lambda: draw_equality(
        {n: CASES[n] for n in ("one", "two")}, groups({"one": CASES["one"], "two": STATELESS})
    ),
    "equality_of_twelve": lambda: draw_equality(TWELVE, groups(TWELVE)),
}
EMPTY = {"loss_differences_without_claims", "no_replicates", "no_forecasts", "equality_of_one"}
OF_2017 = {name for name in FIGURES if name.startswith("predictions")}
COLOURED = [name for name in FIGURES if name not in EMPTY | OF_2017]


def lines(figure: Figure) -> Iterator[Line2D]:
    """Every line of a figure that shows or explains a number, without those that matplotlib's boxes consist of."""
    for axes in figure.axes:
        yield from (line for line in axes.lines if line.get_zorder() < 3)
    for legend in figure.legends:
        yield from legend.get_lines()


class Saved(NamedTuple):
    figure: Figure
    svg: bytes
    png: bytes


def draw(name: str) -> Saved:
    with TemporaryDirectory() as folder:
        svg, png = Path(folder) / "figure.svg", Path(folder) / "figure.png"
        figure = FIGURES[name]()
        save(figure, svg, png)
        return Saved(figure, svg.read_bytes(), png.read_bytes())


saved = cache(draw)
"""A figure that several tests look at, with its files."""


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_each_time_and_names_no_date_or_version(name: str) -> None:
    files = [saved(name)[1:], draw(name)[1:]]
    assert files[0] == files[1]
    ElementTree.fromstring(files[0][0])
    assert files[0][1].startswith(b"\x89PNG")
    for content in files[0]:
        assert b"Matplotlib" not in content
        assert b"<dc:date>" not in content


@pytest.mark.parametrize("name", FIGURES)
def test_every_axes_has_labels_and_tick_labels_and_no_text_is_too_small_or_cut_off(name: str) -> None:
    figure, _, png = saved(name)
    drawn = figure.get_size_inches()[0] / WIDTH
    for axes in figure.axes:
        visible = [[text for text in axis.get_ticklabels() if text.get_text()] for axis in (axes.xaxis, axes.yaxis)]
        assert all(visible), "tick labels"
        if not name.startswith("equality"):  # a matrix of cases needs no name for its axes
            assert axes.get_xlabel() and axes.get_ylabel()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= SMALL * drawn * 0.88
    pixels = imread(BytesIO(png))
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 1).all(), "something reaches beyond the figure"


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in EMPTY])
def test_a_figure_has_one_title_above_and_its_legend_below_everything(name: str) -> None:
    figure = saved(name).figure
    if name == "predictions_of_one":
        return  # the figure of 2017 has its legend inside
    (legend,) = figure.legends
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    assert legend.get_window_extent().y1 <= lowest + 1
    assert all(axes.get_legend() is None for axes in figure.axes)
    title = figure._suptitle  # type: ignore[attr-defined]
    assert title.get_window_extent().y0 >= max(axes.bbox.y1 for axes in figure.axes)
    assert title.get_position()[0] == 0.01


@pytest.mark.parametrize("name", ["losses_of_one_epoch", "one_replicate_of_one_epoch", "forecasts_of_one"])
def test_a_single_point_is_seen(name: str) -> None:
    figure = FIGURES[name]()
    figure.legends.clear()
    figure.dpi = 60
    FigureCanvasAgg(figure).draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3]  # type: ignore[attr-defined]
    assert (pixels == np.round(np.multiply(to_rgb(COLOURS["every_batch"]), 255))).all(axis=-1).any()


def test_behaviours_and_batch_orders_are_those_that_the_parameters_have() -> None:
    assert (COLOURS.keys(), LINE_STYLES.keys()) == (BEHAVIOURS.keys(), BATCH_ORDERS.keys())


def test_no_colour_has_two_meanings() -> None:
    colours = [*COLOURS.values(), IDENTICAL, DIFFERENT, TARGET, INPUT, REFERENCE]
    assert len(set(colours)) == len(colours)
    assert not set(PAIR_COLOURS) & {*COLOURS.values(), IDENTICAL, DIFFERENT}


@pytest.mark.parametrize("name", ["losses", "replicates", "forecasts", "equality"])
def test_every_figure_draws_a_training_in_the_colour_of_its_behaviour_and_the_style_of_its_batch_order(
    name: str,
) -> None:
    looks = {(to_hex(line.get_color()).upper(), line.get_linestyle()) for line in lines(FIGURES[name]())}
    of_trainings = {look for look in looks if look[0] in COLOURS.values() and look[1] != "None"}
    there = REPLICATES if name == "replicates" else {group.training for group in groups()}
    assert of_trainings == {(COLOURS[training.behaviour], LINE_STYLES[training.batches]) for training in there}
    for line in lines(FIGURES[name]()):
        label = str(line.get_label())
        for behaviour, words in BEHAVIOURS.items():
            if label.startswith(words):
                assert same_color(line.get_color(), COLOURS[behaviour])
        for batches, style in LINE_STYLES.items():
            if f"{batches} batches" in label:
                assert line.get_linestyle() == style


@pytest.mark.parametrize("name", ["loss_differences", "predictions"])
def test_a_figure_that_is_not_about_one_training_uses_no_colour_of_a_behaviour(name: str) -> None:
    assert not {to_hex(line.get_color()).upper() for line in lines(FIGURES[name]())} & set(COLOURS.values())


def test_equal_and_different_are_told_apart_in_grey_too() -> None:
    """By the contrast ratio of WCAG 2, which asks for at least 3 between graphical objects."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    dark, light = sorted(luminance(colour) for colour in (IDENTICAL, DIFFERENT))
    assert (light + 0.05) / (dark + 0.05) > 3


def test_there_is_a_panel_for_each_case_in_the_order_of_the_trainings() -> None:
    titles = [panel.get_title().splitlines()[0] for panel in FIGURES["predictions"]().axes]
    assert titles == ORDER


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
    figure.draw_without_rendering()
    lowest = min(line.get_transform().transform(line.get_xydata())[:, 1].min() for line in panel.lines)
    assert legend.get_window_extent().y1 < lowest, "and on no curve"


def test_the_loss_figure_has_a_line_for_each_training_that_names_its_cases() -> None:
    figure = FIGURES["losses_with_reference"]()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Keras 2.0.4 on Theano, 2017",
        "never reset, contiguous batches: three",
        "never reset, interleaved batches: five",
        "reset every epoch, interleaved batches: four",
        "reset every batch, contiguous batches: one = two",
    ]
    (axes,) = figure.axes
    assert len(axes.lines) == 5
    assert axes.get_ylabel() == "loss of the epoch\n(mean squared error, log scale)"


def test_trainings_that_turn_out_to_be_the_same_are_all_named() -> None:
    cases = {"one": case(), "three": case(states={1: "t"})}
    both = "never reset, contiguous batches = reset every batch, contiguous batches"
    (group,) = grouped([["three", "one"]], PARAMS)
    for figure in (draw_losses(cases, [group], None, PARAMS), draw_equality(cases, [group])):
        texts = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
        assert any(text.startswith(both) for text in texts)
    titles = [panel.get_title() for panel in draw_predictions(SERIES, PREDICTIONS, [group], SINE).axes]
    assert titles == ["three\n(never reset, contiguous batches)", "one\n(reset every batch, contiguous batches)"]
    left, _ = draw_replicates(REPLICATES, cases, [group], PARAMS).axes
    thin = {line.get_color() for line in left.lines if line.get_linewidth() < 1}
    assert thin == {COLOURS["never"], COLOURS["every_batch"]}


def test_predictions_of_windows_of_several_samples_are_points_and_those_of_every_sample_a_line() -> None:
    of_each = pd.DataFrame({"sample": range(4), "prediction": 0.5})
    looks = [
        draw_predictions(SERIES, {"one": table}, groups(ALONE), SINE).axes[0].lines[2]
        for table in (PREDICTIONS["one"], of_each)
    ]
    assert [(line.get_linestyle(), line.get_marker()) for line in looks] == [("None", "o"), ("-", "None")]


def test_two_lines_that_should_be_one_training_are_told_apart_by_markers() -> None:
    cases = {"one": CASES["one"], "odd": CASES["three"]}
    (axes,) = draw_losses(cases, groups(cases), None, PARAMS).axes
    first, second = axes.lines
    assert (first.get_color(), first.get_linestyle()) == (second.get_color(), second.get_linestyle())
    assert first.get_marker() != second.get_marker()


def test_the_lanes_tell_zero_from_different_at_each_epoch() -> None:
    chosen = {name: table for name, table in pairs().items() if name in ("one = two", "one = three", "three = two")}
    lanes = draw_loss_differences(chosen, PARAMS).axes[1]
    assert [label.get_text().replace("\n", " ") for label in lanes.get_yticklabels()] == list(chosen)
    (image,) = lanes.images
    assert {name: row.tolist() for name, row in zip(chosen, np.asarray(image.get_array()), strict=True)} == {
        "one = three": [0, 1, 0, 0, 0],
        "one = two": [0, 0, 0, 0, 0],
        "three = two": [0, 1, 0, 0, 0],
    }
    assert image.get_cmap().colors == [IDENTICAL, DIFFERENT]
    assert image.get_extent() == [0.5, 5.5, 2.5, -0.5], "a cell for each epoch and pair"


def test_the_lines_of_many_pairs_are_all_told_apart() -> None:
    assert len({(look["color"], look["marker"]) for look in map(pair_line, range(30))}) == 30


def test_a_line_of_differences_has_its_key_beside_its_lane() -> None:
    upper, lower = FIGURES["loss_differences"]().axes
    differing = [lane for lane, table in enumerate(pairs().values()) if table["difference"].any()]
    assert [line.get_ydata()[0] for line in lower.lines] == differing
    keys = [(line.get_color(), line.get_marker()) for line in lower.lines]
    assert keys == [(line.get_color(), line.get_marker()) for line in upper.lines]
    assert len(set(keys)) == len(keys)


def matrix(axes: Axes) -> dict[tuple[str, str], str]:
    """The text of each cell, by the names of its column and row."""
    columns = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    places = [(text, *np.round(text.get_position()).astype(int)) for text in axes.texts]
    return {(columns[x], rows[y - 1]): text.get_text() for text, x, y in places}


def test_the_matrix_says_identical_or_where_two_cases_part() -> None:
    (axes,) = FIGURES["equality"]().axes
    cells = matrix(axes)
    assert len(cells) == 10
    assert cells["one", "two"] == "identical"
    assert cells["three", "one"] == "epoch 2\nloss, weights"
    assert cells["four", "one"] == "epoch 1\nstates"
    assert cells["five", "two"] == "epoch 5\nweights"
    other = {"one": case(), "two": case(prediction={0: 0.25})}
    assert matrix(draw_equality(other, groups(other)).axes[0])["one", "two"] == "after training: predictions"


def test_the_matrix_is_sorted_by_training_so_that_equal_cases_are_neighbours() -> None:
    (axes,) = FIGURES["equality"]().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ORDER[:-1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ORDER[1:]


def test_the_matrix_calls_it_all_parts_when_everything_that_was_compared_differs() -> None:
    everything = {part: {3: "x"} for part in ("weights", "optimizer", "states")} | {"loss": {3: 0.9}}
    other = {part: change for part, change in everything.items() if part != "states"}
    cases = {"a": case(), "b": case(**everything), "c": case(**other), "d": STATELESS}
    definitions = dict.fromkeys(cases, DEFINITIONS["one"])
    ordered = grouped(trainings(cases), {"cases": definitions})
    cells = matrix(draw_equality(cases, ordered).axes[0])
    assert [group.names for group in ordered] == [("a", "d"), ("b", "c")]
    found = {frozenset(pair): text for pair, text in cells.items()}
    assert found[frozenset("ab")] == found[frozenset("bd")] == found[frozenset("cd")] == "epoch 3\nall parts"
    assert found[frozenset("ac")] == "epoch 3\nall but states"


def test_the_cells_of_a_large_matrix_hold_their_texts() -> None:
    (axes,) = saved("equality_of_twelve").figure.axes
    (left, _), (right, _) = axes.transData.transform([(0, 0), (1, 0)])
    assert max(text.get_window_extent().width for text in axes.texts) <= right - left


def test_the_predictions_of_a_csv_are_drawn_with_its_own_names() -> None:
    panel = FIGURES["predictions_of_a_csv"]().axes[0]
    assert [line.get_label() for line in panel.lines] == ["cost ($, $)", "prediction after training"]
    assert panel.lines[1].get_xdata().tolist() == [1, 3], "by sample"
    assert panel.get_ylabel() == "cost ($, $)"


def test_the_forecasts_have_a_panel_for_each_training_with_both_ways_of_deployment() -> None:
    figure = FIGURES["forecasts"]()
    titles = [panel.get_title(loc="left").splitlines() for panel in figure.axes]
    assert [names for _, names, _ in titles] == ["three", "five", "four", "one = two"]
    assert titles[0][2] == "error (RMSE): 0.05 carried, 0.05 reset"
    given, target, carried, reset = figure.axes[0].lines
    assert (given.get_color(), target.get_color()) == (INPUT, TARGET)
    assert carried.get_color() == reset.get_color() == COLOURS["never"]
    assert (carried.get_linestyle(), reset.get_linestyle()) == ("-", "None")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "target",
        "input",
        "forecast, states carried from the start of the series",
        "forecast, states reset at every window",
    ]


def test_a_forecast_that_is_far_off_does_not_squash_the_others_and_a_note_says_where_it_is() -> None:
    usual, panels = (FIGURES[name]().axes for name in ("forecasts", "forecasts_far_off"))
    for panel in panels:
        low, high = panel.get_ylim()
        assert (low, high) == panels[0].get_ylim()
        assert high - low < 3 * np.ptp(usual[0].get_ylim())
    notes = [[text.get_text() for text in panel.texts] for panel in panels]
    assert notes == [
        ["↓ carried: off the scale, down to \N{MINUS SIGN}40"],
        [],
        ["↑ reset: off the scale, up to 70"],
        [],
    ]


def test_the_error_in_a_panel_is_over_all_samples_though_only_some_are_drawn() -> None:
    forecasts = pd.DataFrame(
        {"sample": range(1000), "target": 0.0} | {column("one", s): 0.0 for s in ("carried", "reset")}
    )
    forecasts.loc[999, "one/carried"] = 10.0
    figure = draw_forecasts(forecasts, groups(ALONE), "y")
    assert "0.316 carried" in figure.axes[0].get_title(loc="left")
    assert "samples 0 to 399, the first 400 of 1,000" in figure._suptitle.get_text()  # type: ignore[attr-defined]


def test_the_replicates_are_paired_by_seed_in_the_order_of_the_trainings() -> None:
    _, right = FIGURES["replicates"]().axes
    (seeds,) = [c for c in right.collections if len(c.get_paths()) == 6]
    finals = np.column_stack([losses[:, -1] for losses in REPLICATES.values()])
    for path, row in zip(seeds.get_paths(), finals, strict=True):
        assert np.array_equal(path.vertices[:, 1], row)
