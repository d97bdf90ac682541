"""The parameters of a run of Snakemake: read and checked once, by the main process, and the same for every job."""

import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.own_files import find, own_file
from carryover.job.yaml_file import Params, read_yaml
from carryover.params.check import SCHEMA, check
from carryover.params.options import merge, typed

VARIABLE = "CARRYOVER_PARAMS"
"""The environment variable by which jobs get the parameters that the main process has checked.

A job on a cluster parses the Snakefile again. If it read params.yaml again, it would train with what has been edited
meanwhile, while Snakemake records what the main process has read.
"""

_CHECKED: dict[str, Params] = {}
"""The parameters that this process has checked, by the names of the modules of which they are."""


def read_params(workflow: Any, config: Params, file: Path = Path("params.yaml")) -> Params:
    """Return the checked parameters of the run; an error is reported in one line and ends the program.

    They are what another workflow gives to this one as its module; if it gives nothing, those of params.yaml; and in
    a run of its own, those of params.yaml with the changes of the command line.

    Args:
        workflow: Snakemake's workflow.
        config: what Snakemake calls `config` in the Snakefile.
        file: params.yaml.
    """
    name = workflow.modifier.namespace or ""
    if not workflow.is_main_process:
        with errors_in_one_line():
            if VARIABLE not in os.environ:
                raise UserError(f"{VARIABLE}: missing; the executor must pass environment variables on to its jobs")
        inherited: Params = json.loads(b64decode(os.environ[VARIABLE]))[name]
        return inherited
    with errors_in_one_line():
        rules = read_yaml(own_file(SCHEMA))
    if workflow.modifier.is_main_snakefile():
        settings = workflow.config_settings
        params, where = _in_folder(file, rules, settings.configfiles, settings.config)
    elif config:
        params, where = typed(config, rules), "the config of the module"
    else:
        params, where = _in_folder(file, rules)
    with errors_in_one_line(f"{where}: "):
        checked = check(params, rules, root=Path())
    with errors_in_one_line():
        if name and _CHECKED.get(name, checked) != checked:
            raise UserError(f"two modules have the name {name}, and different parameters; give one another name")
    _CHECKED[name] = checked
    # Base64 has no character that a shell or Snakemake could change on the way to the job.
    os.environ[VARIABLE] = b64encode(json.dumps(_CHECKED).encode()).decode()
    return checked


def _in_folder(
    file: Path, rules: dict[str, Any], configfiles: Iterable[Path] = (), config: Mapping[str, Any] | None = None
) -> tuple[Params, str]:
    """Return the parameters of params.yaml with the changes of the command line, and the names of all these places.

    Snakemake reads a --configfile as YAML 1.1, and merges all of them before we see them. So the files are read again,
    by the rules of params.yaml, and merged one by one, with what --config has set as the last.

    Args:
        file: params.yaml.
        rules: its JSON schema.
        configfiles: the files that --configfile names.
        config: what --config says, as text.
    """
    if find(file) != file:
        print("note: there is no params.yaml in this folder; these are Carryover's own parameters", file=sys.stderr)
    with errors_in_one_line():
        params = read_yaml(find(file))
    where = [str(file)]
    for path in configfiles:
        with errors_in_one_line():
            changes = read_yaml(path)
            if not isinstance(changes, dict):
                raise UserError(f"{path}: expected sections of parameters, as in {file}")
            where.append(_relative(path))
        with errors_in_one_line(f"{where[-1]}: "):
            params = merge(params, changes)
    if config:
        where.append("--config")
        with errors_in_one_line("--config: "):
            params = merge(params, typed(dict(config), rules))
    return params, " or ".join(filter(None, [", ".join(where[:-1]), where[-1]]))


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
