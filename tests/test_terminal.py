"""The verdict on a terminal."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.project import ROOT

from carryover.engines.terminal import show_verdict
from carryover.job.errors import UserError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of the default run, of which one claim does not hold."""
    folder = tmp_path / "results"
    folder.mkdir()
    details: dict[str, Any] = json.loads((ROOT / "results/details.json").read_text())
    wrong = {"holds": False, "first_divergent_epoch": 3, "parts": ["loss"], "same_training": False}
    details["claims"]["single_fit = loop_without_reset"] |= wrong
    (folder / "details.json").write_text(json.dumps(details))
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (folder / "verdict.md").write_text("not read")
    return folder


def rows(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_it_has_the_answer_first_then_each_claim_each_training_and_where_the_rest_is(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    show_verdict(results)
    printed = capsys.readouterr().out
    lines = rows(printed)
    assert lines[1].startswith("Not every claim holds; these fail, 1 of 11: single_fit = loop_without_reset.")
    assert lines[3].startswith(
        "On unseen data, networks trained in interleaved batches and never reset have the lowest error:"
    )
    loop = next(number for number, line in enumerate(lines) if line.startswith("A loop of fit(epochs=1) is the same"))
    to_do = next(number for number, line in enumerate(lines) if line.startswith("What to do. Reorder your samples"))
    assert 3 < loop < to_do
    assert "single_fit = loop_without_reset no part at epoch 3 (loss)" in lines
    assert "single_fit_with_reset = loop_with_reset yes are the same to the last bit" in lines
    assert "loop_with_reset ≠ loop_without_reset yes part at epoch 1 (states)" in lines
    details = json.loads((results / "details.json").read_text())
    for name in ("interleaved_loop_without_reset", "interleaved_loop_with_reset"):
        loss, errors = details["cases"][name]["final_loss"], details["held_out"]["cases"][name]
        assert f"{name} {loss:.6f} {errors['carried']:.4g} {errors['reset']:.4g}" in lines
    baseline = details["held_out"]["baselines"]["input"]
    assert f"without a network: input {baseline:.4g}" in lines
    assert "the cases of this run, from one seed" in lines
    units = "The loss is the mean squared error of y, which the network sees in its own units. The error on unseen data"
    assert any(line.startswith(units) for line in lines)
    assert "\x1b" not in printed, "no colours where there is no terminal"


def test_a_warning_about_the_series_comes_before_the_answer(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    details = json.loads((results / "details.json").read_text())
    details["series"] = {"warnings": ["column 'rho (g/m**3)', 'b**': -200 is in 3 of 303 rows"]}
    (results / "details.json").write_text(json.dumps(details))
    show_verdict(results)
    lines = rows(capsys.readouterr().out)
    warning = lines.index("• column 'rho (g/m**3)', 'b**': -200 is in 3 of 303 rows")
    assert lines.index("Check the series first:") < warning
    assert warning < next(number for number, line in enumerate(lines) if line.startswith("A loop of fit"))


def test_it_names_the_report_only_if_it_is_of_this_run(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    report = results.parent / "report.html"
    none = f"report run `snakemake --report {report}`, with the --configfile or --config of this run, to write it"
    show_verdict(results)
    assert none in rows(capsys.readouterr().out)
    report.touch()
    os.utime(report, (1, 1))
    show_verdict(results)
    assert none in rows(capsys.readouterr().out), "that report is of an earlier run"
    report.touch()
    show_verdict(results)
    assert f"report {report}" in rows(capsys.readouterr().out)


def test_the_report_of_the_default_run_needs_no_other_parameters(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(results.parent)
    show_verdict(Path("results"))
    assert "report run `snakemake --report report.html` to write it" in rows(capsys.readouterr().out)


def test_cases_are_joined_only_if_they_are_one_training(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one epoch a reset has changed the states, but neither the weights nor the loss."""
    monkeypatch.setenv("COLUMNS", "130")
    details = json.loads((results / "details.json").read_text())
    details["cases"]["loop_with_reset"]["final_loss"] = details["cases"]["loop_without_reset"]["final_loss"]
    (results / "details.json").write_text(json.dumps(details))
    show_verdict(results)
    lines = rows(capsys.readouterr().out)
    for names in ("loop_with_reset = single_fit_with_reset", "loop_without_reset = single_fit"):
        assert sum(line.startswith(names) for line in lines) >= 1


@pytest.mark.parametrize("columns", ["80", "100"])
def test_no_name_is_cut_off_on_a_narrow_terminal(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_verdict(results)
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= int(columns)


def test_it_has_colours_on_a_terminal(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    show_verdict(results)
    printed = capsys.readouterr().out
    assert "\x1b[32myes" in printed
    assert "\x1b[1;31mno" in printed


def test_a_run_without_forecasts_has_no_columns_for_them(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    details = json.loads((results / "details.json").read_text())
    del details["held_out"], details["replicates"]
    (results / "details.json").write_text(json.dumps(details))
    show_verdict(results)
    lines = rows(capsys.readouterr().out)
    assert f"interleaved_loop_with_reset {details['cases']['interleaved_loop_with_reset']['final_loss']:.6f}" in lines


def test_a_claim_that_does_not_apply_is_neither_yes_nor_no(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    details = json.loads((results / "details.json").read_text())
    reason = "with batch size 1 both batch orders are the same"
    claim = details["claims"]["interleaved_loop_without_reset != loop_without_reset"]
    claim |= {"holds": None, "does_not_apply": reason}
    (results / "details.json").write_text(json.dumps(details))
    for columns in ("160", "80"):
        monkeypatch.setenv("COLUMNS", columns)
        show_verdict(results)
        printed = capsys.readouterr().out
        assert "…" not in printed
        assert any(line.startswith("9 of 10 claims hold; 1 does not apply.") for line in rows(printed))
        if columns == "160":
            assert f"interleaved_loop_without_reset ≠ loop_without_reset n/a {reason}" in rows(printed)


def test_results_of_another_version_are_refused_in_one_line(results: Path) -> None:
    (results / "details.json").write_text('{"claims": {}, "cases": {}, "trainings": []}')
    with pytest.raises(UserError, match=r"details\.json: there is no '\w+'; another version wrote it"):
        show_verdict(results)


def test_without_a_run_it_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"details\.json: missing; run `make` or"):
        show_verdict(tmp_path)
