"""Whatever can be wrong with the parameters is reported in one line, before anything is trained, by both engines."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides, to_hydra_overrides
from helpers.project import ENGINES, ROOT, TINY, Project
from helpers.steps import run_here
from hypothesis import example, given
from hypothesis import strategies as st

from carryover.__main__ import main
from carryover.engines.parameters import VARIABLE, read_params
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.params.check import check
from carryover.params.folders import check_folders
from carryover.params.options import flags, merge, typed
from carryover.params.overrides import overrides
from carryover.series.windows import TARGETS
from carryover.training.behaviours import BATCH_ORDERS, BEHAVIOURS
from carryover.training.cases import CALLS
from carryover.training.network import ACTIVATIONS, GATES, RECURRENT_ACTIVATIONS
from carryover.training.optimizers import OPTIMIZERS
from carryover.training.options import LOSSES

SCHEMA = read_yaml(ROOT / "workflow/schemas/params.schema.yaml")


def defaults() -> dict[str, Any]:
    return read_yaml(ROOT / "params.yaml")  # type: ignore[no-any-return]


Change = Callable[[dict[str, Any]], object]


def own(params: dict[str, Any], **keys: Any) -> None:
    """Let the parameters be of a CSV file."""
    weather = {"source": "seattle_weather", "inputs": ["wind"], "target": "temp_max"}
    params["dataset"].update(weather | keys)


MISTAKES: dict[str, tuple[Change, str]] = {
    "unknown section": (lambda p: p.update(modle={}), "modle: unknown key; did you mean model?"),
    "unknown key": (lambda p: p["training"].update(epoch=3), "training.epoch: unknown key; did you mean epochs?"),
    "unknown key of a case": (
        lambda p: p["cases"]["single_fit"].update(statefull=True),
        "cases.single_fit.statefull: unknown key; did you mean stateful?",
    ),
    "unknown value": (
        lambda p: p["cases"]["single_fit"].update(reset="every_epok"),
        "cases.single_fit.reset: 'every_epok' is not one of never, every_epoch, every_sequence, every_batch",
    ),
    "unknown source": (
        lambda p: p["dataset"].update(source="noisy_sign"),
        "dataset.source: there is no file data/series/noisy_sign.csv; put it there, and for `dvc exp run --temp` let "
        "git track it: git add data/series/noisy_sign.csv; did you mean noisy_sine?",
    ),
    "network of a file elsewhere": (
        lambda p: p["model"].update(build="models/../mine.py"),
        "model.build: 'models/../mine.py' is not allowed: It is models/stacked.py for the network of the next four",
    ),
    "network of an unknown file": (
        lambda p: p["model"].update(build="models/gru_without_dropout.py"),
        "git add models/gru_without_dropout.py; did you mean models/gru_with_dropout.py?",
    ),
    "own network from the weights of 2017": (
        lambda p: p["model"].update(build="models/gru_with_dropout.py"),
        "is for the network of models/stacked.py; set initial_weights: random for that of models/gru_with_dropout.py",
    ),
    "unknown optimizer": (lambda p: p["optimizer"].update(name="adamw"), "optimizer.name: 'adamw' is not one of"),
    "parameter of another optimizer": (
        lambda p: p["optimizer"].update(momentum=0.9),
        "optimizer.momentum: not a parameter of this optimizer; it has learning_rate, rho, epsilon",
    ),
    "missing section": (lambda p: p.pop("optimizer"), "optimizer: missing"),
    "missing key": (lambda p: p["dataset"].pop("seed"), "dataset.seed: missing"),
    "text for a number": (
        lambda p: p["training"].update(epochs="many"),
        "training.epochs: 'many' is not a whole number",
    ),
    "float for a count": (lambda p: p["training"].update(epochs=5.0), "training.epochs: 5.0 is not a whole number"),
    "text for a switch": (
        lambda p: p["cases"]["single_fit"].update(stateful="true"),
        "cases.single_fit.stateful: 'true' is not true or false",
    ),
    "negative seed": (lambda p: p["dataset"].update(seed=-1), "dataset.seed: -1 is less than the minimum of 0"),
    "epsilon that is zero in float32": (lambda p: p["optimizer"].update(epsilon=1e-300), "optimizer.epsilon: 1e-300"),
    "fraction for a count": (lambda p: p["training"].update(epochs=2.5), "training.epochs: 2.5 is not a whole number"),
    "number for a list": (lambda p: p["model"].update(units=10), "model.units: 10 is not a list"),
    "no layers": (lambda p: p["model"].update(units=[]), "model.units: [] has 0 entries; give at least 1"),
    "zero epochs": (lambda p: p["training"].update(epochs=0), "training.epochs: 0 is less than the minimum of 1"),
    "zero units": (lambda p: p["model"].update(units=[10, 0]), "model.units[1]: 0 is less than the minimum of 1"),
    "negative noise": (lambda p: p["dataset"].update(noise=-0.1), "dataset.noise: -0.1 is less than the minimum of 0"),
    "infinite step": (
        lambda p: p["dataset"].update(step=float("inf")),
        "dataset.step: inf is greater than the maximum",
    ),
    "noise that is no number": (
        lambda p: p["dataset"].update(noise=float("nan")),
        "dataset.noise: nan is not a finite number",
    ),
    "batch size that does not divide": (
        lambda p: p["model"].update(batch_size=300),
        "model.batch_size: batches of 300 do not divide the 1000 windows (100 are left over)",
    ),
    "samples that do not make whole windows": (
        lambda p: p["model"].update(time_steps=3),
        "model.time_steps: windows of 3 do not divide the 1000 samples (1 are left over)",
    ),
    "reset without states": (
        lambda p: p["cases"]["stateless_fit"].update(reset="every_batch"),
        "cases.stateless_fit.reset: every_batch needs stateful: true",
    ),
    "no cases": (lambda p: p.update(cases={}), "cases: {} is empty; give at least one"),
    "name of a case": (lambda p: p["cases"].update({"../up": p["cases"]["single_fit"]}), "'../up' is not a name"),
    "unknown case in a claim": (
        lambda p: p["claims"].update(identical=[["single_fit", "singel_fit"]]),
        "claims.identical[0]: there is no case 'singel_fit'; did you mean single_fit?",
    ),
    "claim of one case": (
        lambda p: p["claims"].update(different=[["single_fit"]]),
        "claims.different[0]: ['single_fit'] has 1 entry; give exactly 2",
    ),
    "claim of a case against itself": (
        lambda p: p["claims"].update(identical=[["single_fit", "single_fit"]]),
        "claims.identical[0]: single_fit is compared with itself",
    ),
    "claim and its contrary": (
        lambda p: p["claims"].update(different=[["loop_without_reset", "single_fit"]]),
        "claims.different[0]: loop_without_reset and single_fit are already in claims.identical[0]",
    ),
    "missing weights": (
        lambda p: p["model"].update(initial_weights="data/reference/none.npz"),
        "model.initial_weights: there is no file data/reference/none.npz",
    ),
    "weights of another network": (
        lambda p: p["model"].update(units=[16]),
        "initial_weights.npz: lstm_2/bias is not a weight of this network; the network has model.cell lstm, "
        "model.units [16] and 1 input(s); set model.initial_weights: random",
    ),
    "weights elsewhere": (
        lambda p: p["model"].update(initial_weights="weights.npz"),
        "model.initial_weights: 'weights.npz' is not allowed: It is 'random', or an .npz file below data/reference/",
    ),
    "name of a case that is a number": (lambda p: p["cases"].update({1: 2}), "cases: 1 is not a name for a case"),
    "missing reference": (
        lambda p: p.update(reference="data/reference/none"),
        "reference: there is no file data/reference/none/settings.yaml",
    ),
}


# Reported by the same check, which the tests of both engines show to be called.
MORE_MISTAKES: dict[str, tuple[Change, str]] = {
    "horizon of the noisy sine": (
        lambda p: p["dataset"].update(horizon=1),
        "dataset.horizon: 1 is for a CSV file; set it to 0 for the noisy sine",
    ),
    "season of the noisy sine": (lambda p: p["dataset"].update(season=24), "dataset.season: 24 is for a CSV file"),
    "sequences of the noisy sine": (
        lambda p: p["dataset"].update(sequence="machine"),
        "dataset.sequence: 'machine' is for a CSV file; set it to \"\" for the noisy sine",
    ),
    "a number of samples of sequences": (
        lambda p: own(p, sequence="machine", samples=96),
        "dataset.samples: with dataset.sequence, networks are trained on whole sequences, not on 96 samples; set",
    ),
    "held-out samples of sequences": (
        lambda p: own(p, sequence="machine", samples="all", held_out=96),
        "dataset.held_out: with dataset.sequence, whole sequences are held out, not 96 samples; give a share of them",
    ),
    "a column of sequences that looks like an option": (
        lambda p: own(p, sequence="-x", samples="all", held_out=0),
        "dataset.sequence: '-x' begins with -, as an option of a command does; rename the column",
    ),
    "a reset between sequences that are not there": (
        lambda p: p["cases"]["interleaved_loop_with_reset"].update(reset="every_sequence"),
        "cases.interleaved_loop_with_reset.reset: every_sequence needs dataset.sequence, the column that names",
    ),
    "a reset between sequences in contiguous batches": (
        lambda p: (
            own(p, sequence="machine", samples="all", held_out=0),
            p["cases"]["single_fit"].update(reset="every_sequence"),
        ),
        "cases.single_fit.reset: every_sequence needs batches: interleaved, so that each row",
    ),
    "delimiter of two characters": (
        lambda p: p["dataset"].update(delimiter="::"),
        "dataset.delimiter: '::' is not allowed: For a CSV file, the one character between two cells.",
    ),
    "thousands that are digits": (
        lambda p: p["dataset"].update(thousands="0"),
        "dataset.thousands: '0' is not allowed",
    ),
    "one sign for two things": (
        lambda p: own(p, decimal=",", thousands=","),
        "dataset.thousands: ',' is also dataset.decimal; a sign has only one meaning",
    ),
    "encoding that cannot encode": (lambda p: own(p, encoding="undefined"), "dataset.encoding: 'undefined' is no enc"),
    "unknown encoding": (
        lambda p: own(p, encoding="utf-9"),
        "dataset.encoding: 'utf-9' is no encoding; use one of Python's names, such as utf-8 or cp1252",
    ),
    "encoding that is not of text": (lambda p: own(p, encoding="zlib"), "dataset.encoding: 'zlib' is no encoding"),
    "time format without directives": (
        lambda p: own(p, time_format="dd.mm.yyyy"),
        "dataset.time_format: 'dd.mm.yyyy' is neither iso8601 nor of Python's directives, such as \"%d.%m.%Y %H:%M\"",
    ),
    "time format with a wrong directive": (lambda p: own(p, time_format="%Y-%Q"), "dataset.time_format: '%Y-%Q' is"),
    "time that is no list": (lambda p: p["dataset"].update(time="date"), "dataset.time: 'date' is not a list"),
    "missing value that is null": (
        lambda p: p["dataset"].update(missing_values=[None]),
        "dataset.missing_values[0]: null is neither text nor a number",
    ),
    "missing value like an option": (
        lambda p: p["dataset"].update(missing_values=["--"]),
        "dataset.missing_values[0]: '--' begins with -, as an option of a command does; write it otherwise",
    ),
    "no missing values": (lambda p: p["dataset"].update(missing_values=[]), "dataset.missing_values: [] has 0 entries"),
    "how to fill in": (
        lambda p: p["dataset"].update(missing="zero"),
        "dataset.missing: 'zero' is not one of refuse, int",
    ),
    "path of a source": (
        lambda p: p["dataset"].update(source="data/mine.csv"),
        "dataset.source: 'data/mine.csv' is not allowed: It is noisy_sine (x = sin(t) + noise",
    ),
    "parameter of an optimizer that is missing": (
        lambda p: p.update(optimizer={"name": "adam", "learning_rate": 0.1, "beta_1": 0.9, "epsilon": 1e-7}),
        "optimizer.beta_2: missing",
    ),
    "unknown parameter of an optimizer": (
        lambda p: p["optimizer"].update(learning_rat=1),
        "optimizer.learning_rat: unknown key; did you mean learning_rate?",
    ),
    "momentum of one": (
        lambda p: p.update(optimizer={"name": "sgd", "learning_rate": 0.1, "momentum": 1}),
        "optimizer.momentum: 1 is too large; it must be below 1",
    ),
    "unknown cell": (lambda p: p["model"].update(cell="gur"), "model.cell: 'gur' is not one of lstm, gru, simple_rnn"),
    "unknown loss": (
        lambda p: p["training"].update(loss="mape"),
        "training.loss: 'mape' is not one of mse, mae, huber",
    ),
    "unknown arrangement": (
        lambda p: p["cases"]["single_fit"].update(batches="interlaced"),
        "cases.single_fit.batches: 'interlaced' is not one of contiguous, interleaved",
    ),
    "share of a noisy sine": (
        lambda p: p["dataset"].update(held_out=0.2),
        "dataset.held_out: 0.2 is for a CSV file; give a number of samples for the noisy sine",
    ),
    "all of a noisy sine": (
        lambda p: p["dataset"].update(samples="all"),
        "dataset.samples: all is for a CSV file; give a number of samples for the noisy sine",
    ),
    "most of the samples": (lambda p: p["dataset"].update(samples="most"), "dataset.samples: 'most' is neither"),
    "no sample": (
        lambda p: p["dataset"].update(samples=0),
        "dataset.samples: 0 is neither a whole number of at least 1 nor all",
    ),
    "share of the samples": (lambda p: p["dataset"].update(samples=0.8), "dataset.samples: 0.8 is neither a whole"),
    "no learning": (
        lambda p: p["optimizer"].update(learning_rate=0),
        "optimizer.learning_rate: 0 is too small; it must be above 0",
    ),
    "seed above the greatest": (
        lambda p: p["dataset"].update(seed=2**32),
        "dataset.seed: 4294967296 is greater than the maximum of 4294967295",
    ),
    "column that is a number": (
        lambda p: p["dataset"].update(inputs=["x", 1]),
        'dataset.inputs[1]: 1 is a number; write it in quotes: "1"',
    ),
    "column that is a truth": (
        lambda p: p["dataset"].update(target=True),
        'dataset.target: true is not text; write it in quotes: "true"',
    ),
    "column that is a date": (
        lambda p: p["dataset"].update(target=date(2020, 1, 1)),
        'dataset.target: 2020-01-01 is not text; write it in quotes: "2020-01-01"',
    ),
    "column that is nothing": (
        lambda p: p["dataset"].update(target=None),
        'dataset.target: null is no value; give one, or write the word in quotes: "null"',
    ),
    "column without a name": (lambda p: p["dataset"].update(target=""), "dataset.target: '' is empty; give at least"),
    "column like an option": (
        lambda p: p["dataset"].update(inputs=["x", "-y"]),
        "dataset.inputs[1]: '-y' begins with -, as an option of a command does; rename the column",
    ),
    "column like a parameter of DVC": (
        lambda p: p["dataset"].update(target="${dataset.seed}"),
        "dataset.target: '${dataset.seed}' has ${, after which DVC reads the name of a parameter",
    ),
    "column of two lines": (
        lambda p: p["dataset"].update(target="max\u2028temp"),
        "dataset.target: 'max\\u2028temp' has a line break or another control character; rename the column",
    ),
    "case that is nothing": (
        lambda p: p["cases"].update(single_fit=None),
        "cases.single_fit: null is not a section of keys; to leave the case out, remove its line",
    ),
    "folder with a line break": (
        lambda p: p["folders"].update(data="mine\n"),
        "folders.data: 'mine\\n' is not allowed",
    ),
    "folder like an option": (lambda p: p["folders"].update(data="-x"), "folders.data: '-x' is not allowed: It is the"),
    "weights of a cell of another kind": (
        lambda p: p["model"].update(cell="gru"),
        "gru_1/bias is missing; the network has model.cell gru",
    ),
    "weights of fewer inputs": (
        lambda p: own(p, inputs=["wind", "temp_min"]),
        "lstm_1/kernel has shape (1, 40), expected (2, 40); the network has",
    ),
    "weights above": (
        lambda p: p["model"].update(initial_weights="data/reference/../x.npz"),
        "model.initial_weights: 'data/reference/../x.npz' is not allowed",
    ),
    "held-out samples and a half": (
        lambda p: p["dataset"].update(held_out=20.5),
        "dataset.held_out: 20.5 is neither a whole number nor below 1",
    ),
    "held-out part of less than a window": (
        lambda p: (p["model"].update(time_steps=10), p["dataset"].update(held_out=5)),
        "dataset.held_out: 5 samples are less than one window of 10 (model.time_steps)",
    ),
    "standardized noisy sine": (
        lambda p: p["dataset"].update(standardize=True),
        "dataset.standardize: true is for a CSV file; set it to false for the noisy sine",
    ),
    "inputs that stand twice": (lambda p: p["dataset"].update(inputs=["x", "x"]), "dataset.inputs: 'x' is there twice"),
    "target among the inputs": (
        lambda p: own(p, target="wind"),
        "dataset.target: 'wind' is also one of dataset.inputs",
    ),
    "folder elsewhere": (lambda p: p["folders"].update(results="/tmp/x"), "folders.results: '/tmp/x' is not allowed"),
    "folder above": (lambda p: p["folders"].update(data="../x"), "folders.data: '../x' is not allowed"),
}


def mistaken(name: str) -> tuple[dict[str, Any], str]:
    change, message = (MISTAKES | MORE_MISTAKES)[name]
    # Without the aliases that copying would make of lists that stand in two places.
    params = yaml.safe_load(yaml.safe_dump(defaults()))
    change(params)
    return params, message


@pytest.mark.parametrize("name", [*MISTAKES, *MORE_MISTAKES])
def test_a_mistake_is_reported_in_one_line(name: str) -> None:
    params, message = mistaken(name)
    with pytest.raises(UserError) as error:
        check(params, SCHEMA, root=ROOT)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["data", "results"])
def test_no_folder_of_the_project_can_hold_results_except_those_that_are_for_them(key: str) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tops = {path.split("/")[0] for path in tracked.split("\0") if "/" in path}
    assert tops > {"src", "tests", "data", "results", "examples"}
    inner = {"data/series", "data/reference", "data/reference/keras-2.0.4-theano-0.9.0", "src/carryover/job", "logs"}
    for folder in (tops | inner) - {"data", "results"}:
        params = defaults()
        params["folders"][key] = f"{folder}/x" if folder.startswith(".") else folder
        with pytest.raises(UserError, match=rf"^folders.{key}: "):
            check(params, SCHEMA, root=ROOT)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"data": "params.yaml"}, "folders.data: params.yaml cannot be a folder, because params.yaml is a file"),
        ({"results": "Makefile/x"}, "folders.results: Makefile/x cannot be a folder, because Makefile is a file"),
        ({"data": "results"}, "folders: results and results are the same folder"),
        ({"data": "results/cases"}, "folders: results/cases and results are the same folder, or one is in the other"),
        ({"results": "data/results"}, "folders: data and data/results are the same folder, or one is in the other"),
        (
            {"data": "data/series"},
            "folders.data: data/series is not for results; choose a folder of its own, such as mine",
        ),
        ({"data": "to_series/x"}, "folders.data: to_series/x is in data/series, which is not for results"),
        ({"results": "to_git/x"}, "folders.results: to_git/x is in .git, which is not for results"),
        ({"results": "up"}, "folders.results: up holds the whole project; choose a folder of its own"),
        ({"data": "mine"}, "folders.data: data/series/linked.csv is a link to a file in mine"),
    ],
)
def test_a_run_writes_over_nothing_that_is_not_its_own(tmp_path: Path, folders: dict[str, str], message: str) -> None:
    """Through no link either."""
    project = tmp_path / "project"
    for folder in ("data/series", "data/reference", ".git", "results", "mine"):
        (project / folder).mkdir(parents=True)
    for file in ("params.yaml", "Makefile", "mine/linked.csv"):
        (project / file).touch()
    for link, target in {"to_series": "data/series", "to_git": ".git", "up": ".."}.items():
        (project / link).symlink_to(target)
    (project / "data/series/linked.csv").symlink_to("../../mine/linked.csv")
    both = {"data": "data", "results": "results"}
    check_folders(both, "linked", project)
    check_folders({"data": "x/data", "results": "x/results"}, "linked", project)
    with pytest.raises(UserError) as error:
        check_folders(both | folders, "linked", project)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", [*MISTAKES, *MORE_MISTAKES])
def test_what_both_engines_call_first_reports_a_mistake_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first lines of the Snakefile, and the first stage of dvc.yaml, which all others wait for."""
    params, message = mistaken(name)
    file, schema = tmp_path / "params.yaml", ROOT / "workflow/schemas/params.schema.yaml"
    file.write_text(yaml.safe_dump(params, sort_keys=False))
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        read_params(a_workflow(), {}, file)
    by_snakemake = capsys.readouterr().err
    outputs = f"--output={tmp_path}/out.yaml", f"--output_trainings={tmp_path}/trainings.yaml"
    by_dvc = run_here("check_params", f"--params={file}", f"--schema={schema}", *outputs)
    assert end.value.code == by_dvc.returncode == 1
    for printed in (by_snakemake, by_dvc.stderr):
        assert printed.startswith("error: ")
        assert message in printed
        assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.new(tmp_path_factory.mktemp("checked") / "project")


