"""Check the parameters before anything is computed, and write them to a file for the later steps."""

import argparse
from pathlib import Path

from carryover.job.command_line import ArgumentParser, errors_in_one_line, run
from carryover.job.yaml_file import read_yaml, write_yaml
from carryover.params.check import check
from carryover.params.options import from_option


def check_params(arguments: argparse.Namespace) -> None:
    params, schema = from_option(arguments.params), read_yaml(arguments.schema)
    with errors_in_one_line("--params: " if arguments.params.startswith("{") else f"{arguments.params}: "):
        params = check(params, schema, root=Path())
    write_yaml(arguments.output, params)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, metavar="YAML", help="the parameters: a file, or JSON text")
    parser.add_argument("--schema", required=True, type=Path, metavar="YAML", help="their JSON schema")
    parser.add_argument("--output", required=True, type=Path, metavar="YAML", help="the file to write")
    run(check_params, parser)
