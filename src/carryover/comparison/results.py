"""The results of a run, as the comparison and the figures read them."""

import argparse
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from carryover.comparison.reference import Reference, read_reference
from carryover.forecasts.held_out import read_forecasts
from carryover.job.own_files import find
from carryover.job.yaml_file import Params, read_yaml
from carryover.replicates.results import Replicates, read_replicates
from carryover.series.dataset import Series, read_series
from carryover.series.scales import read_scales, series_in_own_units
from carryover.training.case_results import Cases, read_cases


class Results(NamedTuple):
    """What the steps before have made.

    Attributes:
        params: the parameters of the run.
        cases: the results of each case.
        replicates: the results of the replicates; empty if there are none.
        forecasts: the forecasts of the held-out part; without rows if nothing is held out.
        reference: the reference of 2017.
        series: the training part of the series, in its own units.
    """

    params: Params
    cases: Cases
    replicates: Replicates
    forecasts: pd.DataFrame
    reference: Reference
    series: Series


def add_results_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one option for each part of the results."""
    parser.add_argument("--params", required=True, type=Path, metavar="YAML", help="the parameters of the run")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--replicates", required=True, type=Path, metavar="FOLDER", help="with a folder per shard")
    parser.add_argument("--forecasts", required=True, type=Path, metavar="CSV", help="the forecasts of all networks")
    parser.add_argument("--reference", required=True, type=find, metavar="FOLDER", help="the reference")
    parser.add_argument("--data", required=True, type=Path, metavar="CSV", help="the training part of the series")
    parser.add_argument("--scales", required=True, type=Path, metavar="CSV", help="the scales of its columns")


def read_results(arguments: argparse.Namespace) -> Results:
    """Read the results that the options of add_results_arguments name.

    Raises:
        UserError: if a file is missing, broken, or of another run.
    """
    params = read_yaml(arguments.params)
    return Results(
        params,
        read_cases(arguments.cases, params),
        read_replicates(arguments.replicates, params),
        read_forecasts(arguments.forecasts, params),
        read_reference(arguments.reference),
        series_in_own_units(read_series(arguments.data), read_scales(arguments.scales)),
    )