IN_EVERY_RUN_OF_THE_TESTS = ["unknown key", "missing section", "unknown case in a claim"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in IN_EVERY_RUN_OF_THE_TESTS else pytest.mark.long) for name in MISTAKES],
)
def test_both_engines_report_a_mistake_before_anything_is_made(checked: Project, name: str) -> None:
    params, message = mistaken(name)
    checked.write_params(params)
    snakemake = checked.run("snakemake", "--cores", "2")
    assert snakemake.returncode != 0
    assert [line for line in snakemake.stderr.splitlines() if line.startswith("error:")], snakemake.stderr
    assert message in snakemake.stderr
    assert "Traceback" not in snakemake.stderr

    dvc = checked.run("dvc", "repro")
    assert dvc.returncode != 0
    reported = [line for line in (dvc.stdout + dvc.stderr).splitlines() if line.lower().startswith("error: ")]
    if name == "missing section":
        # DVC itself misses it when it fills in the commands.
        assert "ERROR: failed to parse" in reported[0]
        assert "Could not find 'optimizer'" in reported[0]
    else:
        assert message in reported[0].removeprefix("error: params.yaml: ")
    assert not (checked.folder / "results/cases").exists()
    assert not (checked.folder / "data/noisy_sine.csv").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_is_no_yaml_is_reported_by_both_engines(checked: Project, engine: str) -> None:
    (checked.folder / "params.yaml").write_text("dataset: {source: noisy_sine\nmodel:\n")
    done = checked.run(*ENGINES[engine])
    assert done.returncode != 0
    assert "params.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


