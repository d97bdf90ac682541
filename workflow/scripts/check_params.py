"""Check the parameters before anything is computed; write them, and the different trainings among the cases."""

import argparse
from pathlib import Path

from carryover.job.command_line import ArgumentParser, errors_in_one_line, run
from carryover.job.yaml_file import read_yaml, write_yaml
from carryover.params.check import check
from carryover.params.options import from_option
from carryover.training.cases import replicated


def check_params(arguments: argparse.Namespace) -> None:
    params, schema = from_option(arguments.params), read_yaml(arguments.schema)
    with errors_in_one_line("--params: " if arguments.params.startswith("{") else f"{arguments.params}: "):
        params = check(params, schema, root=Path())
    write_yaml(arguments.output, params)
    # For train_replicates, which then has nothing to do if another case spells one of these trainings.
    write_yaml(arguments.output_trainings, [training.definition for training in replicated(params)])


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, metavar="YAML", help="the parameters: a file, or JSON text")
    parser.add_argument("--schema", required=True, type=Path, metavar="YAML", help="their JSON schema")
    parser.add_argument("--output", required=True, type=Path, metavar="YAML", help="the file to write")
    parser.add_argument("--output_trainings", required=True, type=Path, metavar="YAML", help="the trainings, to write")
    run(check_params, parser)
