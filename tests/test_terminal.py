"""The verdict on a terminal."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from carryover.engines.terminal import show_verdict
from carryover.job.errors import UserError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of the default run, of which one claim does not hold."""
    folder = tmp_path / "results"
    folder.mkdir()
    metrics: dict[str, Any] = json.loads((ROOT / "results/metrics.json").read_text())
    metrics["claims"]["single_fit = loop_without_reset"] = {
        "holds": False, "first_divergent_epoch": 3, "max_abs_loss_difference": 0.25,
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "verdict.md").write_bytes((ROOT / "results/verdict.md").read_bytes())
    return folder


def test_it_has_the_answer_each_claim_each_training_and_where_the_rest_lies(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    show_verdict(results)
    printed = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert rows[1].startswith("Is a loop of fit(epochs=1)")
    assert "single_fit = loop_without_reset no part at epoch 3; losses up to 0.25 apart" in rows
    assert "single_fit_with_reset = loop_with_reset yes are the same to the last bit" in rows
    assert "loop_with_reset ≠ loop_without_reset yes part at epoch 1; losses up to 0.0641 apart" in rows
    assert "loop_without_reset = single_fit 0.476925 0.016409" in rows
    assert "interleaved_loop_without_reset 0.453771 0.002239" in rows
    assert "\x1b" not in printed, "no colours where there is no terminal"
    assert f"report run `snakemake --report {results.parent}/report.html` to write it" in " ".join(rows)
    report = results.parent / "report.html"
    report.touch()
    os.utime(report, (1, 1))
    show_verdict(results)
    assert "to write it" in capsys.readouterr().out, "that report is of an earlier run"
    report.touch()
    show_verdict(results)
    assert ["report", str(results.parent / "report.html")] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]


def test_cases_are_joined_only_where_the_verdict_says_that_they_are_one_training(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one epoch, resetting has changed the states, but neither weights nor loss, which the metrics have."""
    monkeypatch.setenv("COLUMNS", "130")
    metrics = json.loads((results / "metrics.json").read_text())
    metrics["cases"]["loop_with_reset"] = metrics["cases"]["loop_without_reset"]
    (results / "metrics.json").write_text(json.dumps(metrics))
    show_verdict(results)
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "loop_with_reset = single_fit_with_reset 0.476925 0.016409" in rows
    assert "loop_without_reset = single_fit 0.476925 0.016409" in rows


def test_it_has_colours_on_a_terminal(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    show_verdict(results)
    printed = capsys.readouterr().out
    assert "\x1b[32myes" in printed
    assert "\x1b[1;31mno" in printed


def test_without_a_run_it_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"details\.json: missing; run `make` or"):
        show_verdict(tmp_path)
