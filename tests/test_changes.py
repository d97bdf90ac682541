"""`carryover changes`: from two commits of tiny results, and from repositories made by hand."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from helpers.project import ROOT, Project
from markdown_it import MarkdownIt

from carryover.engines.changes import LIMIT, ROWS, changes
from carryover.job.errors import UserError

IMAGES = "https://host/{commit}/{path}?raw=true"


def tables(markdown: str) -> list[list[list[str]]]:
    """The cells of each table, as a parser of Markdown reads them; of an image, its URL."""
    found: list[list[list[str]]] = []
    inside = False
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        inside = token.type == "table_open" or (inside and token.type != "table_close")
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif inside and token.type == "inline":
            found[-1][-1].append("".join(str(part.attrs.get("src", part.content)) for part in token.children or []))
    return found


def section(markdown: str, start: str, end: str) -> str:
    """What is between two lines."""
    return markdown.split(f"{start}\n")[1].split(f"\n{end}")[0].strip()


# ---- two commits of tiny results


@pytest.fixture(scope="module")
def described(viewed: Project) -> str:
    return viewed("carryover", "changes", "HEAD~1", "HEAD", "--images", IMAGES)


def hashes(project: Project, *commits: str) -> list[str]:
    return project("git", "rev-parse", *commits).split()


@pytest.mark.slow
def test_it_says_first_which_parameters_and_which_results_change(viewed: Project, described: str) -> None:
    before, after = (commit[:9] for commit in hashes(viewed, "HEAD~1", "HEAD"))
    changed = dict(
        reversed(line.split("\t"))
        for line in viewed("git", "diff", "--name-status", "HEAD~1", "HEAD", "--", "results").splitlines()
    )
    results = viewed("git", "ls-tree", "-r", "--name-only", "HEAD", "results").splitlines()
    assert set(changed.values()) == {"M"}
    assert 0 < len(changed) < len(results)
    assert described.splitlines()[2] == (
        f"1 parameter and {len(changed)} of {len(results)} committed results change from `{before}` to `{after}`."
    )
    assert tables(described)[0] == [["parameter", before, after], ["dataset.noise", "0.1", "0.2"]]
    listed = re.findall("^- changed: `(.*)`$", described, flags=re.MULTILINE)
    assert sorted(listed) == sorted(changed)


@pytest.mark.slow
def test_the_metrics_are_those_of_dvc(viewed: Project, described: str) -> None:
    by_dvc = json.loads(viewed("dvc", "metrics", "diff", "HEAD~1", "HEAD", "--json"))["results/metrics.json"]
    (table,) = [table for table in tables(described) if table[0][0] == "metric"]
    assert [name for name, *_ in table[1:]] == sorted(by_dvc)
    for name, *numbers in table[1:]:
        assert [float(number) for number in numbers] == pytest.approx(
            [by_dvc[name][key] for key in ("old", "new", "diff")], rel=1e-4
        )


@pytest.mark.slow
def test_the_figures_that_change_are_side_by_side_and_each_is_in_its_commit(viewed: Project, described: str) -> None:
    before, after = hashes(viewed, "HEAD~1", "HEAD")
    changed = viewed("git", "diff", "--name-only", before, after, "--", "results/figures/*.png").splitlines()
    assert changed
    assert tables(described)[-1] == [
        [before[:9], after[:9]],
        *(
            [f"{Path(path).stem}<br>https://host/{commit}/{path}?raw=true" for commit in (before, after)]
            for path in changed
        ),
    ]
    without = changes(viewed.folder, "HEAD~1")
    assert section(without, "### Figures", "\f").splitlines() == [f"- `{path}`" for path in changed]


@pytest.mark.slow
def test_the_verdict_is_there_in_brief_in_full_and_by_its_changes(viewed: Project, described: str) -> None:
    old, new = (viewed("git", "show", f"{commit}:results/verdict.md") for commit in ("HEAD~1", "HEAD"))
    body = new.removeprefix("# Verdict\n").strip()
    after = hashes(viewed, "HEAD")[0][:9]
    assert section(described, f"### The verdict of `{after}`", "<details>") == body.split("\n## ")[0].strip()
    assert section(described, "<details><summary>The whole verdict</summary>", "</details>") == body
    lines = section(described, "````diff", "````").splitlines()
    assert {line[0] for line in lines} == {"@", "-", "+"}
    headings = [line.strip("# ") for line in new.splitlines() if line.startswith("#")]
    shown = [line.strip("@ ") for line in lines if line[0] == "@"]
    assert shown == [heading for heading in headings if heading in shown], "each once, in their order"

    def letters(text: str) -> Counter[str]:
        return Counter(re.sub(r"\s", "", text))

    removed, added = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
    assert removed and added
    changed = letters(old)
    changed.subtract(letters(removed))
    changed.update(letters(added))
    assert +changed == letters(new)
    assert min(changed.values()) >= 0


@pytest.mark.slow
def test_the_working_tree_is_neither_read_nor_written(viewed: Project, tmp_path: Path) -> None:
    project = viewed.copy(tmp_path / "project")
    before = changes(project.folder, "HEAD~1")
    for name in ("params.yaml", "dvc.yaml", "dvc.lock"):
        (project.folder / name).write_text("a: [")
    shutil.rmtree(project.folder / "results")
    status = project("git", "status", "--porcelain")
    assert changes(project.folder, "HEAD~1") == before
    assert project("git", "status", "--porcelain") == status
    assert (project.folder / "params.yaml").read_text() == "a: ["


# ---- repositories made by hand

PARAMS = "training: {epochs: 2}\nfolders: {results: results}\n"
RESULTS = {
    "results/verdict.md": "# Verdict\n\nIt is so.\n\n## The claims\n\nAll hold.\n",
    "results/metrics.json": '{"loss": 0.5}',
    "results/figures/loss.png": "a picture",
}


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A repository with the least that the command looks at, and one commit."""
    project = Project(tmp_path / "small")
    project.folder.mkdir()
    project("git", "init", "--quiet")
    dvc = {".dvc/config": "", ".dvc/.gitignore": "/tmp\n", "dvc.yaml": "metrics: ['${folders.results}/metrics.json']\n"}
    commit(project, {**dvc, "params.yaml": PARAMS, **RESULTS})
    return project


