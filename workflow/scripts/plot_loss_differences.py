"""Draw the loss differences of the claimed pairs."""

import argparse
from pathlib import Path

import pandas as pd

from carryover.command_line import ArgumentParser, add_figure_arguments, run
from carryover.errors import UserError
from carryover.figures.loss_differences import draw_loss_differences
from carryover.figures.saving import save
from carryover.metrics import claims
from carryover.yaml_file import read_yaml


def plot_loss_differences(arguments: argparse.Namespace) -> None:
    try:
        table = pd.read_csv(arguments.loss_diffs)
        # A pair stands in the table in the order of the cases, in a claim in any order; sizes are the same in both.
        pairs = {frozenset(pair): rows for pair, rows in table.groupby(["case_a", "case_b"])}
        claimed = {name: pairs[frozenset((a, b))] for name, (a, _, b) in claims(read_yaml(arguments.params)).items()}
    except (ValueError, KeyError) as error:
        raise UserError(f"{arguments.loss_diffs}: broken, or of another run; run the comparison anew") from error
    save(draw_loss_differences(claimed), arguments.svg, arguments.png)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_figure_arguments(parser)
    parser.add_argument("--loss_diffs", required=True, type=Path, metavar="CSV", help="losses of each pair of cases")
    run(plot_loss_differences, parser)