ODD_NAMES = [
    "a,b",
    "it's",
    'say "x"',
    "$HOME `ls`",
    "50%",
    "{k}",
    "Température (°C)",
    "a\\b",
    "x\ty",
    "No",
    "null",
    "1",
    " ",
]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_odd_names_of_columns_arrive_unharmed_by_both_engines(checked: Project, engine: str) -> None:
    params = defaults() | TINY
    params["dataset"] = TINY["dataset"] | {"source": "odd", "inputs": ODD_NAMES, "target": "相对湿度: %"}
    params["model"] = TINY["model"] | {"initial_weights": "random"}
    checked.write_params(params)
    header = [*ODD_NAMES, "相对湿度: %"]
    with (checked.folder / "data/series/odd.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *([row] * len(header) for row in range(40))])
    made = checked.folder / "data/odd.csv"
    made.unlink(missing_ok=True)
    checked(*ENGINES[engine], *{"snakemake": ["--until", "make_dataset"], "dvc": ["make_dataset"]}[engine])
    with made.open(newline="") as file:
        assert next(csv.reader(file)) == header


def test_the_defaults_are_right_and_stay_as_they_are() -> None:
    assert check(defaults(), SCHEMA, root=ROOT) == defaults()


def test_the_schema_describes_every_key() -> None:
    def described(schema: dict[str, Any], place: str) -> None:
        for name, part in schema.get("properties", {}).items():
            assert part.get("description", "").strip(), f"{place}.{name}"
            described(part, f"{place}.{name}")

    described(SCHEMA, "params")


def test_the_schema_allows_the_values_that_the_library_knows() -> None:
    parts = SCHEMA["properties"]
    model, case = parts["model"]["properties"], parts["cases"]["additionalProperties"]["properties"]
    assert model["cell"]["enum"] == list(GATES)
    assert model["activation"]["enum"] == list(ACTIVATIONS)
    assert model["recurrent_activation"]["enum"] == list(RECURRENT_ACTIVATIONS)
    assert model["targets"]["enum"] == list(TARGETS)
    assert parts["training"]["properties"]["loss"]["enum"] == list(LOSSES)
    assert case["calls"]["enum"] == list(CALLS)
    assert case["reset"]["enum"] == list(BEHAVIOURS)
    assert case["batches"]["enum"] == list(BATCH_ORDERS)
    optimizer = parts["optimizer"]
    assert optimizer["properties"]["name"]["enum"] == list(OPTIMIZERS)
    assert set(optimizer["properties"]) == {"name", *(key for keys in OPTIMIZERS.values() for key in keys)}
    own = {rule["if"]["properties"]["name"]["const"]: rule["then"] for rule in optimizer["allOf"]}
    assert {name: rule["required"] for name, rule in own.items()} == OPTIMIZERS
    assert {name: rule["propertyNames"]["enum"][1:] for name, rule in own.items()} == OPTIMIZERS


def test_numbers_and_booleans_that_arrive_as_text_are_taken_as_such() -> None:
    """As `snakemake --config` hands them on."""
    given = {
        "training": {"epochs": "5"},
        "optimizer": {"epsilon": "1e-8", "learning_rate": "2"},
        "model": {"units": ["3", "4"], "cell": "lstm"},
        "cases": {"single_fit": {"stateful": "True"}},
        "dataset": {"samples": "500", "held_out": "0.2", "source": "1", "inputs": ["1", "null"], "target": "true"},
    }
    assert typed(given, SCHEMA) == {
        "training": {"epochs": 5},
        "optimizer": {"epsilon": 1e-8, "learning_rate": 2},
        "model": {"units": [3, 4], "cell": "lstm"},
        "cases": {"single_fit": {"stateful": True}},
        "dataset": {"samples": 500, "held_out": 0.2, "source": "1", "inputs": ["1", "null"], "target": "true"},
    }
    assert typed({"dataset": {"samples": "all"}}, SCHEMA) == {"dataset": {"samples": "all"}}
    assert isinstance(typed(given, SCHEMA)["optimizer"]["learning_rate"], int), "as 2 in a file"


def test_yaml_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    from dvc.utils.serialize import load_yaml

    path = tmp_path / "x.yaml"
    path.write_text("a: 010\nb: yes\nc: 1e-8\nd: 1_000\ne: 12:30:00\nf: 0o10\ng: on\nh: 1.\ni: ~\n")
    assert read_yaml(path) == load_yaml(str(path))
    path.write_text("a: 1\nb: 2\na: 3\n")
    with pytest.raises(UserError, match=r"x.yaml: line 3: not valid YAML: .*duplicate key"):
        read_yaml(path)


def a_workflow(*configfiles: Path, is_main_process: bool = True, **config: Any) -> Any:
    """Return as much of Snakemake's workflow as read_params looks at."""
    settings = SimpleNamespace(configfiles=list(configfiles), config=config)
    modifier = SimpleNamespace(namespace=None, is_main_snakefile=lambda: True)
    return SimpleNamespace(is_main_process=is_main_process, config_settings=settings, modifier=modifier)


def test_a_job_gets_the_parameters_that_the_main_process_has_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "of another run")
    monkeypatch.chdir(ROOT)
    file = tmp_path / "params.yaml"
    params = defaults()
    params["dataset"]["target"] = 'it\'s 50 % of "$HOME" in °C'
    file.write_text(yaml.safe_dump(params))
    read = read_params(a_workflow(training={"epochs": "5"}), {}, file)
    assert read == params | {"training": params["training"] | {"epochs": 5}}
    file.write_text("edited: meanwhile")
    assert read_params(a_workflow(is_main_process=False), {}, file) == read


