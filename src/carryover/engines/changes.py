"""What changes from one commit to another, as Markdown for a pull request: parameters, verdict, metrics and figures.

All of it is read from git. The working tree is neither read nor written.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any
from urllib.parse import quote

from carryover.engines.dvc_project import silence
from carryover.engines.git import Commit, git, read_commit
from carryover.job.errors import UserError

LIMIT = 65_536
"""How many characters GitHub takes in a comment. Bytes are counted here, of which there are at least as many."""

ROWS = 60
"""How many rows a table has at most. The default run has fewer metrics."""

WIDTH = 100
"""How many characters of a value a table shows."""

VERDICT = "verdict.md"

Differences = dict[str, dict[str, Any]]
"""What DVC finds: for each file, the old and the new value of each key that differs."""


def changes(project: Path, base: str, head: str = "HEAD", images: str | None = None) -> str:
    """Describe what changes in the parameters and the committed results from one commit to another.

    Args:
        project: the folder of the project.
        base: the commit to compare with; it may be without results.
        head: the commit whose results are described.
        images: the URL of a figure, with {commit} and {path} in it; None to name the figures only.

    Returns:
        Markdown that fits into a comment on GitHub: what is too long is left out, and named at the end.

    Raises:
        UserError: if the folder is not a clone, one of the commits is not in it, `head` has no verdict, a file is
            damaged, or `images` is not such a URL.
    """
    if images is not None and not ("{commit}" in images and "{path}" in images):
        raise UserError(
            f"--images: {images} does not contain {{commit}} and {{path}}, which stand for those of a figure"
        )
    if not (project / ".git").exists():
        raise UserError(f"{project.resolve()}: not a git repository; run this in a clone")
    before, after = read_commit(project, base), read_commit(project, head)
    if VERDICT not in after.results:
        missing = "params.yaml" if after.folder is None else after.path(VERDICT)
        raise UserError(f"{head}: this commit has no {missing}; run the pipeline, and commit its results")
    params, metrics = _differences(project, before, after)
    names = sorted({*before.results, *after.results})
    changed = [name for name in names if before.results.get(name) != after.results.get(name)]
    figures = [name for name in changed if name.endswith(".png")]
    parts = {"the summary": _summary(before, after, sum(map(len, params.values())), len(changed), len(names))}
    if failed := _failed_claims(metrics):
        parts["the claims"] = f"**Claims that fail in `{after}`, but not in `{before}`:** {', '.join(failed)}."
    if params and before.folder:
        parts["the parameters"] = _table(params, "parameter", before, after)
    if changed and before.results:
        parts["the list of results"] = _list(changed, before, after)
    parts |= _verdict(project, before, after)
    if metrics:
        parts["the metrics"] = f"### Metrics\n\n{_table(metrics, 'metric', before, after)}"
    elif changed:
        parts["the metrics"] = "No metric changes."
    if figures:
        parts["the figures"] = f"### Figures\n\n{_figures(figures, before, after, images)}"
    return _short_enough(parts)


def _differences(project: Path, before: Commit, after: Commit) -> tuple[Differences, Differences]:
    """Return what `dvc params diff` and `dvc metrics diff` find.

    Raises:
        UserError: if DVC cannot read one of the commits.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    silence()
    try:
        with Repo(str(project)) as repo:
            params, metrics = (kind.diff(before.hash, after.hash) for kind in (repo.params, repo.metrics))
    except DvcException as error:
        raise UserError(f"DVC: {str(error).splitlines()[0]}") from error
    for commit in (before, after) if before.results else (after,):
        for found in (params, metrics):
            errors = found.get("errors", {}).get(commit.hash, {})
            if isinstance(errors, Exception):
                raise UserError(f"{commit}: DVC cannot read this commit: {str(errors).splitlines()[0]}")
            if errors:
                raise UserError(f"{commit}: {next(iter(errors))} is missing or damaged in this commit")
    in_params, in_metrics = (dict(sorted(found.get("diff", {}).items())) for found in (params, metrics))
    return in_params, in_metrics


def _summary(before: Commit, after: Commit, params: int, changed: int, results: int) -> str:
    """Say whether anything changes, from the number of parameters that do, of results that do, and of all results."""
    between = f"from `{before}` to `{after}`"
    of_params = f"{params} parameter{'s' if params > 1 else ''}"
    of_results = f"{changed} of {results} committed results"
    if not before.results:
        sentence = f"All {changed} committed results are new in `{after}`: `{before}` has none."
    elif params and changed:
        sentence = f"{of_params} and {of_results} change {between}."
    elif params:
        sentence = f"{of_params} change{'s' if params == 1 else ''} {between}, but no committed result does."
    elif changed:
        sentence = f"{of_results} change {between}, but no parameter does."
    else:
        sentence = f"Nothing changes {between}: every parameter and all {results} committed results are the same."
    return f"## What changes in the results\n\n{sentence}"


def _failed_claims(metrics: Differences) -> list[str]:
    """Return the claims that fail and did not before, as code; the head of a verdict does not have them."""
    return [
        _code(key.removeprefix("claims."))
        for keys in metrics.values()
        for key, values in sorted(keys.items())
        if key.startswith("claims.") and values["new"] is False
    ]


