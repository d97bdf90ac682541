"""CSV files as people have them: read as dataset says they are written, or refused in one line."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carryover.job.errors import UserError
from carryover.series.csv_format import CsvFormat
from carryover.series.rows import Rows, read_rows
from carryover.series.times import read_times, step_of, write_times

NAN = float("nan")


def rows_of(folder: Path, content: str, inputs: list[str], target: str, horizon: int = 0, **form: Any) -> Rows:
    (folder / "series.csv").write_bytes(content.encode(form.get("encoding", "utf-8")))
    return read_rows(folder / "series.csv", inputs, target, CsvFormat(**form), horizon)


PASSENGERS = '"Month","Passengers, in thousands"\n"1949-01",112\n"1949-02",118\n"1949-03",132\n\nSource: an airline\n'
PRICES = '"Date","Price","Vol."\n"Apr 03, 2020","1,199.24","199.2M"\n"Apr 02, 2020","1,201.25","201.3M"\n'
AIR = (
    "Date;Time;CO(GT);T;;\n10/03/2004;18.00.00;2,6;13,6;;\n10/03/2004;19.00.00;-200;13,3;;\n"
    "10/03/2004;20.00.00;2,2;11,9;;\n"
)
CO2 = "# of a laboratory\n# in ppm\nyear,month,co2\n1958,3,315.71\n1958,4,317.45\n"
JENA = "Date Time,p (mbar)\n01.02.2009 00:00:00,996.52\n01.02.2009 00:10:00,996.57\n"
BARE = "1\t10\n2\t20\n3\t30\n"


@pytest.mark.parametrize(
    ("content", "inputs", "target", "given", "values", "times"),
    [
        (
            PASSENGERS,
            ["Passengers, in thousands"],
            "Passengers, in thousands",
            {"horizon": 1, "skip_footer": 1, "time": ["Month"]},
            [[112, 118], [118, 132]],
            ["1949-02-01", "1949-03-01"],
        ),
        (
            PRICES,
            [],
            "Price",
            {"thousands": ",", "time": ["Date"], "time_format": "%b %d, %Y", "order": "newest_first"},
            [[1201.25], [1199.24]],
            ["2020-04-02", "2020-04-03"],
        ),
        (
            AIR,
            ["T"],
            "CO(GT)",
            {
                "delimiter": ";",
                "decimal": ",",
                "time": ["Date", "Time"],
                "time_format": "%d/%m/%Y %H.%M.%S",
                "missing": "interpolate",
                "missing_values": ["-200"],
            },
            [[13.6, 2.6], [13.3, 2.4], [11.9, 2.2]],
            ["2004-03-10T18", "2004-03-10T19", "2004-03-10T20"],
        ),
        (
            CO2,
            [],
            "co2",
            {"comment": "#", "time": ["year", "month"], "time_format": "%Y %m"},
            [[315.71], [317.45]],
            ["1958-03-01", "1958-04-01"],
        ),
        (CO2, [], "co2", {"skip_rows": 2}, [[315.71], [317.45]], []),
        (
            JENA,
            [],
            "p (mbar)",
            {"time": ["Date Time"], "time_format": "%d.%m.%Y %H:%M:%S"},
            [[996.52], [996.57]],
            ["2009-02-01T00:00", "2009-02-01T00:10"],
        ),
        (BARE, ["1"], "2", {"delimiter": "\t", "header": "none"}, [[1, 10], [2, 20], [3, 30]], []),
        (
            "t,y\n2020-01-01T01:00+02:00,1\n2020-01-01T01:00+01:00,2\n",
            [],
            "y",
            {"time": ["t"]},
            [[1], [2]],
            ["2019-12-31T23", "2020-01-01T00"],
        ),
        ("x,y\n1,\n2,NA\n?,5\n", [], "y", {"missing": "forward_fill", "missing_values": ["NA", ""]}, None, None),
        (
            "x,y\n,1\n2,NA\n,-99.0\n4,4\n",
            ["x"],
            "y",
            {"missing": "forward_fill", "missing_values": ["NA", "", -99]},
            None,
            None,
        ),
    ],
    ids=[
        "airline",
        "prices",
        "air",
        "comments",
        "lines above",
        "jena",
        "no header",
        "zones",
        "gap first",
        "gap in x first",
    ],
)
def test_a_file_is_read_as_it_is(
    tmp_path: Path,
    content: str,
    inputs: list[str],
    target: str,
    given: dict[str, Any],
    values: list[list[float]] | None,
    times: list[str] | None,
) -> None:
    if values is None or times is None:
        with pytest.raises(UserError, match=r"line 2, column '.': the value is missing, and there is none before it"):
            rows_of(tmp_path, content, inputs, target, **given)
        return
    rows = rows_of(tmp_path, content, inputs, target, **given)
    np.testing.assert_allclose(rows.values, values, rtol=1e-15)
    np.testing.assert_array_equal(rows.times, np.array(times, "datetime64[s]"))


def test_missing_values_are_filled_in_and_counted(tmp_path: Path) -> None:
    content = "x,y\n1,10\n-99.0,\n-99,NA\n4,40\n"
    form = {"missing_values": [-99, "", "NA"]}
    rows = rows_of(tmp_path, content, ["x"], "y", missing="interpolate", **form)
    assert rows.values.tolist() == [[1, 10], [2, 20], [3, 30], [4, 40]]
    assert rows.filled.tolist() == [[False, False], [True, True], [True, True], [False, False]]
    rows = rows_of(tmp_path, content, ["x"], "y", missing="forward_fill", **form)
    assert rows.values.tolist() == [[1, 10], [1, 10], [1, 10], [4, 40]]
    # With a horizon, what has been filled in moves with the target.
    rows = rows_of(tmp_path, content, ["x"], "y", 2, missing="forward_fill", **form)
    assert (rows.values.tolist(), rows.filled.tolist()) == ([[1, 10], [1, 40]], [[False, True], [True, False]])
    assert rows.without_target == 2


WITH_TIMES = "t,y\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n"


@pytest.mark.parametrize(
    ("content", "given", "message"),
    [
        (
            PASSENGERS,
            {"target": "Passengers, in thousands"},
            "line 6: only one cell is filled: 'Source: an airline'; if",
        ),
        (
            PRICES,
            {"target": "Price"},
            "line 2, column 'Price': '1,199.24' has ',' in it; if it is between thousands or",
        ),
        (PRICES, {"target": "Vol."}, "line 2, column 'Vol.': '199.2M' has 'M' in it; write plain numbers"),
        (
            PRICES.replace("1,199.24", "1,19.24"),
            {"target": "Price", "thousands": ","},
            "line 2, column 'Price': '1,19.24' has ',' in it, but not between groups of three digits; fix",
        ),
        (AIR, {"target": "T"}, "line 1: the cells are separated by ';'; set dataset.delimiter"),
        (
            AIR,
            {"target": "T", "delimiter": ";"},
            "line 2, column 'T': '13,6' has ',' in it; if it is between thousands or",
        ),
        ("y\n1.5\n", {"decimal": ",", "delimiter": ";"}, "line 2, column 'y': '1.5' has '.' in it; if it is between"),
        (CO2, {"target": "co2"}, "line 1: this is a comment, and the header is line 3; set dataset.comment"),
        (
            BARE,
            {"delimiter": "\t"},
            "line 1: there is no column 'y', only numbers; if no line names the columns, set dataset.header: none",
        ),
        (BARE, {"delimiter": "\t", "header": "none"}, "line 1: there is no column 'y'; there are '1', '2'"),
        (BARE, {"target": "1"}, "line 1: the cells are separated by '\\t'; set dataset.delimiter"),
        (
            "x,z,y\n1,2,\n",
            {},
            "line 2, column 'y': the cell is empty; fix the cell or leave the row out, or let it be filled in",
        ),
        (
            "x,y\n1,\n",
            {},
            "line 2: only one cell is filled: '1'; if the line is a footer, leave it out",
        ),
        (
            "x,y,z\n1,-99,\n",
            {"missing_values": [-99.0]},
            "line 2, column 'y': '-99' means a missing value; fix the cell or leave",
        ),
        (
            "x,y\n1,\n2,NA\n",
            {"missing": "forward_fill"},
            "line 3, column 'y': 'NA' is not a number; fix the cell or leave the row out, or add it to",
        ),
        (
            "x,y\n1,1\n2,\n",
            {"missing": "interpolate"},
            "line 3, column 'y': the value is missing, and there is none after it to fill it in; leave out the last",
        ),
        (
            "x,y\n1,1\n,\n",
            {"missing": "forward_fill"},
            "line 3: all cells are empty; fill them in, delete the line, or leave out",
        ),
        (
            WITH_TIMES.replace("2020-", "Jan "),
            {"time": ["t"]},
            "line 2: the time 'Jan 01-01' is not written by ISO 8601; set dataset.time_format",
        ),
        (
            WITH_TIMES,
            {"time": ["t"], "time_format": "%d.%m.%Y"},
            "line 2: the time '2020-01-01' is not written as %d.%m.%Y; set",
        ),
        (WITH_TIMES, {"time": ["day"]}, "line 1: there is no column 'day'; there are 't', 'y'"),
        (
            WITH_TIMES,
            {"time": ["t"], "order": "newest_first"},
            "the times decrease from row to row; set dataset.order: oldest_first",
        ),
        (
            "t,y\n2020-01-02,1\n2020-01-01,2\n",
            {"time": ["t"]},
            "the times decrease from row to row; set dataset.order: newest_first",
        ),
        (
            WITH_TIMES.replace("-03", "-02"),
            {"time": ["t"]},
            "line 4 (2020-01-02) has the same time as line 3 (2020-01-02); leave one",
        ),
        (
            WITH_TIMES.replace("-02", "-05"),
            {"time": ["t"]},
            "line 4 (2020-01-03) is earlier than line 3 (2020-01-05), the row before it; sort",
        ),
        (
            WITH_TIMES + ",4\n",
            {"time": ["t"]},
            "line 5: the time '' is not written by ISO 8601; set dataset.time_format, fix the line",
        ),
        (WITH_TIMES, {"time": ["t"], "time_format": "%d.%m.%Y %z"}, "line 2: the time '2020-01-01' is not written as"),
        (WITH_TIMES.replace("2020-01-01", "-0044-03-15"), {"time": ["t"]}, "line 2: "),
        (WITH_TIMES, {"horizon": 3}, "it has 3 rows, and dataset.horizon is 3; lower it, or add rows"),
        (WITH_TIMES, {"skip_rows": 9}, "no line is left; look at the file, dataset.skip_rows and dataset.skip_footer"),
        (
            WITH_TIMES,
            {"skip_footer": 9},
            "no line is left; look at the file, dataset.skip_rows and dataset.skip_footer",
        ),
    ],
)
def test_what_a_file_is_not_is_said_in_one_line(
    tmp_path: Path, content: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        rows_of(tmp_path, content, [], **({"target": "y"} | given))
    assert str(error.value).startswith(f"{tmp_path}/series.csv: {message}")
    assert "\n" not in str(error.value)


def test_another_encoding_is_read_or_named(tmp_path: Path) -> None:
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        assert rows_of(tmp_path, "wärme\n7\n", [], "wärme", encoding=encoding).values.tolist() == [[7]]
    (tmp_path / "series.csv").write_bytes(b"w\xe4rme\n7\n")
    for encoding, message in (("utf-8", "byte 0xe4 is not UTF-8 text"), ("utf-16", "it is not UTF-16 text")):
        with pytest.raises(UserError, match=f"{message}; set dataset.encoding, such as cp1252"):
            read_rows(tmp_path / "series.csv", [], "wärme", CsvFormat(encoding=encoding), 0)


def test_a_sign_in_quotation_marks_may_have_two_meanings(tmp_path: Path) -> None:
    assert rows_of(tmp_path, 'y\n"1,5"\n"-0,25"\n', [], "y", decimal=",").values.tolist() == [[1.5], [-0.25]]
    assert rows_of(tmp_path, 'y\n"1,500"\n"-25"\n', [], "y", thousands=",").values.tolist() == [[1500], [-25]]


@st.composite
def written(draw: Any) -> tuple[str, dict[str, Any], Any, list[datetime]]:
    """A file in a random form, that form, and the numbers and times that are in it; NaN where there is a gap."""
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", " ", "'", ",.".replace(decimal, "")]))
    delimiter = draw(st.sampled_from([sign for sign in ",;\t|" if sign != decimal]))
    gap = draw(st.sampled_from(["", "NA", "?", "-", "-9999", "n/a"]))
    numbers = st.integers(-(10**7), 10**7).filter(lambda n: n != -99990000).map(lambda n: n / 10000) | st.just(NAN)
    table = np.array(draw(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12)))
    start, step = draw(st.datetimes(datetime(1950, 1, 1), datetime(2040, 1, 1))), draw(st.integers(1, 10**6))
    times = [start.replace(microsecond=0) + timedelta(seconds=step * number) for number in range(len(table))]
    time_format = draw(st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"]))

    def cell(number: float) -> str:
        if number != number:
            return gap
        sign = draw(st.booleans()) and thousands
        text = f"{number:,.4f}" if sign else f"{number:.4f}"
        text = text.replace(",", "T").replace(".", decimal).replace("T", thousands)
        return f'"{text}"' if delimiter in text else text

    rows = [
        delimiter.join([cell(x), "noise", time.strftime(time_format), cell(y)])
        for time, (x, y) in zip(times, table.tolist(), strict=True)
    ]
    newest_first = draw(st.booleans())
    header = draw(st.booleans())
    above, below = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    lines = [
        *["about the station"] * above,
        *([delimiter.join(["gauge (°)", "", "when", "level"])] if header else []),
        *(rows[::-1] if newest_first else rows),
        *["", "total: 17"] * below,
    ]
    comment = draw(st.sampled_from(["", "#", "//"]))
    if comment:
        for _ in range(draw(st.integers(0, 3))):
            lines.insert(draw(st.integers(above, len(lines))), f"{comment} a {delimiter} comment")
    form = {
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"])),
        "delimiter": delimiter,
        "decimal": decimal,
        "thousands": thousands,
        "comment": comment,
        "skip_rows": above,
        "skip_footer": below,
        "header": "first_line" if header else "none",
        "time": ["when" if header else "3"],
        "time_format": time_format if time_format[:2] != "%Y" or draw(st.booleans()) else "iso8601",
        "order": "newest_first" if newest_first else "oldest_first",
        "missing": draw(st.sampled_from(["interpolate", "forward_fill"])),
        "missing_values": [gap],
    }
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), form, table, times


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written())
def test_what_was_written_is_read(tmp_path: Path, given: tuple[str, dict[str, Any], Any, list[datetime]]) -> None:
    content, form, table, times = given
    columns = ["gauge (°)", "level"] if form["header"] == "first_line" else ["1", "4"]
    gaps = np.isnan(table)
    first_gap = gaps[0].any()
    last_gap = gaps[-1].any() and form["missing"] == "interpolate"
    if first_gap or last_gap:
        with pytest.raises(UserError, match="the value is missing, and there is none"):
            rows_of(tmp_path, content, columns[:1], columns[1], **form)
        return
    rows = rows_of(tmp_path, content, columns[:1], columns[1], **form)
    np.testing.assert_array_equal(rows.filled, gaps)
    np.testing.assert_array_equal(rows.values[~gaps], table[~gaps])
    assert np.isfinite(rows.values).all()
    assert rows.times.tolist() == times


def test_times_below_a_second_are_kept(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "t,y\n2020-01-01T00:00:00.0,1\n2020-01-01T00:00:00.1,2\n", [], "y", time=["t"])
    assert step_of(rows.times) == ("100 milliseconds", True)
    write_times(tmp_path / "times.csv", rows.times)
    np.testing.assert_array_equal(read_times(tmp_path / "times.csv"), rows.times)


def test_times_of_any_century_keep_their_order(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "t,y\n1500-01-01,1\n1600-01-01,2\n2400-01-01,3\n", [], "y", time=["t"])
    assert [str(time)[:4] for time in rows.times] == ["1500", "1600", "2400"]