def test_files_of_parameters_are_read_by_the_rules_of_params_yaml_and_merged_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.chdir(ROOT)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("optimizer: {name: adam, learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7}\n")
    second.write_text("dataset: {inputs: [No, on], target: yes}\noptimizer: {learning_rate: 0.1}\n")
    workflow = a_workflow(first, second, optimizer={"beta_1": "0.5"})
    read = read_params(workflow, {})
    assert read["dataset"]["inputs"] == ["No", "on"]
    assert read["dataset"]["target"] == "yes"
    assert read["optimizer"] == {
        "name": "adam", "learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7,
    }  # fmt: skip


def test_sections_are_unpacked_as_dvc_unpacks_them() -> None:
    from dvc.parsing.interpolate import to_str

    params = defaults()
    sections = [params["dataset"], params["model"], params["optimizer"], params["training"], *params["cases"].values()]
    for section in [*sections, {"text": "a b", "no": False, "list": [1, "x y"], "small": 1e-12, "one": 1.0}]:
        assert flags(section) == to_str(section)


def test_layers_of_changes_are_merged_one_after_another() -> None:
    adam = {"name": "adam", "learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    sgd = {"name": "sgd", "learning_rate": 0.1, "momentum": 0}
    layers: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"optimizer": adam}, adam),
        ({"optimizer": {"beta_1": 0.8}}, adam | {"beta_1": 0.8}),
        ({"optimizer": sgd}, sgd),
        ({"optimizer": {"name": "sgd", "momentum": 0.9}}, sgd | {"momentum": 0.9}),
    ]
    params = defaults()
    for changes, optimizer in layers:
        params = merge(params, changes)
        assert params["optimizer"] == optimizer
    params = merge(params, {"cases": {"single_fit": None}})
    params = merge(params, {"cases": {"single_fit": defaults()["cases"]["single_fit"]}})
    assert list(params["cases"])[-1] == "single_fit"
    assert ["single_fit", "loop_without_reset"] not in params["claims"]["identical"]


