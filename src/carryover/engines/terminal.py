"""The verdict on the terminal: the answer and what to do, the claims, the trainings, and where to find the rest."""

import json
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from carryover.comparison.answer import answer, claims_hold
from carryover.comparison.claims import readable
from carryover.comparison.units import error_of, loss_of
from carryover.comparison.words import parting_of_claim
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml

HOLDS = {True: Text("yes", "green"), False: Text("no", "bold red"), None: Text("n/a", "dim")}


def show_verdict(results: Path) -> None:
    """Print the verdict of a run to the standard output, in colour if that is a terminal.

    Args:
        results: the folder of the results, with details.json and params.yaml.

    Raises:
        UserError: if they are missing, or of another version of the program.
    """
    path = results / "details.json"
    if not path.is_file():
        raise UserError(f"{path}: missing; run `make` or `snakemake --cores all` to make it")
    details = json.loads(path.read_text(encoding="utf-8"))
    console = Console(highlight=False)
    try:
        params = read_yaml(results / "params.yaml")
        parts = (
            Markdown(answer(details, params)),
            Markdown(claims_hold(details)),
            _claims(details, console),
            _trainings(details),
            Markdown(_units(details, params)),
            _places(results),
        )
    except KeyError as missing:
        raise UserError(f"{path}: there is no {missing}; another version wrote it, so run the pipeline again") from None
    console.print()
    for part in parts:
        console.print(part)
        console.print()


def _claims(details: dict[str, Any], console: Console) -> Table:
    table = Table(box=SIMPLE, show_edge=False)
    for title in ("claim", "holds", "the two cases"):
        table.add_column(title)
    for name, claim in details["claims"].items():
        if reason := claim.get("does_not_apply"):
            found = reason
        elif claim["first_divergent_epoch"]:
            found = parting_of_claim(claim)
        else:
            found = "are the same to the last bit"
        table.add_row(name if console.options.ascii_only else readable(name), HOLDS[claim["holds"]], found)
    return table


def _trainings(details: dict[str, Any]) -> Table:
    """Return a table with one row per group of cases that are the same training."""
    table = Table(box=SIMPLE, show_edge=False, title="the cases of this run, from one seed", title_justify="left")
    errors = details.get("held_out", {}).get("cases", {})
    table.add_column("training", overflow="fold", min_width=max(map(len, details["cases"])))
    for title in ("final loss", *(["unseen data,\nstates carried", "unseen data,\nstates reset"] if errors else [])):
        table.add_column(title, justify="right")
    for group in details["trainings"]:
        case = details["cases"][group[0]]
        of_states = [f"{errors[group[0]][states]:.4g}" for states in ("carried", "reset")] if errors else []
        table.add_row(" = ".join(group), f"{case['final_loss']:.6f}", *of_states)
    for name, error in details.get("held_out", {}).get("baselines", {}).items():
        table.add_row(f"without a network: {name.replace('_', ' ')}", "", "", f"{error:.4g}", style="dim")
    return table


def _units(details: dict[str, Any], params: dict[str, Any]) -> str:
    """Say what the numbers of the table of trainings are."""
    error = f" The error on unseen data is the {error_of(params['dataset'])}." if "held_out" in details else ""
    return loss_of(params) + error


def _places(results: Path) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("in words", f"[cyan]{results / 'verdict.md'}")
    table.add_row("figures", f"[cyan]{results / 'figures'}/")
    report = results.parent / "report.html"
    of_this_run = report.is_file() and report.stat().st_mtime >= (results / "verdict.md").stat().st_mtime
    # The report is of the parameters that it is asked for with, so a run of other parameters must name them again.
    same = "" if report == Path("report.html") else ", with the --configfile or --config of this run,"
    table.add_row(
        "report", f"[cyan]{report}" if of_this_run else f"run `snakemake --report {report}`{same} to write it"
    )
    return table
