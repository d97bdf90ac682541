"""The verdict on a terminal: the answer, the claims, the losses, and where the rest lies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from carryover.job.errors import UserError

if TYPE_CHECKING:
    from carryover.comparison.metrics import Metrics  # which takes a second to import


def show_verdict(results: Path) -> None:
    """Print the verdict of a run to the standard output, in colours if that is a terminal.

    Args:
        results: the folder with verdict.md and metrics.json.

    Raises:
        UserError: where they are not.
    """
    path = results / "verdict.md"
    if not path.is_file():
        raise UserError(f"{path}: not there; `make` or `snakemake --cores all` makes it")
    verdict = path.read_text(encoding="utf-8")
    answer = verdict.removeprefix("# Verdict").split("\n## ")[0]
    metrics: Metrics = json.loads((results / "metrics.json").read_text(encoding="utf-8"))
    console = Console(highlight=False)
    console.print()
    for part in (Markdown(answer), _claims(metrics, console), _losses(verdict, metrics), _places(results)):
        console.print(part)
        console.print()


def _claims(metrics: Metrics, console: Console) -> Table:
    table = Table(box=SIMPLE, show_edge=False)
    for title in ("claim", "holds", "the two trainings"):
        table.add_column(title)
    for name, claim in metrics["claims"].items():
        unequal = "!=" if console.options.ascii_only else "≠"
        holds = Text("yes", "green") if claim["holds"] else Text("no", "bold red")
        if epoch := claim["first_divergent_epoch"]:
            found = f"part at epoch {epoch}; losses up to {claim['max_abs_loss_difference']:.3g} apart"
        else:
            found = "are the same to the last bit"
        table.add_row(name.replace("!=", unequal), holds, found)
    return table


def _losses(verdict: str, metrics: Metrics) -> Table:
    """A row per training: which cases are the same one, the verdict says, and the metrics alone cannot tell."""
    table = Table(box=SIMPLE, show_edge=False)
    table.add_column("training")
    for title in ("first loss", "final loss"):
        table.add_column(title, justify="right")
    effects = verdict.split("\n## What resetting does\n")[1].split("\n\n")[0]
    for cell in re.findall(r"^\| (`.*?) \|", effects, flags=re.MULTILINE):
        names = re.findall(r"`(\w+)`", cell)
        case = metrics["cases"][names[0]]
        table.add_row(" = ".join(names), f"{case['first_loss']:.6f}", f"{case['final_loss']:.6f}")
    return table


def _places(results: Path) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("in words", f"[cyan]{results / 'verdict.md'}")
    table.add_row("figures", f"[cyan]{results / 'figures'}/")
    report = results.parent / "report.html"
    of_this_run = report.is_file() and report.stat().st_mtime >= (results / "verdict.md").stat().st_mtime
    table.add_row("report", f"[cyan]{report}" if of_this_run else f"written by `snakemake --report {report}`")
    return table
