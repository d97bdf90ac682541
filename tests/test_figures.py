"""Each figure has the one style of all, and is drawn twice the same to the byte, from cases made by hand."""

from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from itertools import pairwise
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
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

from carryover.comparison.partings import loss_differences, trainings
from carryover.figures.equality import draw_equality
from carryover.figures.errors import DRAWN_AT_MOST, draw_errors
from carryover.figures.forecasts import draw_forecasts
from carryover.figures.groups import Group, grouped
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.losses import draw_losses
from carryover.figures.predictions import NOISY, PREDICTED, PURE, draw_predictions
from carryover.figures.replicates import draw_replicates
from carryover.figures.rivals import rivals
from carryover.figures.style import (
    BASELINE,
    BASELINE_STYLES,
    COLOURS,
    DIFFERENT,
    IDENTICAL,
    INPUT,
    LINE_STYLES,
    PAIR_COLOURS,
    REFERENCE,
    SMALL,
    STATES_MARKERS,
    TARGET,
    WIDTH,
    pair_line,
    save,
)
from carryover.forecasts.held_out import scores
from carryover.forecasts.ways import BASELINES, STATES, column
from carryover.replicates.results import Replicates
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
CSV = {"source": "weather", "target": "cost ($, $)", "horizon": 0, "standardize": True}
NO_TIMES = np.empty(0, "datetime64[s]")
# A measurement is a day late, and the clock is exact to the second.
TIMES = np.array(
    ["2026-01-01", "2026-01-02", "2026-01-04T12:30:01", "2026-01-05", "2026-01-06", "2026-01-07"], "datetime64[s]"
)
PARAMS = {"training": {"loss": "mse", "epochs": 5}, "cases": DEFINITIONS, "dataset": SINE}
FORECASTS = pd.DataFrame(
    {"sample": [4, 5], "target": [0.9, 1.0], "input": [0.8, 1.1], "mean": [0.4, 0.4]}
    | {f"{name}/{states}": [0.85, 0.95] for name in CASES for states in ("carried", "reset")}
)
FAR_OFF = FORECASTS.assign(**{"three/carried": [-40.0, 1.0], "four/reset": [0.9, 70.0]})
REFERENCE_2017 = pd.DataFrame({"epoch": range(1, 6), "one": np.linspace(0.5, 0.2, 5)})
OF_ONE_SEQUENCE = {behaviour: words for behaviour, words in BEHAVIOURS.items() if behaviour != "every_sequence"}
TRAININGS = [Training(behaviour, batches) for behaviour in OF_ONE_SEQUENCE for batches in BATCH_ORDERS]
RANDOM = np.random.default_rng(1)
REPLICATES = Replicates(
    losses={training: 0.1 + RANDOM.random((6, 5)) for training in TRAININGS},
    errors={training: {states: 0.1 + RANDOM.random(6) for states in STATES} for training in TRAININGS},
    baselines={name: 0.5 + RANDOM.random(6) for name in BASELINES},
)
NONE = Replicates({}, {}, {})


def replicates_of(seeds: int, trainings: list[Training] = TRAININGS) -> Replicates:
    """So many replicates, each with other losses and errors."""
    errors = {(training, states): np.linspace(0.1, 0.2, seeds) for training in trainings for states in STATES}
    return Replicates(
        losses={training: np.linspace([0.3], [0.4], seeds) for training in trainings},
        errors={training: {states: errors[training, states] for states in STATES} for training in trainings},
        baselines={"mean": np.full(seeds, 0.7)},
    )


def changed(training: Training, states: str, errors: list[float]) -> Replicates:
    """The replicates with other errors of a training."""
    of_training = REPLICATES.errors[training] | {states: np.array(errors)}
    return REPLICATES._replace(errors={**REPLICATES.errors, training: of_training})


def groups(cases: Cases = CASES) -> list[Group]:
    definitions = {name: DEFINITIONS.get(name, DEFINITIONS["one"]) for name in cases}
    return grouped(trainings(cases), {"cases": definitions})


def pairs(cases: Cases = CASES) -> dict[str, pd.DataFrame]:
    table = loss_differences(cases)
    return {f"{a} = {b}": rows for (a, b), rows in table.groupby(["case_a", "case_b"], sort=False)}


