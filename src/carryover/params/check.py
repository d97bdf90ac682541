"""Checking the parameters of a run against their schema and against each other."""

import math
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carryover.job.array_shapes import read_shapes
from carryover.job.errors import UserError, hint
from carryover.job.own_files import find
from carryover.job.portable import require_backend
from carryover.job.yaml_file import Params
from carryover.params.build_file import check_build
from carryover.params.folders import check_folders
from carryover.series.csv_format import ISO, CsvFormat
from carryover.series.options import NOISY_SINE, SERIES
from carryover.series.windows import count_windows
from carryover.training.cases import replicated
from carryover.training.network import STACKED, Network, misfit
from carryover.training.variants import TENSORFLOW, backend_of

SCHEMA = "workflow/schemas/params.schema.yaml"
"""The JSON schema of params.yaml, by its path in the project."""

REFERENCE_FILES = ("settings.yaml", "losses.csv", "predictions.csv")
"""The files in the folder of a reference, besides its initial weights."""


COLUMNS = ("dataset.inputs", "dataset.target", "dataset.time[", "dataset.sequence")
"""The beginnings of the keys whose values are names of columns."""


def check(params: Any, schema: dict[str, Any], root: Path) -> Params:
    """Check the parameters against the schema and against each other.

    Args:
        params: the parameters, in the form of params.yaml.
        schema: the JSON schema of params.yaml.
        root: the user's folder, to which the paths in the parameters are relative.

    Returns:
        The parameters, unchanged.

    Raises:
        UserError: if a value is wrong; the message is about the first one.
    """
    # A job on a cluster parses the Snakefile too, and checks nothing.
    from carryover.params.schema import check_against_schema

    check_against_schema(params, schema)
    for place, value in _numbers(params):
        if not math.isfinite(value):
            raise UserError(f"{place}: {value} is not a finite number")
    _check_dataset(params["dataset"], params["model"], root)
    check_folders(params["folders"], params["dataset"]["source"], root)
    for name, case in params["cases"].items():
        _check_case(name, case, params["model"]["build"], params["dataset"]["sequence"])
    seeds = params["replicates"]["first_seed"] + params["replicates"]["count"]
    if seeds > 2**32:
        raise UserError(f"replicates: the last seed would be {seeds - 1}, above 4294967295; lower first_seed or count")
    if params["replicates"]["count"] and not replicated(params):
        raise UserError(
            "replicates.count: replicates are trained with TensorFlow only, and no case is; set it to 0, or add a case "
            "without a backend"
        )
    _check_claims(params["claims"], params["cases"])
    for name in REFERENCE_FILES:
        if not (find(params["reference"], root) / name).is_file():
            raise UserError(
                f"reference: there is no file {params['reference']}/{name}; restore it, or name another folder"
            )
    check_build(params["model"], root)
    _check_weights(params["model"], params["dataset"], root)
    return params  # type: ignore[no-any-return]


def _check_case(name: str, case: dict[str, Any], build: str, sequence: str) -> None:
    if case["reset"] != "never" and not case["stateful"]:
        raise UserError(f"cases.{name}.reset: {case['reset']} needs stateful: true; set that, or set reset: never")
    if case["reset"] == "every_sequence":
        _check_every_sequence(name, case, sequence)
    _check_backend(name, case)
    for key in ("cell", "units"):
        if key in case and build != STACKED:
            raise UserError(
                f"cases.{name}.{key}: it is for the network of {STACKED}, and {build} builds its own; remove the key"
            )


def _check_backend(name: str, case: dict[str, Any]) -> None:
    backend = backend_of(case)
    if backend == TENSORFLOW:
        return
    for key in ("cell", "units"):
        if key in case:
            raise UserError(
                f"cases.{name}.{key}: {backend} would draw the weights of this network otherwise than TensorFlow does; "
                f"set model.{key} instead, or remove the key"
            )
    try:
        require_backend(backend)
    except UserError as error:
        raise UserError(f"cases.{name}.backend: {error}, or leave the case out (cases: {{{name}: null}})") from None


def _check_every_sequence(name: str, case: dict[str, Any], sequence: str) -> None:
    """Refuse a reset between sequences if there are none, or if rows of a batch do not run along one each."""
    if not sequence:
        raise UserError(
            f"cases.{name}.reset: every_sequence needs dataset.sequence, the column that names the sequence of a row; "
            "set that, or set reset: every_epoch"
        )
    if case["batches"] != "interleaved":
        raise UserError(
            f"cases.{name}.reset: every_sequence needs batches: interleaved, so that each row of the batches runs "
            "along whole sequences; set that, or set reset: every_epoch"
        )


def _check_sequence(dataset: dict[str, Any]) -> None:
    """Check what a series of independent sequences asks of the other keys of `dataset`."""
    if dataset["source"] == NOISY_SINE:
        raise UserError(f'dataset.sequence: {dataset["sequence"]!r} is for a CSV file; set it to "" for the noisy sine')
    if dataset["samples"] != "all":
        raise UserError(
            "dataset.samples: with dataset.sequence, networks are trained on whole sequences, not on "
            f"{dataset['samples']} samples; set it to all"
        )
    if dataset["held_out"] >= 1:
        raise UserError(
            "dataset.held_out: with dataset.sequence, whole sequences are held out, not "
            f"{dataset['held_out']} samples; give a share of them below 1, or 0"
        )


