"""Compare the cases with each other and with the reference, summarize the replicates, and write the verdict."""

import argparse
from pathlib import Path

from carryover.comparison.details import details
from carryover.comparison.metrics import metrics
from carryover.comparison.partings import loss_differences, losses
from carryover.comparison.reference import distances, read_reference
from carryover.comparison.verdict import verdict
from carryover.forecasts.held_out import read_forecasts
from carryover.job.command_line import ArgumentParser, run
from carryover.job.files import write_json, writing
from carryover.job.tables import write_table
from carryover.job.yaml_file import read_yaml
from carryover.replicates.losses import read_replicates, remove_other_shards
from carryover.replicates.shards import shards
from carryover.training.case_results import read_cases


def compare(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    # DVC tracks the folder of the replicates as a whole, so nothing else may be in it.
    for path in remove_other_shards(arguments.replicates, shards(**params["replicates"])):
        print(f"removed {path}: the parameters no longer ask for this shard")
    cases = read_cases(arguments.cases, params)
    replicates = read_replicates(arguments.replicates, params)
    forecasts = read_forecasts(arguments.forecasts, params)
    from_reference = distances(read_reference(arguments.reference), cases, params)
    found = details(cases, params, from_reference, replicates, forecasts)

    write_table(arguments.losses, losses(cases))
    write_table(arguments.loss_diffs, loss_differences(cases))
    write_json(arguments.metrics, metrics(found))
    write_json(arguments.details, found)
    with writing(arguments.verdict) as file:
        file.write(verdict(found, params))


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="one folder per case")
    parser.add_argument("--replicates", required=True, type=Path, metavar="FOLDER", help="one folder per behaviour")
    parser.add_argument("--forecasts", required=True, type=Path, metavar="CSV", help="the forecasts of all cases")
    parser.add_argument("--reference", required=True, type=Path, metavar="FOLDER", help="the reference")
    parser.add_argument("--losses", required=True, type=Path, metavar="CSV", help="losses of each case, to write")
    parser.add_argument("--loss_diffs", required=True, type=Path, metavar="CSV", help="losses of each pair, to write")
    parser.add_argument("--metrics", required=True, type=Path, metavar="JSON", help="the numbers DVC shows, to write")
    parser.add_argument("--details", required=True, type=Path, metavar="JSON", help="all numbers, to write")
    parser.add_argument("--verdict", required=True, type=Path, metavar="MD", help="the verdict, to write")
    run(compare, parser)