def predictions(cases: Cases) -> Figure:
    return draw_predictions(SERIES, {n: c.predictions for n, c in cases.items()}, groups(cases), SINE, NO_TIMES)


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
        CSV,
        NO_TIMES,
    ),
    "predictions_with_times": lambda: draw_predictions(
        SERIES, {n: c.predictions for n, c in CASES.items()}, groups(), CSV, TIMES
    ),
    "predictions_ahead": lambda: draw_predictions(
        SERIES, {n: c.predictions for n, c in CASES.items()}, groups(), CSV | {"horizon": 3}, TIMES
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
    "replicates": lambda: draw_replicates(REPLICATES.losses, CASES, groups(), PARAMS),
    "replicates_of_one_training": lambda: draw_replicates(
        dict([next(iter(REPLICATES.losses.items()))]), CASES, groups(), PARAMS
    ),
    "one_replicate_of_one_epoch": lambda: draw_replicates(
        {training: losses[:1, :1] for training, losses in REPLICATES.losses.items()}, one_epoch(CASES), groups(), PARAMS
    ),
    "replicates_that_are_not_numbers": lambda: draw_replicates(
        {training: losses * [1, 1, 1, 1, np.nan] for training, losses in REPLICATES.losses.items()},
        CASES,
        groups(),
        PARAMS,
    ),
    "no_replicates": lambda: draw_replicates({}, CASES, groups(), PARAMS),
    "errors": lambda: draw_errors(REPLICATES, SINE),
    "errors_of_one_training": lambda: draw_errors(replicates_of(6, TRAININGS[:1]), CSV),
    "errors_of_one_seed": lambda: draw_errors(replicates_of(1), SINE),
    "errors_of_many_seeds": lambda: draw_errors(replicates_of(10_000), SINE),
    "errors_far_off": lambda: draw_errors(changed(TRAININGS[0], "carried", [1e9, 2e9, 3e12, 4e9, 5e9, 6e9]), SINE),
    "errors_of_zero": lambda: draw_errors(changed(TRAININGS[0], "reset", [0, 0, 0, 0, 0.2, 0.3]), SINE),
    "errors_without_baselines": lambda: draw_errors(REPLICATES._replace(baselines={}), SINE),
    "errors_of_equal_baselines": lambda: draw_errors(
        REPLICATES._replace(baselines=dict.fromkeys(BASELINES, np.full(6, 0.6))), SINE
    ),
    "no_errors": lambda: draw_errors(REPLICATES._replace(errors={}, baselines={}), SINE),
    "no_replicates_to_score": lambda: draw_errors(NONE, SINE),
    "forecasts": lambda: draw_forecasts(FORECASTS, groups(), SINE, REPLICATES, NO_TIMES),
    "forecasts_without_replicates": lambda: draw_forecasts(FORECASTS, groups(), SINE, NONE, NO_TIMES),
    "forecasts_far_off": lambda: draw_forecasts(FAR_OFF, groups(), SINE, NONE, NO_TIMES),
    "forecasts_that_are_not_numbers": lambda: draw_forecasts(
        FORECASTS.assign(**{"one/carried": np.nan, "one/reset": [np.inf, 1.0]}), groups(), SINE, NONE, NO_TIMES
    ),
    "forecasts_of_one": lambda: draw_forecasts(FORECASTS.head(1), groups(ALONE), SINE, NONE, NO_TIMES),
    "forecasts_of_several_inputs": lambda: draw_forecasts(
        FORECASTS.drop(columns="input"), groups(), CSV, NONE, NO_TIMES
    ),
    "forecasts_with_times": lambda: draw_forecasts(FORECASTS, groups(), CSV, NONE, TIMES),
    "forecasts_of_one_time": lambda: draw_forecasts(FORECASTS.head(1), groups(ALONE), CSV, NONE, TIMES),
    "forecasts_ahead": lambda: draw_forecasts(
        FORECASTS.drop(columns="input"), groups(), CSV | {"horizon": 3}, NONE, TIMES
    ),
    "errors_ahead": lambda: draw_errors(REPLICATES, CSV | {"horizon": 3}),
    "losses_of_a_standardized_series": lambda: draw_losses(CASES, groups(), None, PARAMS | {"dataset": CSV}),
    "no_forecasts": lambda: draw_forecasts(FORECASTS.head(0), groups(), SINE, NONE, NO_TIMES),
    "equality": lambda: draw_equality(CASES, groups()),
    "equality_of_one": lambda: draw_equality(ALONE, groups(ALONE)),
    "equality_of_two": lambda: draw_equality(
        {n: CASES[n] for n in ("one", "two")}, groups({"one": CASES["one"], "two": STATELESS})
    ),
    "equality_of_twelve": lambda: draw_equality(TWELVE, groups(TWELVE)),
}
EMPTY = {
    *("loss_differences_without_claims", "no_replicates", "no_errors", "no_replicates_to_score", "no_forecasts"),
    "equality_of_one",
}
OF_2017 = {name for name in FIGURES if name.startswith("predictions")}
COLOURED = [name for name in FIGURES if name not in EMPTY | OF_2017]