@pytest.mark.parametrize("nothing", ["null", "~", ""])
def test_a_case_that_is_null_is_left_out_with_its_claims(nothing: str) -> None:
    changes = {"cases": {"stateless_fit": None}}
    assert typed({"cases": {"stateless_fit": nothing}}, SCHEMA) == changes, "as `snakemake --config` hands it on"
    left = check(merge(defaults(), changes), SCHEMA, root=ROOT)
    assert left["cases"].keys() == defaults()["cases"].keys() - {"stateless_fit"}
    for kind, pairs in defaults()["claims"].items():
        assert left["claims"][kind] == [pair for pair in pairs if "stateless_fit" not in pair]
    with pytest.raises(
        UserError, match=r"^cases.stateles_fit: null .* no case 'stateles_fit'; did you mean stateless_f"
    ):
        merge(defaults(), {"cases": {"stateles_fit": None}})
    with pytest.raises(UserError, match=r"claims.identical\[0\]: there is no case 'stateless_fit'"):
        own_claim = {"claims": {"identical": [["stateless_fit", "single_fit"]]}}
        check(merge(defaults(), changes | own_claim), SCHEMA, root=ROOT)


@pytest.mark.parametrize("section", [None, "text", {"identical": [5]}])
def test_claims_of_another_form_are_left_to_the_check(section: Any) -> None:
    params = merge(defaults() | {"claims": section}, {"cases": {"stateless_fit": None}})
    with pytest.raises(UserError, match=r"^claims"):
        check(params, SCHEMA, root=ROOT)


