"""What the README says is what the project is."""

import json
import re
import tomllib
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from carryover.engines.this_machine import artifacts

README = (ROOT / "README.md").read_text()


def test_the_table_is_that_of_the_verdict() -> None:
    table = re.search(r"<!-- the claims table of results/verdict.md -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    assert table
    assert table[1].strip().startswith("| claim | holds | proof |")
    verdict = (ROOT / "results/verdict.md").read_text().splitlines()
    assert [line for line in table[1].strip().splitlines() if line not in verdict] == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", README))))
def test_every_file_that_it_links_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_place_of_its_tree_is_there() -> None:
    tree = README.split("## What is where\n\n```\n")[1].split("```")[0]
    folder = ""
    for line in tree.splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split(", ")
        for name in names:
            path = ROOT / (folder + name if line.startswith(" ") else name)
            assert path.exists() or name in ("results/cases/", "results/replicates/"), name
        folder = names[0] if not line.startswith(" ") else folder


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_losses_that_it_names_are_those_of_the_run() -> None:
    cases = json.loads((ROOT / "results/metrics.json").read_text())["cases"]
    assert f"is {cases['loop_with_reset']['final_loss']:.4f} with the reset" in README.replace("\n  ", " ")
    assert f"and {cases['loop_without_reset']['final_loss']:.4f} without" in README.replace("\n  ", " ")


def test_when_the_two_behaviours_change_places_is_when_it_says() -> None:
    losses = pd.read_csv(ROOT / "results/losses.csv").pivot(index="epoch", columns="case", values="loss")
    ahead = losses["loop_without_reset"] < losses["loop_with_reset"]
    epochs = ahead[ahead].index
    assert list(epochs) == list(range(epochs.min(), epochs.max() + 1))
    assert f"from epoch {epochs.min()} to {epochs.max()} it is the one without" in " ".join(README.split())
    contiguous = losses[[name for name in losses if not name.startswith("interleaved")]].iloc[-1]
    assert contiguous.idxmin() in ("stateless_fit", "single_fit_with_batch_reset")
    assert f"it ends lowest, at {contiguous.min():.4f}" in README


def test_it_lists_the_cases_of_the_run() -> None:
    table = README.split("| case | calls of `fit` |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE) == list(
        yaml.safe_load((ROOT / "params.yaml").read_text())["cases"]
    )


def test_the_seeds_that_it_counts_are_those_of_the_run() -> None:
    replicates = json.loads((ROOT / "results/metrics.json").read_text())["replicates"]
    text = " ".join(README.split())
    lower = replicates["pairs"]["never - every_epoch"]["b_lower"]
    assert f"trained from {replicates['count']} seeds" in text
    assert f"resetting every epoch gave a lower final loss than never resetting in {lower} of" in text


def test_what_it_says_of_arrangement_and_of_held_out_samples_is_what_the_run_found() -> None:
    metrics = json.loads((ROOT / "results/metrics.json").read_text())
    text = " ".join(README.split())
    final = {name: f"{case['final_loss']:.4f}" for name, case in metrics["cases"].items()}
    carried = f"never resetting ends at {final['interleaved_loop_without_reset']}, resetting every epoch at "
    assert carried + final["interleaved_loop_with_reset"] in text
    held_out = metrics["held_out"]
    errors = dict(held_out["cases"])
    best = errors.pop("interleaved_loop_without_reset")["carried"]
    others = min(min(error.values()) for error in errors.values())
    assert f"On {held_out['samples']} samples" in text
    noise = f"is off by {best:.3f}, half of the noise ({held_out['baselines']['input']:.3f})"
    assert f"{noise}; the best of the others by {others:.3f}" in text


def test_only_networks_of_interleaved_batches_gain_from_carrying_their_states() -> None:
    """As docs/batches.md says."""
    errors = json.loads((ROOT / "results/metrics.json").read_text())["held_out"]["cases"]
    gain = {name for name, error in errors.items() if error["carried"] < error["reset"]}
    assert gain == {name for name in errors if name.startswith("interleaved")}


def test_the_artifacts_that_it_counts_are_those_of_dvc_lock() -> None:
    number = len(artifacts(ROOT))
    assert f"{number} of {number} artifacts have the bytes of dvc.lock" in README


def test_the_example_for_ones_own_code_runs(keras: Any) -> None:
    example = README.split("```python\n")[1].split("```")[0]
    model = keras.Sequential([keras.Input(batch_shape=(100, 1, 1)), keras.layers.LSTM(2, stateful=True)])
    model.compile(loss="mse")
    exec(example, {"model": model, "x": np.ones((200, 1, 1)), "y": np.ones((200, 2))})
    assert all(not state.numpy().any() for state in model.layers[0].states)
