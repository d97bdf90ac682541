"""Compare the cases with each other, with the reference and across the replicates; write metrics and verdict."""

import argparse
import json
from pathlib import Path

from carryover.case_results import read_cases, remove_other_cases
from carryover.command_line import ArgumentParser, run
from carryover.comparison import loss_differences, losses
from carryover.files import writing
from carryover.held_out import read_forecasts
from carryover.metrics import metrics
from carryover.reference import distances, read_reference
from carryover.replicates import read_replicates, remove_other_shards
from carryover.shards import shards
from carryover.verdict import verdict
from carryover.yaml_file import read_yaml


def compare(arguments: argparse.Namespace) -> None:
    params = read_yaml(arguments.params)
    # DVC takes the folder of the cases as a whole: a case that has been taken out must not count.
    for folder in remove_other_cases(arguments.cases, params["cases"]):
        print(f"removed {folder}: the parameters no longer name this case")
    for path in remove_other_shards(arguments.replicates, shards(**params["replicates"])):
        print(f"removed {path}: not a shard of these parameters")
    cases = read_cases(arguments.cases, params)
    replicates = read_replicates(arguments.replicates, params)
    reference = read_reference(arguments.reference)
    forecasts = read_forecasts(arguments.forecasts, params)
    numbers = metrics(cases, params, distances(reference, cases, params), replicates, forecasts)

    for path, table in [(arguments.losses, losses(cases)), (arguments.loss_diffs, loss_differences(cases))]:
        with writing(path) as file:
            table.to_csv(file, index=False, float_format="%.9g", lineterminator="\n")
    with writing(arguments.metrics) as file:
        json.dump(numbers, file, indent=2)
        file.write("\n")
    with writing(arguments.verdict) as file:
        file.write(verdict(cases, params, numbers))


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--replicates", required=True, type=Path, metavar="FOLDER", help="with a folder per behaviour")
    parser.add_argument("--forecasts", required=True, type=Path, metavar="CSV", help="what the networks forecast")
    parser.add_argument("--reference", required=True, type=Path, metavar="FOLDER", help="the reference")
    parser.add_argument("--losses", required=True, type=Path, metavar="CSV", help="losses of each case")
    parser.add_argument("--loss_diffs", required=True, type=Path, metavar="CSV", help="losses of each pair of cases")
    parser.add_argument("--metrics", required=True, type=Path, metavar="JSON", help="the run in numbers")
    parser.add_argument("--verdict", required=True, type=Path, metavar="MD", help="the run in words")
    run(compare, parser)
