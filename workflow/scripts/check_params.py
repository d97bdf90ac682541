"""Check the parameters before anything is made, write them out, and remove the cases that they no longer name."""

import argparse
import json
import shutil
from pathlib import Path

import yaml

from carryover.command_line import ArgumentParser, mistakes_in_one_line, run, writing
from carryover.params import check
from carryover.yaml_file import read_yaml


def check_params(arguments: argparse.Namespace) -> None:
    # Parameters that the command line of Snakemake has changed come as JSON text; no file's name begins with a brace.
    as_text = arguments.params.startswith("{")
    given = json.loads(arguments.params) if as_text else read_yaml(Path(arguments.params))
    schema = read_yaml(arguments.schema)
    with mistakes_in_one_line("--params: " if as_text else f"{arguments.params}: "):
        params = check(given, schema, root=Path())
    with writing(arguments.output) as file:
        yaml.safe_dump(params, file, sort_keys=False)
    if arguments.cases.is_dir():
        for folder in sorted(arguments.cases.iterdir()):
            if folder.is_dir() and folder.name not in params["cases"]:
                print(f"removing {folder}: the parameters no longer name this case")
                shutil.rmtree(folder)


if __name__ == "__main__":
    parser = ArgumentParser(__doc__)
    parser.add_argument("--params", required=True, metavar="YAML", help="the parameters: a file, or their text as JSON")
    parser.add_argument("--schema", required=True, type=Path, metavar="YAML", help="their JSON schema")
    parser.add_argument("--cases", required=True, type=Path, metavar="FOLDER", help="with one folder per case")
    parser.add_argument("--output", required=True, type=Path, metavar="YAML", help="the parameters of this run")
    run(check_params, parser)