def commit(project: Project, files: dict[str, str | None]) -> None:
    """Commit a change: the new content of files, or None for those that are removed."""
    for name, content in files.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
    project.commit("change")


def described_change(project: Project, files: dict[str, str | None], images: str | None = None) -> str:
    """Commit a change, and describe it, with A and B for the two commits."""
    commit(project, files)
    text = changes(project.folder, "HEAD~1", images=images)
    for name, digest in zip("AB", hashes(project, "HEAD~1", "HEAD"), strict=True):
        text = text.replace(digest, name).replace(digest[:9], name)
    return text


OTHER_PARAMS = PARAMS.replace("2", "3")
OTHER_VERDICT = {"results/verdict.md": RESULTS["results/verdict.md"].replace("All hold", "One fails")}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"code.py": "1"},
            "Nothing changes from `A` to `B`: every parameter and all 3 committed results are the same.",
        ),
        ({"params.yaml": OTHER_PARAMS}, "1 parameter changes from `A` to `B`, but no committed result does."),
        (OTHER_VERDICT, "1 of 3 committed results change from `A` to `B`, but no parameter does."),
        (
            {"params.yaml": OTHER_PARAMS + "a: 1\n", **OTHER_VERDICT},
            "2 parameters and 1 of 3 committed results change from `A` to `B`.",
        ),
    ],
)
def test_the_first_sentence_says_what_changes(small: Project, files: dict[str, str | None], sentence: str) -> None:
    assert described_change(small, files).splitlines()[2] == sentence