def test_another_optimizer_brings_all_of_its_parameters() -> None:
    adam = {"name": "adam", "learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    assert merge(defaults(), {"optimizer": adam})["optimizer"] == adam
    assert merge(defaults(), {"optimizer": {"rho": 0.5}})["optimizer"] == defaults()["optimizer"] | {"rho": 0.5}
    assert merge(defaults(), {}) == defaults()


# Every character that the name of a column may have.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from("\t'\"\\,:=[]{}~+-#$? "))
NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
CASE_NAME = st.from_regex("[a-z][a-z0-9_]*", fullmatch=True) | st.sampled_from(["null", "true", "nan"])


@given(texts=st.lists(TEXT), text=TEXT, number=NUMBER, name=CASE_NAME)
@example(texts=["null", "1", "", "it's", "-x", "Température", 'say "\\"'], text="\\", number=1e-8, name="null")
@example(texts=["${x}"], text="", number=1, name="x")
@example(texts=[], text="???", number=1.0, name="x")
def test_the_overrides_for_dvc_say_whatever_the_parameters_can_hold(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], text: str, number: float, name: str
) -> None:
    """By DVC's own way of reading and applying them."""
    params = {"dataset": {"inputs": ["x"], "target": "y", "noise": 1}, "cases": {"gone": {"stateful": True}}}
    case = {"calls": text, "stateful": True}
    wanted = {"dataset": {"inputs": texts, "target": text, "noise": number}, "cases": {name: case}, "claims": [[text]]}
    try:
        said = list(overrides(params, wanted))
    except UserError:
        assert any("${" in word or word == "???" for word in (*texts, text))
        return
    assert list(overrides(wanted, wanted)) == []
    assert not any(override.is_sweep_override() for override in to_hydra_overrides(said))
    file = tmp_path_factory.getbasetemp() / "params.yaml"
    file.write_text(yaml.safe_dump(params))
    (overrides_of_file,) = to_path_overrides(said).items()
    assert overrides_of_file == ("params.yaml", said)
    apply_overrides(file, said)
    assert json.dumps(read_yaml(file), sort_keys=True) == json.dumps(wanted, sort_keys=True)