def _table(differences: Differences, title: str, before: Commit, after: Commit) -> str:
    """Return what DVC has found as its own table, as `dvc metrics diff --md` does.

    Only the rounding differs: to five digits, because that command's five decimal places hide small changes.
    """
    from dvc.compare import diff_table

    table = diff_table(
        differences, title, no_path=len(differences) == 1, precision=5, a_rev=f"`{before}`", b_rev=f"`{after}`"
    )
    if title == "parameter":
        table.drop("Change")
    header, found = table.keys(), list(table)
    rows = []
    for row in found[:ROWS]:
        number = header.index(title) + 1
        values = _where_they_part(*row[number : number + 2]) + row[number + 2 :]
        rows.append([*map(_code, row[:number]), *map(_value, values)])
    text = _markdown_table([name.lower() for name in header], rows)
    if left_out := len(found) - len(rows):
        command = "params" if title == "parameter" else "metrics"
        text += f"\n\n`dvc {command} diff {before} {after}` shows {left_out} more."
    return text


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


def _where_they_part(old: str, new: str) -> list[str]:
    """Return two values, of long ones only some of what begins where they differ.

    >>> _where_they_part("x" * 200 + "1", "x" * 200)
    ['...xxxxxxxxxxxxxxxxxxxx1', '...xxxxxxxxxxxxxxxxxxxx']
    """
    if max(len(old), len(new)) <= WIDTH:
        return [old, new]
    same = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - 20)
    return [
        ("..." if start else "") + text[start : start + WIDTH] + ("..." if text[start + WIDTH :] else "")
        for text in (old, new)
    ]


def _value(text: str) -> str:
    """Return a value for a cell of a table: as code, unless it is a number or a word."""
    return text if re.fullmatch(r"[-+.0-9A-Za-z]+(_[-+.0-9A-Za-z]+)*", text) else _code(text or '""')


def _code(text: str) -> str:
    """Return a text as code in a cell of a table.

    >>> _code("a|b"), _code("a`b")
    ('`a\\\\|b`', '`` a`b ``')
    """
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{fence}{space}{line}{space}{fence}".replace("|", r"\|")


def _list(changed: Sequence[str], before: Commit, after: Commit) -> str:
    """List the results that change, folded up."""
    lines = []
    for name in changed:
        state = "new" if name not in before.results else "removed" if name not in after.results else "changed"
        lines.append(f"- {state}: `{(before if state == 'removed' else after).path(name)}`")
    return _folded(f"The committed results that change ({len(lines)})", "\n".join(lines))


def _verdict(project: Path, before: Commit, after: Commit) -> dict[str, str]:
    """Return the head of the verdict, the whole of it, and its changes; only the whole of it if it does not change."""
    old, new = (
        git(project, "show", f"{commit.hash}:{commit.path(VERDICT)}") if VERDICT in commit.results else ""
        for commit in (before, after)
    )
    whole = new.removeprefix("# Verdict").strip()
    if old == new:
        return {"the whole verdict": _folded("The verdict, which does not change", whole)}
    head = whole.split("\n## ")[0].strip()
    parts = {
        "the head of the verdict": f"### The verdict of `{after}`\n\n{head}",
        "the whole verdict": _folded("The whole verdict", whole),
    }
    if old:
        lines = "\n".join(_difference(_sentences(old), _sentences(new)))
        parts["the changes of the verdict"] = _folded("What changes in the verdict", f"````diff\n{lines}\n````")
    return parts


def _sentences(text: str) -> list[str]:
    """Split a text at the ends of lines and of sentences, so that a difference shows sentences and not paragraphs."""
    return [line for line in re.split(r"\n|(?<=\.) (?=\S)", text) if line]


def _difference(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the lines that were removed and added, below the heading of their section.

    >>> _difference(["# A", "same", "old"], ["# A", "same", "new"])
    ['@@ A @@', '-old', '+new']
    """
    lines: list[str] = []
    last = ""
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        heading = next((line for line in reversed(new[:new_from]) if line.startswith("#")), "# Verdict")
        if heading != last:
            lines.append(f"@@ {heading.lstrip('# ')} @@")
            last = heading
        lines += [f"-{line}" for line in old[old_from:old_to]] + [f"+{line}" for line in new[new_from:new_to]]
    return lines


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _figures(names: Sequence[str], before: Commit, after: Commit, images: str | None) -> str:
    """Return the figures side by side, or their paths if there is no URL for them."""
    if images is None:
        return "\n".join(f"- `{(after if name in after.results else before).path(name)}`" for name in names)

    def cell(commit: Commit, name: str) -> str:
        if name not in commit.results:
            return "there is none"
        url = images.replace("{commit}", commit.hash).replace("{path}", quote(commit.path(name)))
        return f"{Path(name).stem}<br>![{Path(name).stem}]({url})"

    return _markdown_table([f"`{before}`", f"`{after}`"], [[cell(before, name), cell(after, name)] for name in names])


def _short_enough(parts: dict[str, str]) -> str:
    """Join the parts of a comment; while they are too long, leave out the longest one, and say so."""
    left_out: list[str] = []
    while True:
        note = f"Too long for a comment, so left out: {', '.join(left_out)}." if left_out else ""
        text = "\n\n".join(filter(None, [*parts.values(), note])) + "\n"
        if len(text.encode()) <= LIMIT:
            return text
        left_out.append(max(parts, key=lambda name: len(parts[name].encode())))
        del parts[left_out[-1]]
