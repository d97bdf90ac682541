"""Check the parameters before anything is computed, and write them to a file for the later steps."""

import argparse
import json
from pathlib import Path
from typing import Any

from carryover.job.command_line import ArgumentParser, errors_in_one_line, run
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml, write_yaml
from carryover.params.check import check


def read_params(text: str) -> Any:
    """Read the parameters from a YAML file; or from JSON text, if Snakemake's command line has changed something."""
    if not text.startswith("{"):
        return read_yaml(Path(text))
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"--params: not valid JSON: {error}") from error


def check_params(arguments: argparse.Namespace) -> None:
    params, schema = read_params(arguments.params), read_yaml(arguments.schema)
    with errors_in_one_line("--params: " if arguments.params.startswith("{") else f"{arguments.params}: "):
        params = check(params, schema, root=Path())
    write_yaml(arguments.output, params)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, metavar="YAML", help="the parameters: a file, or JSON text")
    parser.add_argument("--schema", required=True, type=Path, metavar="YAML", help="their JSON schema")
    parser.add_argument("--output", required=True, type=Path, metavar="YAML", help="the file to write")
    run(check_params, parser)