def test_what_does_not_change_takes_no_space_but_the_folded_verdict(small: Project) -> None:
    text = described_change(small, {"code.py": "1"})
    assert tables(text) == []
    assert "###" not in text
    folded = section(text, "<details><summary>The verdict, which does not change</summary>", "</details>")
    assert folded == "It is so.\n\n## The claims\n\nAll hold."


def test_it_says_so_if_results_change_but_neither_the_verdict_nor_a_metric(small: Project) -> None:
    text = described_change(small, {"results/figures/loss.png": "another picture"})
    assert text.endswith("\n\nNo metric changes.\n\n### Figures\n\n- `results/figures/loss.png`\n")
    assert "<summary>The verdict, which does not change</summary>" in text


@pytest.mark.parametrize("params", [None, PARAMS], ids=["without params.yaml", "with params.yaml"])
def test_the_first_results_are_described_without_any_to_compare_with(small: Project, params: str | None) -> None:
    commit(small, {**dict.fromkeys(RESULTS), "params.yaml": params})
    text = described_change(small, {**RESULTS, "params.yaml": OTHER_PARAMS}, IMAGES)
    assert text.splitlines()[2] == "All 3 committed results are new in `B`: `A` has none."
    assert section(text, "### The verdict of `B`", "<details>") == "It is so."
    assert "- new: " not in text, "all are"
    figure = "loss<br>https://host/B/results/figures/loss.png?raw=true"
    epochs = [[["parameter", "A", "B"], ["training.epochs", "2", "3"]]]
    assert tables(text) == [
        *(epochs if params else []),  # all parameters are new otherwise, which params.yaml shows better
        [["metric", "A", "B", "change"], ["loss", "-", "0.5", "-"]],
        [["A", "B"], ["there is none", figure]],
    ]


def test_results_are_found_in_the_folder_that_each_commit_names(small: Project) -> None:
    moved = {name.replace("results/", "my runs/a/"): content for name, content in RESULTS.items()}
    moved["my runs/a/figures/loss.png"] = "another picture"
    commit(small, {"results/figures/old.png": "a picture"})
    gone = dict.fromkeys([*RESULTS, "results/figures/old.png"])
    params = PARAMS.replace("results: results", "results: ./my runs/a")
    text = described_change(small, {**moved, **gone, "params.yaml": params}, IMAGES)
    assert text.splitlines()[2] == "1 parameter and 2 of 4 committed results change from `A` to `B`."
    urls = ("https://host/A/results/figures/loss.png?raw=true", "https://host/B/my%20runs/a/figures/loss.png?raw=true")
    assert tables(text)[-1][1] == [f"loss<br>{url}" for url in urls]
    assert "- changed: `my runs/a/figures/loss.png`\n- removed: `results/figures/old.png`\n" in text
    assert changes(small.folder, "HEAD~1").endswith("\n- `my runs/a/figures/loss.png`\n- `results/figures/old.png`\n")
    names = [row[0] for row in tables(text)[1][1:]]
    assert names == ["my runs/a/metrics.json", "results/metrics.json"], "two files of metrics, as DVC sees it"


def test_a_figure_that_is_removed_has_no_image_after_the_change(small: Project) -> None:
    text = described_change(small, {"results/figures/loss.png": None}, IMAGES)
    assert tables(text)[-1][1] == ["loss<br>https://host/A/results/figures/loss.png?raw=true", "there is none"]
    assert "\n- removed: `results/figures/loss.png`\n" in text
    assert changes(small.folder, "HEAD~1").endswith("\n- `results/figures/loss.png`\n")


def test_the_claims_that_fail_now_are_named_at_the_top(small: Project) -> None:
    claims = {"a = b": True, "a = c": True, "a != d": False, "a != e": False}
    commit(small, {"results/metrics.json": json.dumps({"claims": claims})})
    claims |= {"a = c": False, "a != d": True, "b = e": False, "b = f": True}
    text = described_change(small, {"results/metrics.json": json.dumps({"claims": claims})})
    assert text.splitlines()[4] == "**Claims that fail in `B`, but not in `A`:** `a = c`, `b = e`."


