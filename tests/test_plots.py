"""DVC's own views: `dvc plots`, whose pages open without a network, metrics and parameters."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.browser import Browser
from helpers.project import ROOT, Project

from carryover.figures import FIGURES

CASES = ["loop_with_reset", "single_fit"]

NOT_WHITE = """
return [...document.querySelectorAll('canvas')].map(canvas => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] && pixels[i] + pixels[i + 1] + pixels[i + 2] < 700) count++;
  }
  return count;
})
"""


@pytest.fixture(scope="module")
def plots(viewed: Project) -> dict[str, Any]:
    """What `dvc plots diff` says to other programs, such as the extension of VS Code."""
    plots: dict[str, Any] = json.loads(viewed("dvc", "plots", "diff", "HEAD~1", "--json", "--out", "drawn"))
    return plots


@pytest.mark.slow
@pytest.mark.parametrize("command", [["show"], ["diff", "HEAD~1"]], ids=["show", "diff"])
def test_a_page_of_plots_opens_without_a_network(viewed: Project, browser: Browser, command: list[str]) -> None:
    viewed("carryover", "offline-plots")
    viewed("dvc", "plots", *command)
    page = viewed.folder / "dvc_plots/index.html"
    browser.open(page, 1400)
    browser.wait("return document.querySelectorAll('canvas').length == 2")
    browser.wait(NOT_WHITE.replace("return [", "return Math.min(...[", 1).rstrip() + ") > 2000")
    revisions = len(command)
    images = browser.run("return [...document.images].map(image => [image.naturalWidth, image.width])")
    assert len(images) == len(FIGURES) * revisions
    assert all(natural > 300 for natural, _ in images)
    assert all(width * revisions < 1400 for _, width in images), "those of two commits stand side by side"
    assert all(url.startswith(page.parent.as_uri()) for url in browser.requested(page))
    assert browser.mistakes() == []
    assert viewed("git", "status", "--porcelain") == "", "neither the pages nor the setting are anything to commit"


@pytest.mark.slow
def test_every_case_has_a_curve_in_each_commit(plots: dict[str, Any]) -> None:
    assert "errors" not in plots
    (losses,) = plots["data"]["losses"]
    spec = losses["content"]
    assert spec["encoding"]["color"]["field"] == "case"
    assert spec["encoding"]["strokeDash"]["field"] == "rev"
    curves = {(row["rev"], row["case"]) for row in spec["data"]["values"]}
    assert curves == {(rev, case) for rev in ("workspace", "HEAD~1") for case in CASES}
    assert len(spec["data"]["values"]) == 2 * len(CASES) * 3


@pytest.mark.slow
def test_every_pair_has_a_lane_in_each_commit(plots: dict[str, Any]) -> None:
    (differences,) = plots["data"]["loss_differences"]
    spec = differences["content"]
    assert spec["facet"]["column"]["field"] == "rev"
    assert [row["difference"] for row in spec["data"]["values"]].count("0") >= 2, "the first epoch of each"
    assert len(spec["data"]["values"]) == 2 * 3


@pytest.mark.slow
def test_every_figure_is_there_in_each_commit(plots: dict[str, Any]) -> None:
    for figure in FIGURES:
        drawn = plots["data"][f"results/figures/{figure}.png"]
        assert [entry["revisions"] for entry in drawn] == [["workspace"], ["HEAD~1"]]
        assert all(Path(entry["url"]).is_file() for entry in drawn)


@pytest.mark.slow
def test_a_commit_is_compared_by_what_has_changed(viewed: Project) -> None:
    params = json.loads(viewed("dvc", "params", "diff", "HEAD~1", "--json"))
    assert params == {"params.yaml": {"dataset.noise": {"old": 0.1, "new": 0.2, "diff": 0.1}}}
    change = json.loads(viewed("dvc", "metrics", "diff", "HEAD~1", "--json"))["results/metrics.json"]
    assert {name.split(".")[0] for name in change} == {"final_loss", "held_out"}
    loss = change["final_loss.single_fit"]
    for rev, path in (("HEAD~1", "old"), ("HEAD", "new")):
        metrics = json.loads(viewed("git", "show", f"{rev}:results/metrics.json"))
        assert loss[path] == metrics["final_loss"]["single_fit"]


def test_the_metrics_of_the_default_run_fit_on_a_screen() -> None:
    """`dvc metrics diff` has a row for each number or answer that has changed, at most for all of them."""

    def rows(value: Any) -> int:
        return sum(map(rows, value.values())) if isinstance(value, dict) else 1

    metrics = json.loads((ROOT / "results/metrics.json").read_text())
    assert list(metrics) == ["claims", "final_loss", "held_out", "replicates", "reference"]
    assert 30 <= rows(metrics) <= 60


@pytest.mark.slow
def test_the_command_of_the_docs_shows_the_final_losses_and_what_was_changed(viewed: Project) -> None:
    docs = (ROOT / "docs/pipeline.md").read_text().splitlines()
    (command,) = [line for line in docs if line.startswith("dvc exp show")]
    header, _, *rows = viewed("bash", "-c", f"{command} --md").strip().splitlines()
    columns = [name.strip() for name in header.split("|")[1:-1]]
    losses = [f"final_loss.{case}" for case in CASES]
    assert columns == ["Experiment", "Created", *losses, "dataset.noise"]
    assert len(rows) == 3, "the workspace and two commits"


def test_the_plots_name_no_case() -> None:
    """So that a new one is in them, and one that is removed leaves no gap."""
    assert not [case for case in CASES if case in (ROOT / "dvc.yaml").read_text()]
