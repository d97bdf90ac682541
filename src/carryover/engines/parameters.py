"""The parameters of a run of Snakemake: read and checked once, by the main process, and the same for every job."""

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.yaml_file import Params, read_yaml
from carryover.params.check import check
from carryover.params.options import merge, typed

VARIABLE = "CARRYOVER_PARAMS"
"""The environment variable by which jobs get the parameters that the main process has checked.

A job on a cluster parses the Snakefile again. If it read params.yaml again, it would train with what has been edited
meanwhile, while Snakemake records what the main process has read.
"""


def read_params(file: Path, schema: Path, workflow: Any) -> Params:
    """Return the checked parameters of the run; an error is reported in one line and ends the program.

    Snakemake reads a --configfile as YAML 1.1, and merges all of them before we see them. So the files are read again,
    by the rules of params.yaml, and merged one by one, with what --config has set as the last.

    Args:
        file: params.yaml.
        schema: the JSON schema of params.yaml.
        workflow: Snakemake's workflow.
    """
    if not workflow.is_main_process:
        with errors_in_one_line():
            if VARIABLE not in os.environ:
                raise UserError(f"{VARIABLE}: missing; the executor must pass environment variables on to its jobs")
        inherited: Params = json.loads(b64decode(os.environ[VARIABLE]))
        return inherited
    with errors_in_one_line():
        rules, params = read_yaml(schema), read_yaml(file)
    where = [str(file)]
    for path in workflow.config_settings.configfiles:
        with errors_in_one_line():
            changes = read_yaml(path)
            if not isinstance(changes, dict):
                raise UserError(f"{path}: expected sections of parameters, as in {file}")
            where.append(_relative(path))
        with errors_in_one_line(f"{where[-1]}: "):
            params = merge(params, changes)
    if workflow.config_settings.config:
        where.append("--config")
        with errors_in_one_line("--config: "):
            params = merge(params, typed(dict(workflow.config_settings.config), rules))
    with errors_in_one_line(f"{' or '.join(filter(None, [', '.join(where[:-1]), where[-1]]))}: "):
        checked = check(params, rules, root=Path())
    # Base64 has no character that a shell or Snakemake could change on the way to the job.
    os.environ[VARIABLE] = b64encode(json.dumps(checked).encode()).decode()
    return checked


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
