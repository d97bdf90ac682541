"""`carryover new`: the parameters that fit a file as people have it, and why another file cannot be learnt."""

import datetime
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.project import REFERENCE, ROOT, Project
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.new.command import write_new
from carryover.params.check import check
from carryover.params.options import merge
from carryover.series.csv_format import CsvFormat
from carryover.series.rows import Rows, read_rows

ROWS = 60
NUMBERS = [round(12 + 5 * np.sin(row / 4) + row * 37 % 11 / 10, 2).item() for row in range(ROWS)]
DAYS = [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=row) for row in range(ROWS)]
HOURS = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=row) for row in range(ROWS)]
PLAIN = CsvFormat(time=[])._asdict()


@pytest.fixture(autouse=True)
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a series, in which the test runs."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "params.yaml", folder)
    for name in ("workflow/schemas", "models"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(REFERENCE, folder / REFERENCE.relative_to(ROOT))
    (folder / "src/carryover").mkdir(parents=True)  # as in a clone
    monkeypatch.chdir(folder)
    return folder


def lines(row: Callable[[int], str], rows: int = ROWS) -> str:
    return "".join(f"{row(number)}\n" for number in range(rows))


def comma(number: float) -> str:
    return str(number).replace(".", ",")


def new(content: str | bytes, name: str = "mine.csv", **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Write a file outside the project, run the command; return `dataset` of the file written, and what is printed."""
    file = Path("elsewhere") / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    printed = write_new(file, options.get("target"), options.get("output"))
    return read_yaml(options.get("output") or Path(f"{file.stem}.yaml"))["dataset"], printed


def read(dataset: dict[str, Any]) -> Rows:
    """The series as the pipeline reads it."""
    form = CsvFormat(**PLAIN | {key: value for key, value in dataset.items() if key in PLAIN})
    path = Path(f"data/series/{dataset['source']}.csv")
    return read_rows(path, dataset["inputs"], dataset["target"], form, dataset["horizon"])


def day(row: int, form: str = "%Y-%m-%d") -> str:
    return DAYS[row].strftime(form)


def hour(row: int, form: str) -> str:
    return HOURS[row].strftime(form)


SHAPES: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "plain": ("x,y\n" + lines(lambda n: f"{NUMBERS[n]},{n * n}"), {}),
    "days": ("Date,x,y\n" + lines(lambda n: f"{day(n)},{NUMBERS[n]},{n * n}"), {"time": ["Date"], "season": 7}),
    "months, a note below": (
        '"Month","Airline passengers: 49 ? 60"\n'
        + lines(lambda n: f'"{1949 + n // 12}-{n % 12 + 1:02}",{NUMBERS[n]}')
        + "\nAirline passengers: 49 ? 60\n\n",
        {"time": ["Month"], "skip_footer": 1, "season": 12},
    ),
    "German, Windows": (
        (
            "Datum;Wärme;Druck\n"
            + lines(lambda n: f"{day(n, '%d.%m.%Y')};{comma(NUMBERS[n])};1.0{n * n % 90 + 10},5")
        ).encode("cp1252"),
        {
            "encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": ".", "time": ["Datum"],
            "time_format": "%d.%m.%Y", "season": 7,
        },
    ),
    "three decimals, between semicolons": (
        "x;y\n" + lines(lambda n: f"1,{n * n % 900 + 100};{n * n}"),
        {"delimiter": ";", "decimal": ","},
    ),
    "thousands, between commas": ("x,y\n" + lines(lambda n: f'"1,{n * n % 900 + 100}",{n * n}'), {"thousands": ","}),
    "French thousands": (
        "date;x\n" + lines(lambda n: f"{day(n, '%d/%m/%Y')};1\u202f2{n * n % 90 + 10},5"),
        {
            "delimiter": ";", "decimal": ",", "thousands": "\u202f", "time": ["date"], "time_format": "%d/%m/%Y",
            "season": 7,
        },
    ),
    "prices, thousands and units": (
        '"Date","Price","Vol.","Change %"\n'
        + lines(lambda n: f'"{day(ROWS - 1 - n, "%b %d, %Y")}","1,{200 + n * n % 90}.15","213.15M","-2.00%"'),
        {"thousands": ",", "time": ["Date"], "time_format": "%b %d, %Y", "order": "newest_first", "season": 7},
    ),
    "tabs, UTF-16": (
        ("time\tx\n" + lines(lambda n: f"{day(n, '%Y/%m/%d')}\t{NUMBERS[n]}")).encode("utf-16"),
        {"encoding": "utf-16", "delimiter": "\t", "time": ["time"], "season": 7},
    ),
    "comments, year and month": (
        "# comment, of the laboratory\n#\nyear,month,x\n"
        + lines(lambda n: f"{1958 + n // 12},{n % 12 + 1},{NUMBERS[n]}"),
        {"comment": "#", "time": ["year", "month"], "time_format": "%Y %m", "season": 12},
    ),
    "names in the last comment": (
        "# made by NumPy\n# x,y\n" + lines(lambda n: f"{NUMBERS[n]:.6e},{n * n:.6e}"),
        {"skip_rows": 1},
    ),
    "no names": (lines(lambda n: f"{day(n)},{NUMBERS[n]}"), {"header": "none", "time": ["1"], "season": 7}),
    "one column, no names": (lines(lambda n: str(NUMBERS[n])), {"header": "none"}),
    "years as names": ("month,2019,2020\n" + lines(lambda n: f"{n % 12 + 1},{NUMBERS[n]},{n * n}"), {}),
    "a title, totals": (
        "Report of the station\nSeattle,,\n\nDate,x,y\n"
        + lines(lambda n: f"{day(n)},{NUMBERS[n]},{n * n}")
        + "Total,700.5,70210\n",
        {"skip_rows": 3, "skip_footer": 1, "time": ["Date"], "season": 7},
    ),
    "date and time, empty rows and columns": (
        "Date;Time;T;;\n"
        + lines(lambda n: f"{hour(n, '%d/%m/%Y;%H.00.00')};{comma(NUMBERS[n]) if n % 9 != 3 else -200};;")
        + ";;;;\n" * 3,
        {
            "delimiter": ";", "decimal": ",", "skip_footer": 3, "time": ["Date", "Time"],
            "time_format": "%d/%m/%Y %H.%M.%S", "missing": "forward_fill", "missing_values": [-200],
        },
    ),
    "day and hour apart": (
        "instant,day,year,hr,count\n"
        + lines(lambda n: f"{n + 1},{hour(n, '%Y-%m-%d')},0,{HOURS[n].hour},{NUMBERS[n]}"),
        {"time": ["day", "hr"], "time_format": "%Y-%m-%d %H"},
    ),
    "four parts of a time": (
        "No,year,month,day,hour,pm2.5,wind\n"
        + lines(lambda n: f"{n + 1},{hour(n, '%Y,%m,%d,%H')},{'NA' if n % 9 == 3 else NUMBERS[n]},NW"),
        {
            "time": ["year", "month", "day", "hour"], "time_format": "%Y %m %d %H", "missing": "forward_fill",
            "missing_values": ["NA"],
        },
    ),
    "ten minutes": (
        "Date Time,T (degC),max. wv (m/s)\n"
        + lines(
            lambda n: f"{DAYS[0] + datetime.timedelta(minutes=10 * n):%d.%m.%Y %H:%M:%S},{NUMBERS[n % 60]},"
            f"{-9999 if n == 50 else NUMBERS[n * 7 % 60]}",
            rows=600,
        ),
        {
            "time": ["Date Time"], "time_format": "%d.%m.%Y %H:%M:%S", "season": 144, "missing": "forward_fill",
            "missing_values": [-9999],
        },
    ),
    "months that could be days": (
        "date,x\n" + lines(lambda n: f"01/{n % 12 + 1:02}/{2000 + n // 12},{NUMBERS[n]}"),
        {"time": ["date"], "time_format": "%d/%m/%Y", "season": 12},
    ),
    "American, newest first": (
        "When,x\r\n" + lines(lambda n: f"{HOURS[-1 - n]:%m/%d/%Y %I:%M %p},{NUMBERS[n]}\r"),
        {"time": ["When"], "time_format": "%m/%d/%Y %I:%M %p", "order": "newest_first"},
    ),
    "digits": ("# station\n#\n" + lines(lambda n: f"260,{day(n, '%Y%m%d')},{n * n}"),
        {"comment": "#", "header": "none", "time": ["2"], "season": 7}),
    "several gaps": (
        "date,x,y\n"
        + lines(lambda n: f"{day(n)},{['?', '', '-', 'n.d.'][n // 9 % 4] if n % 9 == 3 else NUMBERS[n]},{n * n}"),
        {"time": ["date"], "season": 7, "missing": "forward_fill", "missing_values": ["?", "", "-", "n.d."]},
    ),
    "empty cells": (
        "x,y\n" + lines(lambda n: f"{NUMBERS[n] if n % 9 != 3 else ''},{n * n}"),
        {"missing": "forward_fill"},
    ),
    "years": ("YEAR,x\n" + lines(lambda n: f"{1700 + n},{NUMBERS[n]}"), {"time": ["YEAR"], "time_format": "%Y"}),
    "an hour twice": ("time,x\n" + lines(lambda n: f"{HOURS[n - (n > 5)]},{NUMBERS[n]}"), {}),
}  # fmt: skip
"""Files in the shapes that people have, and the keys of `dataset` that are not those of a plain file."""


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parameters_fit_the_file(shape: str) -> None:
    """The command itself reads the file by them; here, they are also those that a person would write."""
    content, expected = SHAPES[shape]
    dataset, _ = new(content)
    assert {key: value for key, value in dataset.items() if key in (*PLAIN, "season")} == expected


@pytest.mark.parametrize(
    ("shape", "inputs", "printed"),
    [
        ("plain", ["x", "y"], "assumed: the target is 'y', the last column of numbers; choose another by --target"),
        ("years", ["x"], "60 rows, 1700-01-01 to 1759-01-01, 1 year apart"),
        ("months, a note below", ["Airline passengers: 49 ? 60"], "read with skip_footer: 1, time: [Month]"),
        (
            "prices, thousands and units",
            ["Price"],
            "not used: 'Vol.': its numbers have a unit, such as '213.15M'; write",
        ),
        (
            "prices, thousands and units",
            ["Price"],
            "not used: 'Change %': its numbers have a unit, such as '-2.00%'; w",
        ),
        ("four parts of a time", ["pm2.5"], "not used: 'No': it grows evenly, as the number of a row or a time does"),
        ("four parts of a time", ["pm2.5"], "not used: 'wind': its cells are not numbers, such as 'NW'"),
        ("four parts of a time", ["pm2.5"], "'pm2.5': 7 to 17.65, 7 missing ('NA')"),
        ("date and time, empty rows and columns", ["T"], "not used: a column without a name: it is empty"),
        (
            "date and time, empty rows and columns",
            ["T"],
            "assumed: -200 means a missing value, since it is far from all",
        ),
        ("ten minutes", ["T (degC)", "max. wv (m/s)"], "'max. wv (m/s)': 7 to 17.77, 1 missing ('-9999')"),
        (
            "an hour twice",
            ["x"],
            "not used: the times in 'time': line 8 (2020-01-01 05:00:00) has the same time as line 7",
        ),
        ("digits", ["3"], "not used: '1': it is 260 throughout the part to train on"),
    ],
)
def test_all_columns_of_numbers_are_inputs_and_what_is_left_out_is_said(
    shape: str, inputs: list[str], printed: str
) -> None:
    dataset, lines = new(SHAPES[shape][0])
    assert dataset["inputs"] == inputs
    assert dataset["target"] == inputs[-1]
    assert any(line.startswith(printed) for line in lines), lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty; choose a file with a table"),
        (" \n\n", "the file is empty; choose a file with a table"),
        (b"PK\x03\x04\0\0\0\xff", "not a text file; if it is a spreadsheet, save it as CSV"),
        (b"x\n\x81\x8d\n", "neither UTF-8 nor UTF-16 nor Windows-1252 text; save the file as UTF-8"),
        ("# only\n# comments\n", "it has only comments; choose a file with a table"),
        (
            "Dear all\nthere are no numbers.\n",
            "no sign is between the cells of every line; save it as CSV, with commas",
        ),
        (
            '{"a": [1, 2, 3],\n "b": 2}\n',
            "not a table, since its lines have different numbers of cells; save it as CSV",
        ),
        ("a,b\n" + "x,y\n" * 40, "no column has numbers in most of its rows; choose a file with a table of numbers"),
        (
            "year  x\n" + lines(lambda n: f"{n}   {NUMBERS[n]}"),
            "no sign is between the cells of every line; save it as",
        ),
        (
            "x,y\n1,2\n4,3\n3,4\n",
            "3 rows are too few: 2 are left to train on, since the last fifth is held out, and 10 bat",
        ),
        ("x\n" + lines(lambda n: str(n * n), 25), "25 rows are too few: 19 are left to train on"),
        (
            "Date,x\n,degC\n" + lines(lambda n: f"{day(n)},{n * n}"),
            "line 2: it is below the names of the columns, but not",
        ),
        (
            "Date,x\n" + lines(lambda n: f"{day(n)},{n * n or '5*'}"),
            "line 2: it is below the names of the columns, but not",
        ),
        ("x,y\n" + lines(lambda n: f"{day(n)},{n},{n * n}"), "line 1: 2 names for 3 columns; give each column a name"),
        (
            "Date,x\n" + lines(lambda n: f"{day(n)},{n * n}{',7' if n == 30 else ''}"),
            "line 32: 3 cells, but most lines ha",
        ),
        ('a,b\n1,2\n"3,4\n' + "5,6\n" * 40, "line 44: unexpected end of data; look at the quotation marks"),
        ("x\n" + lines(lambda n: str(n)), "it has no column that can be learnt ('x': it grows evenly"),
    ],
)
def test_a_file_that_cannot_be_learnt_is_one_line_and_leaves_nothing(content: str | bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        new(content)
    assert str(error.value).startswith(f"elsewhere/mine.csv: {message}")
    assert "\n" not in str(error.value)
    assert not Path("mine.yaml").exists()
    assert not Path("data/series/mine.csv").exists()


def test_a_series_that_is_refused_only_by_the_pipeline_is_not_kept() -> None:
    with pytest.raises(UserError, match="standard deviations of the training part, and float32 holds up to"):
        new("x\n" + lines(lambda n: "1e12" if n == ROWS - 1 else f"{NUMBERS[n]}e-30"))
    assert not Path("mine.yaml").exists()
    assert not Path("data/series/mine.csv").exists()


def test_a_mark_for_missing_values_that_the_pipeline_cannot_take_is_named() -> None:
    _, found = new("x,y\n" + lines(lambda n: f"{'--' if n % 9 == 3 else NUMBERS[n]},{NUMBERS[-n]}"))
    assert (
        "not used: 'x': '--' stands for missing values, and it begins with -, as an option of a command does; empty "
        "these cells"
    ) in found


def test_a_largest_value_that_comes_back_is_no_missing_one() -> None:
    new("x\n" + lines(lambda n: str(20 if n in (7, 30) else n % 8)))
    assert "missing" not in read_yaml(Path("mine.yaml"))["dataset"]


def test_a_column_that_numbers_machines_is_named() -> None:
    _, found = new("machine,x\n" + lines(lambda n: f"{1 + n // 20},{NUMBERS[n]}"))
    assert "odd: 'machine' changes rarely; if it tells sequences apart, set dataset.sequence to it" in found


def test_names_of_machines_are_named() -> None:
    _, found = new("machine,x\n" + lines(lambda n: f"M0{1 + n // 20},{NUMBERS[n]}"))
    assert "not used: 'machine': it changes rarely; if it tells sequences apart, set dataset.sequence to it" in found


def test_a_last_column_that_cannot_be_learnt_is_no_silent_reason_for_another_target() -> None:
    _, found = new("x,y\n" + lines(lambda n: f"{NUMBERS[n]},{NUMBERS[-n] if n else ''}"))
    assumed = "assumed: the target is 'x', the last column of numbers that can be learnt; choose another by --target"
    assert assumed in found


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("zz", "--target: there is no column 'zz'; there are 'x', 'y'"),
        ("date", "--target: 'date' cannot be learnt: it has the times"),
        (
            "late",
            "--target: 'late' cannot be learnt: the first 20 values are missing, with none before to fill in; delete",
        ),
        ("wrong", "--target: 'wrong' cannot be learnt: line 32: '1,5' has ',' in it"),
        ("-z", "--target: '-z' cannot be learnt: its name begins with -, as an option of a command does; rename it"),
        ("huge", "--target: 'huge' cannot be learnt: line 2: 1.0e39 is too large, since float32 holds up to 3.4e+38"),
        (
            "near",
            "--target: 'near' cannot be learnt: only ranges from 1700000000.0 to 1700000001.0 in the training part",
        ),
        ("few", "--target: 'few' cannot be learnt: only 6 of its 60 cells are numbers"),
    ],
)
def test_the_target_may_be_any_column_that_can_be_learnt(column: str, message: str) -> None:
    columns: list[Callable[[int], Any]] = [
        day,
        lambda n: NUMBERS[n],
        lambda n: n * n,
        lambda n: "NA" if n < 20 else n * n,
        lambda n: '"1,5"' if n == 30 else n * n,
        lambda n: n * n,
        lambda n: f"1.{n * n % 7}e39",
        lambda n: 1_700_000_000 + n * n % 4,
        lambda n: "" if n % 10 else n * n,
    ]
    header = "date,x,y,late,wrong,-z,huge,near,few\n"
    content = header + lines(lambda n: ",".join(str(column(n)) for column in columns))
    dataset, printed = new(content, target="x")
    assert (dataset["target"], dataset["inputs"]) == ("x", ["x", "y"])
    assert not [line for line in printed if line.startswith("assumed")]
    with pytest.raises(UserError) as error:
        new(content, "another.csv", target=column)
    assert message in str(error.value)


def test_the_file_has_what_differs_from_params_yaml_and_a_comment_on_each_choice() -> None:
    _, printed = new(SHAPES["days"][0], "prices.csv")
    assert printed[-4:] == [
        "copied to data/series/prices.csv",
        "wrote prices.yaml; read it, then run",
        "  snakemake --cores 4 --configfile prices.yaml",
        "  carryover verdict prices/results",
    ]
    assert any(line.startswith("59 samples: 44 to train on, 12 held out") for line in printed)
    text = Path("prices.yaml").read_text()
    assert text.startswith("# Parameters for data/series/prices.csv, by `carryover new`")
    assert "  # So many rows are a week." in text
    assert max(map(len, text.splitlines())) <= 120
    params, written = read_yaml(Path("params.yaml")), read_yaml(Path("prices.yaml"))
    same = [
        key for section, keys in written.items() for key, value in keys.items() if params[section].get(key) == value
    ]
    assert same == ["target"]
    schema = read_yaml(Path("workflow/schemas/params.schema.yaml"))
    checked = check(merge(params, written), schema, Path())
    assert checked["folders"] == {"data": "prices/data", "results": "prices/results"}
    assert checked["dataset"] | {"horizon": 1, "held_out": 0.2, "samples": "all"} == checked["dataset"]


@pytest.mark.parametrize(
    ("rows", "time_steps", "batch_size"), [(26, 1, 2), (36, 1, 2), (144, 1, 8), (2000, 16, 8), (20_000, 16, 32)]
)
def test_an_epoch_has_at_least_ten_batches(rows: int, time_steps: int, batch_size: int) -> None:
    new("x\n" + lines(lambda n: str(NUMBERS[n % ROWS]), rows))
    model = read_yaml(Path("params.yaml"))["model"] | read_yaml(Path("mine.yaml"))["model"]
    assert (model["time_steps"], model["batch_size"]) == (time_steps, batch_size)
    assert model["targets"] == ("every_step" if time_steps > 1 else "window_end")


def test_a_window_of_hours_is_a_day() -> None:
    hours = (str(np.datetime64("2020-01-01T00") + n) for n in range(3000))
    new("t,x\n" + "".join(f"{hour},{NUMBERS[n % ROWS]}\n" for n, hour in enumerate(hours)))
    written = read_yaml(Path("mine.yaml"))
    assert (written["dataset"]["season"], written["model"]["time_steps"]) == (24, 24)
    assert written["model"]["targets"] == "every_step"


def test_the_same_file_gives_the_same_text_and_no_file_is_written_over() -> None:
    content, _ = SHAPES["several gaps"]
    new(content)
    text = Path("mine.yaml").read_bytes()
    with pytest.raises(UserError, match=r"^mine.yaml: this file exists already; delete it, or choose another name by"):
        new(content)
    Path("mine.yaml").unlink()
    _, printed = new(content)
    assert Path("mine.yaml").read_bytes() == text
    assert not [line for line in printed if line.startswith("copied")]
    with pytest.raises(
        UserError, match=r"^data/series/mine.csv: another file has this name already; rename one of the"
    ):
        new(SHAPES["days"][0], output=Path("other.yaml"))
    assert Path("data/series/mine.csv").read_bytes() == str(content).encode()
    assert not Path("other.yaml").exists()


@pytest.mark.parametrize(
    ("name", "source", "folder"),
    [
        ("Temperatur Zürich (2020).txt", "Temperatur_Zurich_2020", "Temperatur_Zurich_2020"),
        ("-x.csv", "x", "x"),
        ("相对.csv", "series", "series"),
        ("data.csv", "data", "my_data"),
        ("docs.csv", "docs", "my_docs"),
    ],
)
def test_a_series_has_a_name_that_both_engines_take(name: str, source: str, folder: str) -> None:
    new("x\n" + lines(lambda n: str(NUMBERS[n])), name, output=Path(f"{source}.yaml"))
    written = read_yaml(Path(f"{source}.yaml"))
    assert written["dataset"]["source"] == source
    assert written["folders"] == {"data": f"{folder}/data", "results": f"{folder}/results"}
    assert Path(f"data/series/{source}.csv").is_file()
    with pytest.raises(UserError, match="noisy_sine is the name of the pipeline's own series; rename the file"):
        new("x\n", "noisy_sine.csv")


def test_a_file_in_the_project_is_not_copied_and_results_are_named_after_the_output() -> None:
    file = Path("data/series/mine.csv")
    file.parent.mkdir(parents=True)
    file.write_text(str(SHAPES["days"][0]))
    printed = write_new(file, None, Path("runs/first try.yaml"))
    assert printed[-2:] == [
        "  snakemake --cores 4 --configfile 'runs/first try.yaml'",
        "  carryover verdict first_try/results",
    ]
    assert not [line for line in printed if line.startswith("copied")]


NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\ufeff") | st.just(" "), min_size=1, max_size=8
) | st.sampled_from(
    ["No", "on", "null", "~", "2020", "1e5", "true", "y", "{k}", "say 'x'", '"', "#", "a: b", "[x]", "50%"]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=2, unique=True))
def test_both_versions_of_yaml_read_any_name(names: list[str]) -> None:
    assume(not any(name.startswith(("-", "#", "%", "//")) or "${" in name or not name.strip() for name in names))
    names = [*names, "a word"]  # or else the line might have numbers
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    for file in (Path("mine.yaml"), Path("data/series/mine.csv")):
        file.unlink(missing_ok=True)
    dataset, _ = new(
        f"{quoted}\n" + lines(lambda n: ",".join(str(NUMBERS[(n * k) % ROWS]) for k in (1, 7, 11)[: len(names)]))
    )
    assert dataset["inputs"] == names
    assert yaml.safe_load(Path("mine.yaml").read_text())["dataset"] == dataset


TIMES = [
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%b %d, %Y",
    "%d-%b-%Y",
    "%Y%m%d",
    "%d.%m.%Y %H:%M",
]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_pipeline_reads_the_numbers_that_were_written(data: st.DataObject) -> None:
    """For any delimiter, decimal sign, encoding, format of times, order, gaps, lines above and below."""
    draw = data.draw
    delimiter, decimal = draw(
        st.sampled_from([(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", "."), ("|", ".")])
    )
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    time_format = draw(st.sampled_from(TIMES))
    gap = draw(st.sampled_from(["", "NA", "?", "-", "NaN", "n/a"]))
    places = draw(st.sets(st.integers(1, ROWS - 1), max_size=10))
    newest_first, header, title, note = (draw(st.booleans()) for _ in range(4))
    values = np.array(draw(st.lists(st.integers(-9999, 9999), min_size=ROWS, max_size=ROWS, unique=True))) / 100

    def row(number: int) -> str:
        value = gap if number in places else str(values[number]).replace(".", decimal)
        time = DAYS[number].strftime(time_format)
        return delimiter.join([f'"{time}"' if "," in time else time, value, str(number * number)])

    rows = [row(number) for number in range(ROWS)]
    parts = [
        ["Bericht für die Station", ""] * title,
        [delimiter.join(["Zeit", "größe", "n"])] * header,
        rows[::-1] if newest_first else rows,
        ["", "Quelle: München"] * note,
    ]
    for file in (Path("mine.yaml"), Path("data/series/mine.csv")):
        file.unlink(missing_ok=True)
    text = "".join(f"{line}\n" for part in parts for line in part)
    dataset, _ = new(text.encode(encoding), target="größe" if header else "2")
    expected, last = [], 0.0
    for number, value in enumerate(values.tolist()):
        last = last if number in places else value
        expected.append(last)
    made = read(dataset)
    assert made.values[:, -1].tolist() == expected[1:]
    assert made.times.tolist() == DAYS[1:]


@pytest.mark.parametrize(("file", "message"), [("none.csv", "No such file or directory"), (".", "Is a directory")])
def test_the_command_reports_an_error_in_one_line(file: str, message: str) -> None:
    command = [sys.executable, "-m", "carryover", "new", file]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"error: {file}: {message}\n")


@pytest.mark.slow
def test_both_engines_take_the_file(tmp_path: Path) -> None:
    copy = Project.new(tmp_path / "project")
    (tmp_path / "mine.csv").write_text(str(SHAPES["several gaps"][0]))
    copy("carryover", "new", str(tmp_path / "mine.csv"))
    planned = copy("snakemake", "--dry-run", "--configfile", "mine.yaml")
    assert "mine/results/verdict.md" in planned
    assert "--set-param 'dataset.source=\"mine\"'" in copy("carryover", "overrides", "mine.yaml")
