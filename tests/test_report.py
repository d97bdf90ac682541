"""Snakemake's report: the verdict first, each figure with its caption, all in one file."""

from importlib.metadata import version
from pathlib import Path

import pytest
from docutils.core import publish_parts
from helpers.browser import Browser
from helpers.engines import dvc_graph
from helpers.project import Project

from carryover.figures import FIGURES

PICTURES = "return [...document.querySelectorAll('.pictures a')]"


@pytest.fixture(scope="module")
def report(viewed: Project) -> Path:
    viewed("snakemake", "--report", "report.html")
    return viewed.folder / "report.html"


def plain(markdown: str) -> str:
    return markdown.replace("`", "").replace("*", "")


@pytest.mark.slow
def test_it_opens_with_the_verdict_the_parameters_and_the_software(report: Path, browser: Browser) -> None:
    browser.open(report, 1400)
    text = browser.run("return document.querySelector('#app').innerText")
    verdict = (report.parent / "results/verdict.md").read_text()
    headings = [plain(line.removeprefix("## ")) for line in verdict.splitlines() if line.startswith("## ")]
    answer = next(line for line in verdict.splitlines() if line and not line.startswith("#"))
    places = [text.index(part) for part in [plain(answer)[:20], *headings, "Parameters\n", "Software\n"]]
    assert headings
    assert text.index("Verdict") < places[0]
    assert places[0] < places[1]
    assert "noise: 0.2" in text
    rows = browser.run("return [...document.querySelectorAll('.prose tr')].map(row => row.innerText.split('\\t'))")
    software = {row[0]: row[1] for row in rows if len(row) == 3}
    assert software["keras"] == version("keras")
    assert software["tensorflow"] == version("tensorflow-cpu")
    assert ["loop_with_reset ≠ single_fit", "yes"] in [row[:2] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 480])
def test_a_click_in_the_verdict_shows_a_figure_with_what_to_see_in_it(
    report: Path, browser: Browser, width: int
) -> None:
    browser.requested(report)
    for number in range(len(FIGURES)):
        browser.open(report, width)
        pictures = browser.run(PICTURES)
        assert len(pictures) == len(FIGURES)
        title = pictures[number].text
        pictures[number].click()
        browser.wait("return document.querySelector('#app .p-3 > img')?.naturalWidth > 300")
        nav = browser.run("return document.querySelector('nav').innerText")
        assert title in nav
        assert "What to see: " in nav
        shown = browser.run("return document.querySelector('#app .p-3 > img').getBoundingClientRect().toJSON()")
        assert min(shown["left"], shown["top"]) >= 0, "nothing is cut off"
        assert shown["right"] <= width
        assert shown["width"] > 200
    assert browser.requested(report) == {report.as_uri()}
    assert browser.mistakes() == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 480])
def test_nothing_of_the_opening_page_is_cut_off(report: Path, browser: Browser, width: int) -> None:
    browser.open(report, width)
    page = "document.querySelector('.prose')"
    box = browser.run(f"return {page}.getBoundingClientRect().toJSON()")
    assert min(box["left"], box["top"]) >= 0
    assert browser.run(f"return {page}.scrollWidth - {page}.clientWidth") <= 0
    assert browser.run("return document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_it_has_all_figures_and_tables_with_captions(report: Path, browser: Browser, viewed: Project) -> None:
    browser.open(report, 1400)
    captions = browser.run("return Object.fromEntries(Object.entries(results).map(([k, v]) => [k, v.caption]))")
    graph = dvc_graph(viewed).items()
    tables = {path for outputs, job in graph if job["step"] in ("score", "compare") for path in outputs.split()}
    histories = {f"results/cases/{case}/history.csv" for case in ("loop_with_reset", "single_fit")}
    figures = {f"results/figures/{name}.svg" for name in FIGURES}
    assert set(captions) == tables | histories | figures | {"results/params.yaml"}
    first_loss = (report.parent / "results/losses.csv").read_text().splitlines()[1].split(",")[2]
    assert first_loss in captions["results/losses.csv"]
    assert all(len(caption) > 100 for caption in captions.values())


def html(text: str, parser: str) -> str:
    """What a page that includes the text by a parser holds."""
    from docutils.parsers import get_parser_class

    body: str = publish_parts(text, parser=get_parser_class(f"carryover.engines.report.{parser}")(), writer="html")[
        "body"
    ]
    return body


def test_markdown_in_the_report_has_tables_and_no_html_of_its_own() -> None:
    body = html("## A\n\n| `a` |\n| --- |\n| <script>alert(1)</script> |\n", "markdown")
    assert "<h2>A</h2>" in body
    assert "<th><code>a</code></th>" in body
    assert "<script>" not in body


def test_a_table_in_the_report_shows_its_numbers_as_they_are() -> None:
    assert "<td>0.10</td>" in html("case,loss\na,0.10\n", "table")
    long = html("epoch\n" + "".join(f"{number}\n" for number in range(1000)), "table")
    assert long.count("<tr") < 110
    assert "1000 rows" in long
    assert "<td>999</td>" in long


def test_the_software_in_the_report_is_what_is_installed() -> None:
    body = html("package,what it does here\ntensorflow,trains\nnumpy,counts\n", "software")
    assert f"<td>{version('numpy')}</td>" in body
    assert "<td>2.21." in body