def _check_dataset(dataset: dict[str, Any], model: dict[str, Any], root: Path) -> None:
    _check_columns(dataset)
    if dataset["sequence"]:
        _check_sequence(dataset)
    time_steps, held_out = model["time_steps"], dataset["held_out"]
    if held_out >= 1 and held_out != int(held_out):
        raise UserError(
            f"dataset.held_out: {held_out} is neither a whole number nor below 1; give a number of samples, or a share "
            "below 1"
        )
    if 1 <= held_out < time_steps:
        raise UserError(
            f"dataset.held_out: {held_out} samples are less than one window of {time_steps} (model.time_steps); hold "
            "out more samples, or 0"
        )
    if dataset["samples"] != "all":
        count_windows(dataset["samples"], time_steps, model["batch_size"])
    if dataset["source"] == NOISY_SINE:
        if dataset["samples"] == "all" or 0 < held_out < 1:
            key = "samples" if dataset["samples"] == "all" else "held_out"
            raise UserError(
                f"dataset.{key}: {dataset[key]} is for a CSV file; give a number of samples for the noisy sine"
            )
        if dataset["standardize"]:
            raise UserError("dataset.standardize: true is for a CSV file; set it to false for the noisy sine")
        for key in ("horizon", "season"):
            if dataset[key]:
                raise UserError(f"dataset.{key}: {dataset[key]} is for a CSV file; set it to 0 for the noisy sine")
        return
    file = f"{SERIES}/{dataset['source']}.csv"
    if not find(file, root).is_file():
        known = sorted(path.stem for path in (root / SERIES).glob("*.csv"))
        raise UserError(
            f"dataset.source: there is no file {file}; put it there, and for `dvc exp run --temp` let git track it: "
            f"git add {file}{hint(dataset['source'], known)}"
        )
    if dataset["target"] in dataset["inputs"] and not dataset["horizon"]:
        raise UserError(
            f"dataset.target: {dataset['target']!r} is also one of dataset.inputs, which would give the answer away; "
            "remove it from the inputs, or forecast it some rows ahead (dataset.horizon)"
        )
    _check_csv_format(dataset)


def _check_weights(model: dict[str, Any], dataset: dict[str, Any], root: Path) -> None:
    file = model["initial_weights"]
    if file == "random":
        return
    if not find(file, root).is_file():
        raise UserError(f"model.initial_weights: there is no file {file}; name one that exists, or set it to random")
    inputs = 1 if dataset["source"] == NOISY_SINE else len(dataset["inputs"])
    network = Network(model["units"], model["recurrent_activation"], model["cell"], model["activation"], inputs)
    if problem := misfit(read_shapes(find(file, root)), network):
        raise UserError(f"model.initial_weights: {file}: {problem}; set model.initial_weights: random")


def _check_columns(dataset: dict[str, Any]) -> None:
    """Refuse names that do not arrive at a step as they are, because something on the way takes them for its own."""
    lists = {key: dataset[key] for key in ("inputs", "time", "missing_values")}
    places = {f"dataset.{key}[{number}]": name for key, names in lists.items() for number, name in enumerate(names)}
    texts = {f"dataset.{key}": dataset[key] for key in ("target", "sequence", "encoding", "time_format", "comment")}
    for place, name in {place: str(value) for place, value in (places | texts).items()}.items():
        if problem := problem_of_name(name):
            remedy = "rename the column" if place.startswith(COLUMNS) else "write it otherwise"
            raise UserError(f"{place}: {name!r} {problem}; {remedy}")


def problem_of_name(name: str) -> str | None:
    """Say why a name, or another text, does not arrive at a step as it is; None if it does."""
    if name.startswith("-") and not re.fullmatch(r"-|-\d+|-\d*\.\d+", name):
        return "begins with -, as an option of a command does"
    if "${" in name:
        return "has ${, after which DVC reads the name of a parameter"
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name.replace("\t", " ")):
        return "has a line break or another control character"
    return None


def _check_csv_format(dataset: dict[str, Any]) -> None:
    form = CsvFormat.of(dataset)
    if form.decimal == form.thousands:
        raise UserError(f"dataset.thousands: {form.thousands!r} is also dataset.decimal; a sign has only one meaning")
    try:
        "x".encode(form.encoding)
    except (LookupError, UnicodeError):
        raise UserError(
            f"dataset.encoding: {form.encoding!r} is no encoding; use one of Python's names, such as utf-8 or cp1252"
        ) from None
    if form.time_format != ISO:
        try:
            if "%" not in form.time_format:
                raise ValueError
            datetime.strptime(datetime(2020, 1, 1, tzinfo=UTC).strftime(form.time_format), form.time_format)
        except ValueError:
            raise UserError(
                f"dataset.time_format: {form.time_format!r} is neither {ISO} nor of Python's directives, such as "
                '"%d.%m.%Y %H:%M"'
            ) from None


def _check_claims(claims: dict[str, list[list[str]]], cases: dict[str, dict[str, Any]]) -> None:
    claimed: dict[frozenset[str], str] = {}
    for kind in ("identical", "different"):
        for number, pair in enumerate(claims[kind]):
            place = f"claims.{kind}[{number}]"
            for case in pair:
                if case not in cases:
                    raise UserError(f"{place}: there is no case {case!r}{hint(case, cases)}")
            if pair[0] == pair[1]:
                raise UserError(f"{place}: {pair[0]} is compared with itself; name two cases")
            backends = [backend_of(cases[case]) for case in pair]
            if kind == "identical" and backends[0] != backends[1]:
                raise UserError(
                    f"{place}: {pair[0]} is on {backends[0]} and {pair[1]} on {backends[1]}, and two backends do not "
                    "agree to the last bit; remove the claim, because the verdict says how far apart they are"
                )
            if frozenset(pair) in claimed:
                raise UserError(
                    f"{place}: {pair[0]} and {pair[1]} are already in {claimed[frozenset(pair)]}; remove one of the two"
                )
            claimed[frozenset(pair)] = place


def _numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{place}.{key}".lstrip("."))
    elif isinstance(value, float):
        yield place, value