def test_a_small_change_of_a_metric_is_not_rounded_away(small: Project) -> None:
    text = described_change(small, {"results/metrics.json": '{"loss": 0.500000001}'})
    assert float(tables(text)[-1][1][3]) == pytest.approx(1e-9, rel=1e-4)


def test_a_table_has_a_limit_and_names_the_command_that_shows_the_rest(small: Project) -> None:
    metrics = {f"loss_{number}": number for number in range(ROWS + 40)}
    text = described_change(small, {"results/metrics.json": json.dumps(metrics)})
    (table,) = tables(text)
    assert len(table) == 1 + ROWS
    left_out = len(metrics) + 1 - ROWS  # one metric is gone
    assert f"\n\n`dvc metrics diff A B` shows {left_out} more.\n" in text


@pytest.mark.parametrize("value", ["a|b", "`", "a``|`b", "<b>", "*", "_a_", "@someone", "two\nlines", '""', "x" * 90])
def test_no_value_of_a_parameter_breaks_the_table(small: Project, value: str) -> None:
    text = described_change(small, {"params.yaml": f"{PARAMS}delimiter: {json.dumps(value)}\n"})
    (table,) = tables(text)
    assert table == [["parameter", "A", "B"], ["delimiter", "-", " ".join(value.split())]]


def test_an_empty_value_can_be_seen(small: Project) -> None:
    commit(small, {"params.yaml": f"{PARAMS}comment: '#'\n"})
    text = described_change(small, {"params.yaml": f"{PARAMS}comment: ''\n"})
    assert tables(text) == [[["parameter", "A", "B"], ["comment", "#", '""']]]


def test_of_long_values_what_differs_is_shown(small: Project) -> None:
    pairs = [["a", f"case_{number}"] for number in range(100)]
    commit(small, {"params.yaml": f"{PARAMS}claims: {json.dumps(pairs)}\n"})
    pairs[50][1] = "another"
    text = described_change(small, {"params.yaml": f"{PARAMS}claims: {json.dumps(pairs)}\n"})
    (_, (name, old, new)), *_ = tables(text)
    assert name == "claims"
    assert "case_50" in old and "another" in new
    assert max(len(old), len(new)) < 120


def test_what_is_too_long_for_a_comment_is_left_out_and_named(small: Project) -> None:
    long = {"results/verdict.md": "# Verdict\n\nIt is so.\n\n## The claims\n\n" + "≠" * (LIMIT // 3)}
    text = described_change(small, long, IMAGES)
    assert text.endswith("\n\nToo long for a comment, so left out: the changes of the verdict, the whole verdict.\n")
    assert len(text) < LIMIT
    assert section(text, "### The verdict of `B`", "No metric changes.") == "It is so."


def test_a_comment_is_whole_up_to_the_longest_length(small: Project) -> None:
    def described(length: int) -> str:
        verdict = f"# Verdict\n\nIt is so.\n\n## The claims\n\n{'x' * length}"
        text = described_change(small, {"results/verdict.md": verdict})
        commit(small, {"results/verdict.md": None})
        return text

    commit(small, {"results/verdict.md": None})
    longest = 1000 + LIMIT - len(described(1000).replace("`A`", "`123456789`").replace("`B`", "`123456789`"))
    assert "left out" not in described(longest)
    assert described(longest + 1).endswith("so left out: the whole verdict.\n")


# ---- what a user gets wrong


def refused(project: Project, base: str = "HEAD~1", head: str = "HEAD", images: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        changes(project.folder, base, head, images)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"results/verdict.md": None}, "HEAD: this commit has no results/verdict.md; run the pipeline, and commit its"),
        ({"params.yaml": None}, "HEAD: this commit has no params.yaml; run the pipeline, and commit its results"),
        ({"params.yaml": "a: ["}, "HEAD:params.yaml: not valid YAML"),
        (
            {"params.yaml": PARAMS.replace("results: results", "results: /tmp/r")},
            "HEAD: this commit has no /tmp/r/verdict.md",
        ),
        (
            {"params.yaml": PARAMS.replace("results: results", "results: ../r")},
            "HEAD: this commit has no ../r/verdict.md",
        ),
        ({"results/metrics.json": '{"loss": 0.'}, "B: results/metrics.json is missing or damaged in this commit"),
        ({"results/metrics.json": None}, "B: results/metrics.json is missing or damaged in this commit"),
        ({"dvc.yaml": "metrics: ["}, "B: DVC cannot read this commit: unable to read: 'dvc.yaml', YAML"),
    ],
)
def test_a_damaged_commit_is_named(small: Project, files: dict[str, str | None], message: str) -> None:
    commit(small, files)
    digest = hashes(small, "HEAD")[0][:9]
    assert refused(small).startswith(message.replace("B:", f"{digest}:", 1))


