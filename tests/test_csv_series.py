"""Your own series: the columns that are learnt, and every mistake in the file reported with its line and column."""

from pathlib import Path

import numpy as np
import pytest

from carryover.job.errors import UserError
from carryover.series.csv_file import read_csv_columns

WEATHER = "day,rain,warmth\n1,0.5,10\n2,0,11.25\n3,1e-3,-4\n"


def test_the_columns_are_read_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text(WEATHER)
    found = read_csv_columns(tmp_path / "weather.csv", ["warmth", "rain"])
    assert found.values.tolist() == [[10, 0.5], [11.25, 0], [-4, 0.001]]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + WEATHER,
        WEATHER.replace("\n", "\r\n"),
        WEATHER + "\n\n",
        WEATHER.replace("day", '"the day,\nof the week"'),
        WEATHER.replace("day", "Tag der Messung °"),
        WEATHER.replace("2,0,", "second,0,"),  # in a column that is not read
        WEATHER.replace("0.5", " 0.5 "),
        "day,,,rain,warmth,warmth\n1,,,0.5,,\n2,,,0,,\n3,,,1e-3,,\n",
    ],
    ids=[
        "byte order mark",
        "of Windows",
        "blank lines at the end",
        "quoted",
        "umlaut",
        "text elsewhere",
        "spaces",
        "names elsewhere",
    ],
)
def test_what_is_no_mistake_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "weather.csv").write_bytes(content.encode())
    assert read_csv_columns(tmp_path / "weather.csv", ["rain"]).values[:, 0].tolist() == [0.5, 0, 0.001]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.random.default_rng(1).integers(-30, 30, 1000)
    (tmp_path / "x.csv").write_text("x,y\n" + "".join(f"{value!r},0\n" for value in values.tolist()))
    assert read_csv_columns(tmp_path / "x.csv", ["x"]).values[:, 0].tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "missing; put the file there, or choose another dataset.source"),
        ("", "no line is left; look at the file, dataset.skip_rows and dataset.skip_footer"),
        (WEATHER.replace("rain", "rains"), "line 1: there is no column 'rain'; did you mean 'rains'?"),
        (WEATHER.replace("rain", "snow"), "line 1: there is no column 'rain'; there are 'day', 'snow', 'warmth'"),
        (WEATHER.replace("day", "rain"), "line 1: 2 columns are named 'rain'; rename all but one"),
        (
            f"# of the station,\n\n# in mm\n{WEATHER}",
            'line 1: this is a comment, and the header is line 4; set dataset.comment: "#"',
        ),
        (
            f"The weather, in mm\n{WEATHER}",
            "line 1: this is not the header, and the header is line 2; set dataset.skip_rows: 1",
        ),
        (
            "# " + WEATHER.replace("rain", "snow"),
            "line 1: this is a comment: '# day,snow,warmth'; set dataset.comment: \"#\", or dataset.skip_rows",
        ),
        (
            WEATHER.replace(",", ";").replace(".", ",").replace("day", "day, UTC"),
            "line 1: the cells are separated by ';'; set dataset.delimiter",
        ),
        (WEATHER.replace(",", "\t"), "line 1: the cells are separated by '\\t'; set dataset.delimiter"),
        (WEATHER.replace("2,0,", "2,much,"), "line 3, column 'rain': 'much' is not a number; fix the cell"),
        (
            WEATHER.replace("2,0,", "2,,"),
            "line 3, column 'rain': the cell is empty; fix the cell or leave the row",
        ),
        (
            f"{WEATHER}\nThe rain in Spain, from 1949 to 1960, and its warmth, in mm\n",
            "line 6: 4 cells, but the header has 3; fix the line, or leave it out (dataset.skip_footer)",
        ),
        (
            f"{WEATHER}\nThe rain in Spain; source: the met office of Spain\n",
            "line 6: only one cell is filled: 'The rain in Spain; source: the met offic...'; if the line is a footer, "
            "leave it out (dataset.skip_footer), or else fill in the rest",
        ),
        (f"{WEATHER}Total,,\n", "line 5: only one cell is filled: 'Total'; if the line is a footer, leave it out"),
        (f"{WEATHER},,\n", "line 5: all cells are empty; fill them in, delete the line"),
        (
            WEATHER.replace("0.5", '"1,213.15"'),
            "line 2, column 'rain': '1,213.15' has ',' in it; if it is between thousands or the decimal sign, set "
            "dataset.thousands or dataset.decimal",
        ),
        (WEATHER.replace("0.5", '"0,5"'), "line 2, column 'rain': '0,5' has ',' in it; if it is"),
        (WEATHER.replace("0.5", "213.15M"), "line 2, column 'rain': '213.15M' has 'M' in it; write plain numbers"),
        (WEATHER.replace("0.5", "-2.00 %"), "line 2, column 'rain': '-2.00 %' has '%' in it; write plain numbers"),
        (WEATHER.replace("0.5", "$ 12"), "line 2, column 'rain': '$ 12' has '$' in it; write plain numbers"),
        (WEATHER.replace("0.5", "2012-01-01"), "line 2, column 'rain': '2012-01-01' is not a number; fix the cell"),
        (
            WEATHER.replace("0.5", "-3.41e38"),
            "line 2, column 'rain': -3.41e38 is too large, since float32 holds up to 3.4e+38; scale the column",
        ),
        (WEATHER.replace("2,0,", "2,nan,"), "line 3, column 'rain': nan is not a finite number"),
        (
            WEATHER.replace("2,0,", "2,NA,"),
            "line 3, column 'rain': 'NA' is not a number; fix the cell or leave the row out, or add it to",
        ),
        (WEATHER.replace("11.25", "inf"), "line 3, column 'warmth': inf is not a finite number"),
        (WEATHER.replace("11.25", "1e999"), "line 3, column 'warmth': 1e999 is not a finite number"),
        (WEATHER.replace("11.25", "11,25"), "line 3: 4 cells, but the header has 3; fix the line"),
        (WEATHER.replace("2,0,11.25", "2,0"), "line 3: 2 cells, but the header has 3; fix the line"),
        (
            WEATHER.replace("day", "T\xe4g"),
            "byte 0xe4 is not UTF-8 text; set dataset.encoding, such as cp1252, or save",
        ),
        (
            WEATHER.replace("2,0,", "\xfc,x,"),
            "byte 0xfc is not UTF-8 text; set dataset.encoding, such as cp1252, or save",
        ),
    ],
)
def test_a_mistake_is_reported_in_one_line(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "weather.csv"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError) as error:
        read_csv_columns(path, ["rain", "warmth"])
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)


def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    rows = [f"{number},{number + 1},note" for number in range(20)]
    rows[5] = '5,6,"note'
    for closing in (rows, [*rows[:12], '12,13,"note', *rows[13:]]):
        file.write_text("\n".join(["x,y,notes", *closing]) + "\n")
        with pytest.raises(UserError, match="look at the quotation marks"):
            read_csv_columns(file, ["x", "y"])