def legends(figure: Figure) -> list[Legend]:
    """The legends of a figure and of its parts, from above."""
    return [legend for part in (*figure.subfigs, figure) for legend in part.legends]


def labels(legend: Legend) -> list[str]:
    return [text.get_text() for text in legend.get_texts()]


def title(figure: Figure) -> str:
    return str(figure._suptitle.get_text())  # type: ignore[attr-defined]


def lines(figure: Figure) -> Iterator[Line2D]:
    """Every line of a figure that shows or explains a number."""
    for axes in figure.axes:
        yield from axes.lines
    for legend in legends(figure):
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
        sharing = axes.get_shared_y_axes().get_siblings(axes)  # only the first has the labels
        for axis in ([axes.xaxis], [other.yaxis for other in sharing]):
            assert any(text.get_text() for one in axis for text in one.get_ticklabels()), "tick labels"
        if not name.startswith("equality"):  # a matrix of cases needs no name for its axes
            assert axes.get_xlabel() and any(other.get_ylabel() for other in sharing)
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
    for part in figure.subfigs or [figure]:
        (legend,) = part.legends
        above = [axes for axes in figure.axes if axes.get_figure(root=False) is part]
        assert legend.get_window_extent().y1 <= min(axes.get_tightbbox().y0 for axes in above) + 1
    assert all(axes.get_legend() is None for axes in figure.axes)
    title = figure._suptitle  # type: ignore[attr-defined]
    assert title.get_window_extent().y0 >= max(axes.bbox.y1 for axes in figure.axes)
    assert title.get_position()[0] == 0.01


@pytest.mark.parametrize(
    "name", ["losses_of_one_epoch", "one_replicate_of_one_epoch", "forecasts_of_one", "errors_of_one_seed"]
)
def test_a_single_point_is_seen(name: str) -> None:
    figure = FIGURES[name]()
    for legend in legends(figure):
        legend.remove()
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
    there = set(REPLICATES.losses) if name == "replicates" else {group.training for group in groups()}
    assert of_trainings == {(COLOURS[training.behaviour], LINE_STYLES[training.batches]) for training in there}
    for line in lines(FIGURES[name]()):
        label = str(line.get_label())
        for behaviour, words in BEHAVIOURS.items():
            if label.startswith(words):
                assert same_color(line.get_color(), COLOURS[behaviour])
        for batches, style in LINE_STYLES.items():
            if f"{batches} batches" in label:
                assert line.get_linestyle() in (style, "None")  # dots have none


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
    titles = [panel.get_title() for panel in draw_predictions(SERIES, PREDICTIONS, [group], SINE, NO_TIMES).axes]
    assert titles == ["three\n(never reset, contiguous batches)", "one\n(reset every batch, contiguous batches)"]
    contiguous, _ = draw_replicates(REPLICATES.losses, cases, [group], PARAMS).axes
    thin = {line.get_color() for line in contiguous.lines if line.get_linewidth() < 1}
    assert thin == {COLOURS["never"], COLOURS["every_batch"]}


