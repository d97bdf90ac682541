"""The README and the docs say what the project is and what its results are."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from carryover.job.yaml_file import read_yaml
from carryover.params.check import check
from carryover.params.options import merge
from carryover.series.batches import batch_order
from carryover.training.cases import trainings_of

PAGES = [Path("README.md"), *sorted(path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md"))]
OTHERS = [Path("config/README.md"), Path("data/series/README.md")]
PARAMS = read_yaml(ROOT / "params.yaml")
BEST, NO_MEMORY = "interleaved_never/carried", "contiguous_every_batch/reset"
SCHEMA = read_yaml(ROOT / "workflow/schemas/params.schema.yaml")


def page(path: str | Path) -> str:
    return (ROOT / path).read_text()


def flat(path: str | Path) -> str:
    """A page without its line breaks."""
    return " ".join(page(path).split())


def blocks(path: str | Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(path), flags=re.DOTALL)


def first_column(path: str | Path, header: str) -> list[str]:
    """The names in the first column of the table with this header."""
    table = page(path).split(header)[1].split("\n\n")[0]
    return [
        name for row in re.findall(r"^\| (`[^|]*`)", table, flags=re.MULTILINE) for name in re.findall("`(.*?)`", row)
    ]


@pytest.fixture(scope="module")
def metrics() -> Any:
    return json.loads(page("results/metrics.json"))


@pytest.fixture(scope="module")
def details() -> Any:
    return json.loads(page("results/details.json"))


# ---- the form


def test_the_readme_is_short_and_begins_with_question_answer_picture_and_commands() -> None:
    text = page("README.md")
    assert len(text.splitlines()) <= 150
    screen = text.splitlines()[:25]
    assert [line for line in screen if line.startswith("![")]
    assert [line for line in screen if line.startswith("make ")]
    bullets = [line for line in screen if line.startswith("- **")]
    assert len(bullets) == 4
    assert bullets[-1].startswith("- **What to do:**")


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [*PAGES, *OTHERS], ids=str)
def test_every_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(((?!http)[^)]+)\)", page(path))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = (ROOT / path).parent / file if file else ROOT / path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    assert [path for path in PAGES[1:] if f"({path})" not in page("README.md")] == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_command_exists(path: Path) -> None:
    prose = re.sub(r"```.*?```", "", page(path), flags=re.DOTALL)
    lines = "\n".join(blocks(path, "bash") + blocks(path, "console") + re.findall(r"`([^`]+)`", prose))
    made = re.findall(r"^\.PHONY: (.*)$", page("Makefile"), flags=re.MULTILINE)[0].split()
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", lines)) <= set(made)
    program = page("src/carryover/__main__.py")
    for command in re.findall(r"^(?:\$ )?carryover ([a-z-]+)", lines, flags=re.MULTILINE):
        assert f'"{command}"' in program, command
    for file in re.findall(r"--configfile (examples/\S+)", lines):
        assert (ROOT / file).exists(), file


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads(page("pyproject.toml"))["project"]["version"]
    citation = yaml.safe_load(page("CITATION.cff"))
    assert str(citation["version"]) == version
    assert f"\n## [{version}] - {citation['date-released']}\n" in page("CHANGELOG.md")


# ---- the answer


def test_the_claims_that_it_makes_hold(metrics: Any) -> None:
    text = flat("README.md")
    assert "**The loop and the single call are the same training**, to the last bit" in text
    assert "**A reset between epochs gives a different training.**" in text
    for claim in (
        "single_fit = loop_without_reset",
        "single_fit_with_reset = loop_with_reset",
        "loop_with_reset != loop_without_reset",
    ):
        assert metrics["claims"][claim] is True


def test_a_reset_shows_when_it_says(details: Any) -> None:
    assert "The states differ after epoch 1, and the loss differs from epoch 2." in flat("README.md")
    claim = details["claims"]["loop_with_reset != loop_without_reset"]
    assert claim["first_divergent_epoch"] == 1
    assert "states" in claim["parts"]
    assert "loss" not in claim["parts"]
    losses = pd.read_csv(ROOT / "results/losses.csv").pivot(index="epoch", columns="case", values="loss")
    different = losses["loop_with_reset"] != losses["loop_without_reset"]
    assert different[different].index.min() == 2


def between(comparisons: list[Any], a: str, b: str) -> Any:
    """The comparison of two trainings in results/details.json."""
    return next(one for one in comparisons if {one["a"], one["b"]} == {a, b})


def lower(comparison: Any, name: str) -> str:
    """In how many seeds a training is lower than the other one, in words; it must be beyond luck."""
    assert comparison["lower"] == name
    count = comparison["a_lower" if comparison["a"] == name else "b_lower"]
    return f"in {count} of {PARAMS['replicates']['count']} seeds"


def by(comparison: Any) -> str:
    difference, *ends = (abs(comparison[key]) for key in ("median_difference", "confidence_low", "confidence_high"))
    return f"by {difference:.3g} (95 % interval: {min(ends):.3g} to {max(ends):.3g})"


def test_what_it_says_of_the_seeds_is_so(details: Any) -> None:
    numbers, text = details["replicates"], flat("README.md")
    assert numbers["count"] == PARAMS["replicates"]["count"]
    epochs = PARAMS["training"]["epochs"]
    assert (
        f"all {numbers['count']} seeds, each with other noise and other initial weights, after {epochs} epochs" in text
    )
    assert f"in {epochs} epochs" in flat("docs/conditions.md")
    assert f"repeats every training from {numbers['count']} seeds" in text
    contiguous = between(numbers["final_losses"], "contiguous_never", "contiguous_every_epoch")
    seeds = lower(contiguous, "contiguous_every_epoch")
    assert f"`fit(shuffle=False)` makes, resetting every epoch ended with the lower training loss {seeds}." in text
    for other in ("contiguous_never", "contiguous_every_epoch"):
        seeds = lower(between(numbers["errors"], NO_MEMORY, f"{other}/reset"), NO_MEMORY)
        assert (
            f"On unseen data, networks without any memory had a lower error than those trained either way, {seeds}."
            in text
        )
    memory = between(numbers["errors"], BEST, "interleaved_every_batch/reset")
    seeds = lower(memory, BEST)
    paying = f"never reset, and with the states carried, the error was lower than without memory {seeds}, {by(memory)}."
    assert paying in text
    assert {one["lower"] for one in numbers["errors"] if BEST in (one["a"], one["b"])} == {BEST}


def test_what_the_page_on_batches_says_of_the_seeds_is_so(details: Any) -> None:
    numbers, text = details["replicates"], flat("docs/batches.md")
    losses, errors = numbers["final_losses"], numbers["errors"]
    assert f"trains every behaviour with both orders, from {numbers['count']} seeds each" in text
    seeds = lower(between(losses, "contiguous_never", "contiguous_every_epoch"), "contiguous_every_epoch")
    assert f"With contiguous batches, resetting every epoch ended with the lower training loss {seeds}," in text
    seeds = lower(between(losses, "interleaved_never", "interleaved_every_epoch"), "interleaved_never")
    assert f"it was the other way round: never resetting ended lower {seeds}." in text
    for other in ("contiguous_never", "contiguous_every_epoch"):
        seeds = lower(between(errors, NO_MEMORY, f"{other}/reset"), NO_MEMORY)
        assert f"nothing: without memory the error was lower than with it {seeds}." in text
    memory = between(errors, BEST, "interleaved_every_batch/reset")
    seeds = lower(memory, BEST)
    assert f"never resetting had the lower error than no memory {seeds}, {by(memory)}." in text
    order = between(errors, NO_MEMORY, "interleaved_every_batch/reset")
    seeds = lower(order, "interleaved_every_batch/reset")
    assert abs(order["median_difference"]) < abs(memory["median_difference"])
    assert f"Without memory, the error was lower with interleaved batches {seeds}, {by(order)}." in text
    carried = {name for name, of in numbers["trainings"].items() if of["carried"]["median"] < of["reset"]["median"]}
    assert carried == {"interleaved_never", "interleaved_every_epoch"}
    assert f"These are the errors on {details['held_out']['samples']} held-out samples" in text
    assert f"With batches of {PARAMS['model']['batch_size']}, as in the default run" in text
    assert f"it is the window {PARAMS['model']['batch_size']} further on" in text


def test_what_the_pipeline_page_says_of_the_replicates_is_so(details: Any) -> None:
    pipeline, count = flat("docs/pipeline.md"), PARAMS["replicates"]["count"]
    assert f"The default run has {count} replicates of each of its six trainings." in pipeline
    assert len(details["replicates"]["trainings"]) == 6
    largest = SCHEMA["properties"]["replicates"]["properties"]["shard_size"]["maximum"]
    size = PARAMS["replicates"]["shard_size"]
    assert f"a **shard**: up to {largest}, and {size} in the default run" in pipeline


def test_it_is_as_near_to_2017_as_it_says(metrics: Any, details: Any) -> None:
    of_2017 = details["reference"]
    assert f"In the {len(of_2017)} cases of that experiment, every loss is within a millionth" in flat("README.md")
    assert set(of_2017) == set(read_yaml(ROOT / PARAMS["reference"] / "settings.yaml")["cases"])
    assert all(case["max_relative_loss_difference"] < 1e-6 for case in of_2017.values())
    assert metrics["reference"]["max_relative_loss_difference_millionths"] < 1


def test_its_table_has_every_case_and_joins_those_that_are_identical(details: Any) -> None:
    text = page("README.md")
    assert f"The default run has {len(PARAMS['cases'])} cases." in text
    header, _, *rows = text.split("| states | ")[1].split("\n\n")[0].splitlines()
    orders = [name.strip().removesuffix(" batches") for name in header.strip("| ").split("|")]
    cells: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        states, *trainings = (cell.strip() for cell in row.strip()[1:-1].split("|"))
        cells |= {
            (states, order): set(re.findall(r"`(\w+)`", cell)) for order, cell in zip(orders, trainings, strict=True)
        }
    named = {
        "never": "never reset",
        "every_epoch": "reset every epoch",
        "every_batch": "reset every batch, or not stateful",
    }
    for name, case in PARAMS["cases"].items():
        states = named[case["reset"] if case["stateful"] else "every_batch"]
        assert name in cells[states, case["batches"]]
    assert sorted(sorted(cell) for cell in cells.values() if cell) == sorted(map(sorted, details["trainings"]))


def test_the_example_of_an_explanation_is_of_this_run(details: Any) -> None:
    (example,) = blocks("docs/pipeline.md", "console")
    identical = re.search(r"^identical: (.*)$", example, flags=re.MULTILINE)
    assert identical
    assert f"identical: {identical[1]}" in page("results/verdict.md")
    apart = details["claims"]["loop_with_reset != loop_without_reset"]["max_abs_loss_difference"]
    assert f"The loss differs from epoch 2, by up to {apart:.3g}." in example


# ---- the examples


def test_the_example_for_your_own_code_runs(keras: Any) -> None:
    (example,) = blocks("README.md", "python")
    model = keras.Sequential([keras.Input(batch_shape=(100, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    model.compile(loss="mse")
    exec(example, {"model": model, "x": np.ones((200, 1, 1)), "y": np.ones((200, 2))})
    assert all(not state.numpy().any() for state in model.layers[0].states)


def test_the_example_for_reordering_makes_the_interleaved_batches() -> None:
    class Model:
        def fit(self, x: Any, y: Any, batch_size: int, shuffle: bool) -> None:
            assert not shuffle
            self.batches = x.reshape(-1, batch_size).tolist()
            assert (x == y).all()

    model, windows = Model(), np.arange(12)
    (example,) = blocks("docs/batches.md", "python")
    names = {"np": np, "model": model, "windows": windows, "targets": windows, "batch_size": 3}
    exec(example, names)
    order: Any = names["order"]
    assert order.tolist() == batch_order(12, 3, "interleaved").tolist()
    assert model.batches[:2] == [[0, 4, 8], [1, 5, 9]], "as in docs/batches.svg"
    assert windows[order][np.argsort(order)].tolist() == windows.tolist()


def test_the_file_for_your_own_series_is_right() -> None:
    _, example = blocks("docs/own_series.md", "yaml")
    changes = yaml.safe_load(example)
    assert check(merge(PARAMS, changes), SCHEMA, ROOT)["dataset"]["source"] == "seattle_weather"


def test_the_case_and_the_claim_to_add_are_right() -> None:
    case, claim, own = blocks("docs/pipeline.md", "yaml")
    text = (
        page("params.yaml")
        .replace("\ncases:\n", f"\ncases:\n{case}{own}")
        .replace("  identical:\n", f"  identical:\n{claim}")
    )
    params = check(yaml.safe_load(text.replace("1.0e-08", "0.00000001")), SCHEMA, ROOT)
    assert len(params["cases"]) == len(PARAMS["cases"]) + 2
    assert {"contiguous_never_lstm", "contiguous_never_gru"} <= {training.name for training in trainings_of(params)}
    assert params["claims"]["identical"][0] == ["loop_with_batch_reset", "stateless_fit"]


def test_the_command_of_two_commits_changes_one_line(tmp_path: Path) -> None:
    (command,) = re.findall(r"^(sed .*?) +#", page("docs/pipeline.md"), flags=re.MULTILINE)
    (tmp_path / "params.yaml").write_text(page("params.yaml"))
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    changed = read_yaml(tmp_path / "params.yaml")
    assert changed == merge(PARAMS, {"dataset": {"seed": PARAMS["dataset"]["seed"] + 1}})


@pytest.mark.parametrize(
    ("parameter", "place"),
    [("model.cell", ("model", "cell")), ("optimizer", ("optimizer", "name")), ("training.loss", ("training", "loss"))],
)
def test_the_choices_of_a_network_are_all_listed(parameter: str, place: tuple[str, str]) -> None:
    (row,) = re.findall(rf"^\| `{parameter}` \| (.*?) \|$", page("docs/own_network.md"), flags=re.MULTILINE)
    section, key = place
    assert re.findall(r"`(\w+)`", row) == SCHEMA["properties"][section]["properties"][key]["enum"]


# ---- where things are


def test_the_steps_are_those_of_the_pipeline() -> None:
    steps = [
        match[1] for match in re.finditer(r"^rule (\w+):", page("Snakefile"), flags=re.MULTILINE) if match[1] != "all"
    ]
    assert first_column("docs/pipeline.md", "| step | what it does |") == steps
    assert {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")} == set(steps)


def test_the_tree_is_that_of_the_repository() -> None:
    tree = page("docs/pipeline.md").split("## The source tree\n\n```\n")[1].split("```")[0]
    places: set[Path] = set()
    packages: set[Path] = set()
    for line in tree.splitlines():
        name = re.split(r"\s{2,}", line.strip())[0]
        path = Path("src/carryover", name) if line.startswith(" ") else Path(name)
        assert (ROOT / path).exists(), name
        (packages if line.startswith(" ") else places).add(path)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    tracked = [Path(name) for name in listed if name and not name.startswith(".")]
    assert {path.parts[0] for path in tracked} == {path.parts[0] for path in places}
    library = [path.parts for path in tracked if path.is_relative_to("src/carryover")]
    assert {Path(*parts[:3]) for parts in library if len(parts) > 3} == packages
    assert {path.parts[1] for path in places if path.parts[0] == "workflow" and len(path.parts) > 1} == {
        path.parts[1] for path in tracked if path.parts[0] == "workflow"
    }


def test_the_files_to_change_one_thing_are_there() -> None:
    table = page("docs/pipeline.md").split("| what | where in `src/carryover/` |")[1].split("\n\n")[0]
    files = re.findall(r"`(\w+/\w+\.py)`", table)
    assert len(files) > 10
    assert [file for file in files if not (ROOT / "src/carryover" / file).is_file()] == []
