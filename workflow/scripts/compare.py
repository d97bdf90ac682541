"""Compare the cases with each other, with the reference and across the replicates; write metrics and verdict."""

import argparse
from pathlib import Path

from carryover.comparison.details import details
from carryover.comparison.metrics import metrics
from carryover.comparison.partings import loss_differences, losses
from carryover.comparison.reference import distances
from carryover.comparison.results import add_results_arguments, read_results
from carryover.comparison.verdict import verdict
from carryover.job.command_line import ArgumentParser, run
from carryover.job.files import write_json, writing
from carryover.job.tables import write_table
from carryover.replicates.results import remove_other_shards
from carryover.replicates.shards import shards
from carryover.series.notes import read_notes


def compare(arguments: argparse.Namespace) -> None:
    params, cases, replicates, forecasts, reference, series = read_results(arguments)
    # DVC takes the folder of the replicates as a whole, so nothing else may be in it.
    for path in remove_other_shards(arguments.replicates, shards(**params["replicates"])):
        print(f"removed {path}: the parameters no longer ask for this shard")
    notes = read_notes(arguments.notes)
    found = details(cases, params, distances(reference, cases, params), replicates, forecasts, notes, series)
    write_table(arguments.losses, losses(cases))
    write_table(arguments.loss_diffs, loss_differences(cases))
    write_json(arguments.metrics, metrics(found))
    write_json(arguments.details, found)
    with writing(arguments.verdict) as file:
        file.write(verdict(found, params))


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    add_results_arguments(parser)
    parser.add_argument("--notes", required=True, type=Path, metavar="JSON", help="the notes of make_dataset")
    parser.add_argument("--losses", required=True, type=Path, metavar="CSV", help="the losses of each case")
    parser.add_argument(
        "--loss_diffs", required=True, type=Path, metavar="CSV", help="the losses of each pair of cases"
    )
    parser.add_argument("--metrics", required=True, type=Path, metavar="JSON", help="the numbers that DVC compares")
    parser.add_argument("--details", required=True, type=Path, metavar="JSON", help="all numbers")
    parser.add_argument("--verdict", required=True, type=Path, metavar="MD", help="the verdict, for people")
    run(compare, parser)