def test_predictions_of_windows_of_several_samples_are_points_and_those_of_every_sample_a_line() -> None:
    of_each = pd.DataFrame({"sample": range(4), "prediction": 0.5})
    looks = [
        draw_predictions(SERIES, {"one": table}, groups(ALONE), SINE, NO_TIMES).axes[0].lines[2]
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


@pytest.mark.parametrize("name", ["predictions_with_times", "forecasts_with_times"])
def test_samples_that_have_times_are_drawn_at_their_times(name: str) -> None:
    drawn = PREDICTIONS["three"] if name.startswith("predictions") else FORECASTS
    for panel in saved(name).figure.axes:
        assert panel.get_xlabel() == "time"
        assert {label.get_text() for label in panel.get_xticklabels()} & {"02", "12:00"}
        line = panel.lines[-1]
        assert line.get_xdata().tolist() == TIMES[drawn["sample"]].tolist()


def test_the_title_of_the_forecasts_says_from_when_to_when_they_are() -> None:
    assert title(FIGURES["forecasts_with_times"]()).endswith("one seed: 2026-01-06 to 2026-01-07")
    exact = TIMES + np.array([0, 0, 0, 0, 1, 3_600])
    text = title(draw_forecasts(FORECASTS, groups(), CSV, NONE, exact))
    assert text.replace("\xa0", " ").replace("\n", " ").endswith(": 2026-01-06 00:00:01 to 2026-01-07 01:00")


def test_a_long_title_is_broken_into_lines() -> None:
    many = pd.concat([FORECASTS.assign(sample=sample) for sample in range(0, 1000, 2)])
    times = np.datetime64("2026-01-01T00:00:01") + np.arange(1000)
    text = title(draw_forecasts(many, groups(ALONE), CSV | {"horizon": 3}, NONE, times))
    assert (
        text.replace("\xa0", " ")
        .replace("\n", " ")
        .endswith(": 2026-01-01 00:00:01 to 2026-01-01 00:09:59, the first 600 of 1,000")
    )
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("seconds", [1, 59, 7_000, 90_000, 10**6, 10**7, 10**8])
def test_times_of_any_length_and_with_any_gap_have_a_few_labels(seconds: int) -> None:
    steps = np.array([0, 1, 2, 3, 999, 1000]) * seconds
    figure = draw_forecasts(FORECASTS, groups(), CSV, NONE, np.datetime64("1970-01-01T23:59:59") + steps)
    figure.dpi = 60
    FigureCanvasAgg(figure).draw()
    for panel in figure.axes:
        low, high = panel.get_xlim()
        assert 1 <= sum(low <= tick <= high for tick in panel.get_xticks()) <= 8


def test_a_target_of_a_later_row_is_said_to_be_one_and_not_drawn_beside_an_input_of_an_earlier_row() -> None:
    of_same_row = draw_predictions(SERIES, PREDICTIONS, groups(), CSV, NO_TIMES).axes[0]
    assert [line.get_label() for line in of_same_row.lines] == ["x", "y", "prediction after training"]
    panel = FIGURES["predictions_ahead"]().axes[0]
    assert [line.get_label() for line in panel.lines] == ["y", "prediction after training, forecast 3 rows ahead"]
    figure = FIGURES["forecasts_ahead"]()
    assert title(figure).startswith("Forecasts of the held-out part of the series, one seed, forecast 3 rows ahead: ")
    assert title(FIGURES["errors_ahead"]()).endswith("from 6 seeds, forecast 3 rows ahead")


def test_losses_of_a_standardized_series_are_said_to_be_in_other_units_than_its_own() -> None:
    (axes,) = FIGURES["losses_of_a_standardized_series"]().axes
    assert axes.get_ylabel() == "loss of the epoch\n(mean squared error of the standardized target, log scale)"


def test_the_forecasts_have_a_panel_for_each_training_with_both_ways_of_deployment() -> None:
    figure = FIGURES["forecasts"]()
    _, *panels = figure.axes
    titles = [panel.get_title(loc="left").splitlines() for panel in panels]
    assert [names for _, names, _ in titles] == ["three", "five", "four", "one = two"]
    assert titles[0][2] == "error (RMSE): 0.0500 carried, 0.0500 reset"
    target, given, carried, reset = panels[0].lines
    assert (given.get_color(), target.get_color()) == (INPUT, TARGET)
    assert carried.get_color() == reset.get_color() == COLOURS["never"]
    assert (carried.get_linestyle(), reset.get_linestyle()) == ("-", "None")
    assert labels(legends(figure)[1]) == [
        "target",
        "input",
        "forecast, states carried from the start of the series",
        "forecast, states reset at every window",
    ]


def test_a_forecast_that_is_far_off_does_not_squash_the_others_and_a_note_says_where_it_is() -> None:
    usual, panels = (FIGURES[name]().axes[1:] for name in ("forecasts", "forecasts_far_off"))
    for panel in panels:
        low, high = panel.get_ylim()
        assert (low, high) == panels[0].get_ylim()
        assert high - low < 3 * np.ptp(usual[0].get_ylim())
    notes = [[text.get_text() for text in panel.texts] for panel in panels]
    assert notes == [
        ["↓ carried: off the scale, down to \N{MINUS SIGN}40.0"],
        [],
        ["↑ reset: off the scale, up to 70.0"],
        [],
    ]


def test_the_error_in_a_panel_is_over_all_samples_though_only_some_are_drawn() -> None:
    forecasts = pd.DataFrame(
        {"sample": range(1000), "target": 0.0} | {column("one", s): 0.0 for s in ("carried", "reset")}
    )
    forecasts.loc[999, "one/carried"] = 10.0
    figure = draw_forecasts(forecasts, groups(ALONE), SINE, NONE, NO_TIMES)
    assert "0.316 carried" in figure.axes[1].get_title(loc="left")
    assert "one seed: samples 0 to 599, the first 600 of 1,000" in title(figure)


BEST = Training("never", "interleaved")
OTHERS_ERRORS = {training: {"carried": np.array([9.0, 8.0, 9.0]), "reset": np.full(3, 7.0)} for training in TRAININGS}
THREE_SEEDS = Replicates(
    losses={training: np.ones((3, 5)) for training in TRAININGS},
    # The mean of the best is worse than that of all others.
    errors=OTHERS_ERRORS | {BEST: {"carried": np.array([1.0, 2.0, 90.0]), "reset": np.full(3, 9.0)}},
    baselines={"input": np.full(3, 5.0), "mean": np.array([3.0, 3.0, 90.0])},
)
ALL_SIX = {training.name: case(weights={1: training.name}) for training in TRAININGS}
GROUPS_OF_SIX = grouped(
    [[name] for name in ALL_SIX],
    {
        "cases": {
            training.name: {"calls": "loop", "reset": training.behaviour, "stateful": True, "batches": training.batches}
            for training in TRAININGS
        }
    },
)
FORECASTS_OF_SIX = pd.DataFrame(
    {"sample": [4, 5], "target": [0.0, 0.0], "input": [0.5, 0.5], "mean": [0.6, 0.6]}
    | {
        column(name, states): [0.1 * number + step] * 2
        for number, name in enumerate(ALL_SIX, 1)
        for states, step in (("carried", 0.02), ("reset", 0.01))
    }
)
ERRORS_OF_SIX = scores(FORECASTS_OF_SIX, {"cases": ALL_SIX})


def test_the_rivals_are_the_best_by_the_median_of_the_seeds_the_memoryless_and_the_best_baseline() -> None:
    found = rivals(GROUPS_OF_SIX, THREE_SEEDS, ERRORS_OF_SIX)
    assert [(rival.role, rival.column, rival.median) for rival in found] == [
        ("lowest error", "interleaved_never/carried", 2.0),
        ("without memory", "interleaved_every_batch/reset", 7.0),
        ("without a network", "mean", 3.0),
    ]
    assert [rival.error for rival in found] == pytest.approx([0.22, 0.61, 0.6]), "of the run's own cases"


def test_without_replicates_the_rivals_are_the_best_of_the_run_itself() -> None:
    found = rivals(GROUPS_OF_SIX, NONE, ERRORS_OF_SIX)
    assert [(rival.role, rival.column, rival.median) for rival in found] == [
        ("lowest error", "contiguous_never/reset", None),
        ("without memory", "contiguous_every_batch/reset", None),
        ("without a network", "input", None),
    ]


def test_the_memoryless_network_is_no_rival_of_itself() -> None:
    memoryless = Training("every_batch", "contiguous")
    for better, columns in (
        ("reset", ["contiguous_every_batch/reset", "mean"]),
        ("carried", ["contiguous_every_batch/carried", "contiguous_every_batch/reset", "mean"]),
    ):
        errors = {**THREE_SEEDS.errors, memoryless: THREE_SEEDS.errors[memoryless] | {better: np.full(3, 0.5)}}
        found = rivals(GROUPS_OF_SIX, THREE_SEEDS._replace(errors=errors), ERRORS_OF_SIX)
        assert [rival.column for rival in found] == columns


def test_a_run_without_a_memoryless_network_has_no_such_rival() -> None:
    some = [group for group in GROUPS_OF_SIX if group.training.behaviour != "every_batch"]
    assert [rival.role for rival in rivals(some, NONE, ERRORS_OF_SIX)] == ["lowest error", "without a network"]


def test_the_first_panel_shows_the_rivals_with_their_errors_and_says_that_it_is_one_seed() -> None:
    figure = draw_forecasts(FORECASTS_OF_SIX, GROUPS_OF_SIX, SINE, THREE_SEEDS, NO_TIMES)
    assert "one seed" in title(figure)
    shown = [(line.get_color(), line.get_linestyle(), line.get_ydata()[0]) for line in figure.axes[0].lines]
    assert sorted(shown, key=lambda line: line[2]) == [
        (TARGET, "-", 0.0),
        (COLOURS["never"], LINE_STYLES["interleaved"], 0.22),
        (INPUT, "-", 0.5),
        (BASELINE, BASELINE_STYLES["mean"], 0.6),
        (COLOURS["every_batch"], "None", pytest.approx(0.61)),
    ]
    keys = [line.get_color() for line in legends(figure)[0].get_lines()]
    assert keys == [TARGET, INPUT, COLOURS["never"], COLOURS["every_batch"], BASELINE]
    assert labels(legends(figure)[0]) == [
        "target",
        "input",
        "lowest error: never reset, interleaved batches, states carried; error 0.220, median of the seeds 2.00",
        "without memory: reset every batch, interleaved batches, states reset; error 0.610, median of the seeds 7.00",
        "without a network: the mean of the training part; error 0.600, median of the seeds 3.00",
    ]


def test_an_input_that_is_the_best_baseline_is_drawn_once() -> None:
    figure = FIGURES["forecasts_without_replicates"]()
    assert [line.get_color() for line in figure.axes[0].lines].count(INPUT) == 1
    assert labels(legends(figure)[0])[-1] == "without a network: the input itself; error 0.100"
    assert "input" not in labels(legends(figure)[0])


def test_the_losses_of_the_seeds_have_a_panel_for_each_batch_order_with_median_and_quartiles() -> None:
    figure = FIGURES["replicates"]()
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["contiguous batches", "interleaved batches"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    for panel, batches in zip(figure.axes, BATCH_ORDERS, strict=True):
        medians = [line for line in panel.lines if line.get_linewidth() > 2]
        for line, band, behaviour in zip(medians, panel.collections, OF_ONE_SEQUENCE, strict=True):
            losses = np.sort(REPLICATES.losses[Training(behaviour, batches)], axis=0)
            assert np.allclose(line.get_ydata(), (losses[2] + losses[3]) / 2)
            (path,) = band.get_paths()
            assert np.isclose(path.vertices[:, 1].min(), np.quantile(losses, 0.25, axis=0).min())
            assert np.isclose(path.vertices[:, 1].max(), np.quantile(losses, 0.75, axis=0).max())
    left, right = (labels(legends(figure)[0])[i : i + 4] for i in (0, 4))
    assert left[:3] == [Training(behaviour, "contiguous").words for behaviour in OF_ONE_SEQUENCE]
    assert right[:3] == [Training(behaviour, "interleaved").words for behaviour in OF_ONE_SEQUENCE]


def dots(figure: Figure) -> dict[tuple[str, str, str], Line2D]:
    """The dots of each column of a figure of errors, by batch order, behaviour and states."""
    found = {}
    for panel in figure.axes:
        drawn = iter([line for line in panel.lines if line.get_linestyle() == "None"])
        behaviours = [label.get_text().strip().replace("\n", " ") for label in panel.get_xticklabels(minor=True)]
        states = [label.get_text().split("\n")[0] for label in panel.get_xticklabels()]
        for number, of in enumerate(states):
            key = (panel.get_title(loc="left").removesuffix(" batches"), behaviours[number // 2], of)
            found[key] = next(drawn)
        assert next(drawn, None) is None
    return found


def test_each_dot_of_the_errors_is_a_seed_in_its_column_in_the_colour_of_the_behaviour() -> None:
    columns = dots(FIGURES["errors"]())
    assert list(columns) == [
        (batches, words, states) for batches in BATCH_ORDERS for words in OF_ONE_SEQUENCE.values() for states in STATES
    ]
    offsets = set()
    for (batches, words, states), line in columns.items():
        (behaviour,) = [behaviour for behaviour in OF_ONE_SEQUENCE if OF_ONE_SEQUENCE[behaviour] == words]
        assert np.array_equal(line.get_ydata(), REPLICATES.errors[Training(behaviour, batches)][states])
        assert line.get_color() == COLOURS[behaviour]
        assert line.get_marker() == STATES_MARKERS[states]["marker"]
        x = np.asarray(line.get_xdata())
        place = list(OF_ONE_SEQUENCE).index(behaviour) + (-0.23 if states == "carried" else 0.23)
        assert (abs(x - place) < 0.23).all(), "the columns do not touch"
        offsets.add(tuple(np.round(x - place, 9)))
    (of_seeds,) = offsets
    assert len(set(of_seeds)) == 6, "each seed has its own place, the same in every column"


def test_the_median_of_each_column_is_a_line_across_it_and_a_number_below_it() -> None:
    for panel, batches in zip(FIGURES["errors"]().axes, BATCH_ORDERS, strict=True):
        medians = [line for line in panel.lines if line.get_color() == "black"]
        columns = [REPLICATES.errors[Training(b, batches)][states] for b in OF_ONE_SEQUENCE for states in STATES]
        for line, tick, label, errors in zip(
            medians, panel.get_xticks(), panel.get_xticklabels(), columns, strict=True
        ):
            middle = np.sort(errors)[2:4].mean()
            assert np.allclose(line.get_ydata(), middle)
            assert min(line.get_xdata()) < tick < max(line.get_xdata())
            assert np.isclose(float(label.get_text().split("\n")[1]), middle, rtol=0.005)


@pytest.mark.parametrize("name", ["errors", "errors_of_equal_baselines", "errors_far_off"])
def test_the_median_of_each_baseline_is_a_line_with_its_name_and_no_name_covers_another(name: str) -> None:
    figure = saved(name).figure
    of_each = dict.fromkeys(BASELINES, np.full(6, 0.6)) if name.endswith("equal_baselines") else REPLICATES.baselines
    for panel in figure.axes:
        drawn = [line for line in panel.lines if line.get_color() == BASELINE]
        for line, errors in zip(drawn, of_each.values(), strict=True):
            assert np.allclose(line.get_ydata(), np.sort(errors)[2:4].mean())
        styles = [str(line._unscaled_dash_pattern) for line in drawn]  # type: ignore[attr-defined]
        assert len(set(styles)) == len(styles)
    texts = sorted(figure.axes[-1].texts, key=lambda text: text.get_window_extent().y0)
    assert {text.get_text().replace("\n", " ").split(":")[0] for text in texts} == set(BASELINES.values())
    for lower, upper in pairwise(texts):
        assert lower.get_window_extent().y1 <= upper.get_window_extent().y0


def test_of_very_many_seeds_only_the_first_are_drawn_and_the_figure_says_so() -> None:
    figure = FIGURES["errors_of_many_seeds"]()
    assert {len(line.get_xdata()) for line in dots(figure).values()} == {DRAWN_AT_MOST}
    medians = [line.get_ydata() for line in figure.axes[0].lines if line.get_color() == "black"]
    assert np.allclose(medians, 0.15), "of all seeds"
    assert legends(figure)[0].get_title().get_text() == (
        "The dots are the first 500 of 10,000 seeds; the medians are of all."
    )
    assert "10,000 seeds" in title(figure)


def test_errors_of_zero_are_drawn_on_the_lower_edge_and_the_figure_says_so() -> None:
    figure = saved("errors_of_zero").figure
    drawn = np.asarray(dots(figure)["contiguous", "never reset", "reset"].get_ydata())
    smallest = min(line.get_ydata().min() for line in dots(figure).values())
    assert (drawn == smallest).tolist() == [True] * 4 + [False] * 2
    low, high = figure.axes[0].get_ylim()
    assert 0 < low < smallest < high
    assert figure.axes[0].get_xticklabels()[1].get_text() == "reset\n0"
    assert "4 errors of 0" in legends(figure)[0].get_title().get_text()


@pytest.mark.parametrize(
    ("name", "words"), [("no_errors", "dataset.held_out"), ("no_replicates_to_score", "replicates.count is 0")]
)
def test_a_figure_without_errors_says_why(name: str, words: str) -> None:
    (text,) = FIGURES[name]().texts
    assert words in text.get_text()