def carryover_overrides(folder: Path, changes: Any, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run `carryover overrides` on a file with changes, in a folder with a series, and return its exit status."""
    (folder / "data/series").mkdir(parents=True)
    (folder / "data/series/odd.csv").touch()
    for name in ("params.yaml", "workflow", "data/reference", "models"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "mine.yaml").write_text(yaml.safe_dump(changes, allow_unicode=True))
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["carryover", "overrides", "mine.yaml"])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_a_file_reaches_dvc_through_the_command_and_xargs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {
        "dataset": {
            "source": "odd",
            "samples": "all",
            "held_out": 0.25,
            "inputs": [*ODD_NAMES, "\\"],
            "target": "相对湿度: %",
        },
        "model": {"initial_weights": "random"},
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0},
        "cases": {
            "stateless_fit": None,
            "new": {"calls": "loop", "reset": "never", "stateful": True, "batches": "interleaved"},
        },
    }
    assert carryover_overrides(tmp_path, changes, monkeypatch) == 0
    printed = capsys.readouterr().out
    given = subprocess.run(
        ["xargs", "printf", "%s\\0"], input=printed, capture_output=True, text=True, check=True
    ).stdout
    options, said = given.split("\0")[:-1:2], given.split("\0")[1::2]
    assert set(options) == {"--set-param"}
    file = tmp_path / "for_dvc.yaml"
    file.write_text((ROOT / "params.yaml").read_text())
    apply_overrides(file, said)
    assert read_yaml(file) == merge(defaults(), changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, "mine.yaml: expected sections of parameters, as in params.yaml"),
        ({}, "mine.yaml: changes nothing in params.yaml; run `dvc exp run --temp` without it"),
        ({"training": {"epoch": 5}}, "params.yaml or mine.yaml: training.epoch: unknown key; did you mean epochs?"),
        (
            {"dataset": {"source": "odd", "samples": "all", "target": "???"}, "model": {"initial_weights": "random"}},
            "params.yaml or mine.yaml: dataset.target: DVC takes '???' for something of its own; rename it",
        ),
    ],
)
def test_the_command_overrides_reports_a_mistake_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changes: Any, message: str
) -> None:
    assert carryover_overrides(tmp_path, changes, monkeypatch) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n"), "so that `xargs -r` runs nothing"


def test_the_check_does_without_numpy_which_would_keep_a_dry_run_waiting() -> None:
    program = "import sys, carryover.params.check, carryover.params.options; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
