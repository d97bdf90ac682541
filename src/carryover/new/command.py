"""`carryover new FILE`: a file of parameters for a CSV file, checked as the pipeline checks it."""

import re
import shlex
import unicodedata
from pathlib import Path

from carryover.job.errors import UserError
from carryover.job.files import writing
from carryover.job.own_files import find, in_clone, own_file
from carryover.job.yaml_file import Params, read_yaml
from carryover.new.choice import Settings, check_rows, choose, differing, what_to_learn
from carryover.new.numbers import look_at_numbers
from carryover.new.table import look_at_text
from carryover.new.times import look_at_times
from carryover.new.words import describe
from carryover.new.yaml_text import as_yaml
from carryover.params.check import SCHEMA, check
from carryover.params.folders import NOT_FOR_RESULTS
from carryover.params.options import merge
from carryover.series.csv_format import CsvFormat
from carryover.series.options import NOISY_SINE, SERIES
from carryover.series.rows import read_rows
from carryover.series.splitting import divide

TAKEN = {*NOT_FOR_RESULTS, "data", "results", "examples"}
"""Folders of the project. The results of a series with such a name are in another folder."""


def write_new(file: Path, target: str | None, output: Path | None) -> list[str]:
    """Write a file of parameters for a CSV file, which is copied into the project unless it is there.

    Args:
        file: the CSV file.
        target: the column to learn; None to choose one.
        output: the file to write; None to name it after the series.

    Returns:
        What has been found, assumed and written, in lines.

    Raises:
        UserError: if the file cannot be learnt, or if another file is in the place of one to write.
        OSError: if the file cannot be read.
    """
    source = _name(file.stem)
    output = output or Path(f"{source}.yaml")
    if source == NOISY_SINE:
        raise UserError(f"{file}: {NOISY_SINE} is the name of the pipeline's own series; rename the file")
    if output.exists():
        raise UserError(f"{output}: this file exists already; delete it, or choose another name by --output")
    params = read_yaml(find("params.yaml"))
    folder = _name(output.stem)
    folder = f"my_{folder}" if folder in TAKEN else folder
    content = file.read_bytes()
    try:
        found, settings = _look(content, source, folder, target, params)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    series = Path(SERIES) / f"{source}.csv"
    copied = _put(content, series)
    try:
        odd = _check(series, settings, params)
    except UserError:
        if copied:
            series.unlink()
        raise
    snakefile = "" if in_clone() else '--snakefile "$(carryover snakefile)" '
    run = [
        f"  snakemake {snakefile}--cores 4 --configfile {shlex.quote(str(output))}",
        f"  carryover verdict {folder}/results",
    ]
    head = [
        f"Parameters for {series}, by `carryover new`. All others are in params.yaml.",
        *found,
    ]
    with writing(output) as text:
        text.write(as_yaml([*head, "Run it by", *run], settings))
    return [*found, *odd, *([f"copied to {series}"] if copied else []), f"wrote {output}; read it, then run", *run]


def _look(content: bytes, source: str, folder: str, target: str | None, params: Params) -> tuple[list[str], Settings]:
    """Return what has been found in a file, in lines, and the parameters that are not as in params.yaml."""
    table = look_at_text(content)
    check_rows(len(table.cells))
    numbers = look_at_numbers(table)
    times = look_at_times(table, list(numbers.columns))
    learnt = what_to_learn(numbers, times, target)
    settings = differing(choose(source, folder, table, numbers, times, learnt), params)
    return list(describe(len(table.cells), times, learnt, settings)), settings


def _put(content: bytes, series: Path) -> bool:
    """Copy the content of a file into the project; return whether it was not there."""
    if series.is_file():
        if series.read_bytes() != content:
            raise UserError(f"{series}: another file has this name already; rename one of the two")
        return False
    with writing(series, "wb") as copy:
        copy.write(content)
    return True


def _check(series: Path, settings: Settings, params: Params) -> list[str]:
    """Check the parameters, and read the series by them, as the pipeline does.

    Returns:
        Where the samples go, and what is odd in them, a line each.
    """
    changes = {section: {key: setting.value for key, setting in keys.items()} for section, keys in settings.items()}
    params = check(merge(params, changes), read_yaml(own_file(SCHEMA)), Path())
    dataset, model = params["dataset"], params["model"]
    rows = read_rows(series, dataset["inputs"], dataset["target"], CsvFormat.of(dataset), dataset["horizon"])
    try:
        notes = divide(
            rows, None, dataset["held_out"], model["time_steps"], model["batch_size"], dataset["standardize"]
        ).notes
    except UserError as error:
        raise UserError(f"{series}: {error}") from None
    return [notes.in_words, *(f"warning: {warning}" for warning in notes.warnings)]


def _name(stem: str) -> str:
    """Return a name for a series, and for the folder of its results.

    >>> _name("Temperatur Zürich (2020)")
    'Temperatur_Zurich_2020'
    """
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_") or "series"