def test_a_damaged_commit_to_compare_with_is_named_too(small: Project) -> None:
    commit(small, {"results/metrics.json": '{"loss": 0.'})
    commit(small, RESULTS)
    digest = hashes(small, "HEAD~1")[0][:9]
    assert refused(small) == f"{digest}: results/metrics.json is missing or damaged in this commit"


def test_a_commit_that_is_not_there_is_named_and_a_shallow_clone_says_why(small: Project, tmp_path: Path) -> None:
    assert refused(small, "HEAD~1") == "HEAD~1: there is no such commit; `git log --all` lists them"
    assert refused(small, "HEAD", "--help").startswith("--help: there is no such commit")
    assert refused(small, "HEAD:params.yaml").startswith("HEAD:params.yaml: there is no such commit")
    commit(small, {"code.py": "1"})
    shallow = Project(tmp_path / "shallow")
    small("git", "clone", "--quiet", "--depth", "1", small.folder.as_uri(), str(shallow.folder))
    assert refused(shallow) == "HEAD~1: there is no such commit; this clone is shallow; run `git fetch --unshallow`"


def test_a_url_that_would_be_the_same_for_all_figures_is_refused(small: Project) -> None:
    for url in ("https://host/{commit}", "https://host/{path}"):
        assert refused(small, "HEAD", images=url).startswith(
            f"--images: {url} does not contain {{commit}} and {{path}}"
        )


def test_the_command_reports_an_error_in_one_line_with_status_2(small: Project) -> None:
    assert small("carryover", "changes", "HEAD") == changes(small.folder, "HEAD")
    for spoil, message in (
        (lambda: None, "error: nothing: there is no such commit; `git log --all` lists them\n"),
        (
            lambda: shutil.rmtree(small.folder / ".git"),
            f"error: {small.folder}: not a git repository; run this in a clone\n",
        ),
    ):
        spoil()
        done = small.run("carryover", "changes", "nothing")
        assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_without_dvcs_folder_the_error_is_one_line(small: Project) -> None:
    shutil.rmtree(small.folder / ".dvc")
    assert refused(small, "HEAD").startswith("DVC: ")


def test_the_commands_of_the_page_run(small: Project) -> None:
    """main has moved on since HEAD left it."""
    small("git", "checkout", "--quiet", "-b", "work")
    small("git", "branch", "--force", "main")
    commit(small, {"params.yaml": OTHER_PARAMS})
    small("git", "tag", "v2")
    small("git", "checkout", "--quiet", "main")
    commit(small, OTHER_VERDICT)
    small("git", "tag", "v1")
    small("git", "checkout", "--quiet", "work")
    page = (ROOT / "docs/team.md").read_text().split("## See what a pull request changes")[1]
    (block,) = re.findall("```bash\n(.*?)```", page, flags=re.DOTALL)
    texts = small("bash", "-ec", block + "cat changes.md").split("## What changes in the results\n\n")[1:]
    assert len(texts) == 3
    mine, direct, both = (text.splitlines()[0] for text in texts)
    assert mine.endswith(", but no committed result does.")
    assert both == direct
    assert both.startswith("1 parameter and 1 of 3 committed results change from `")
