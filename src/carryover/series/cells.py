"""The number in a cell of a CSV file; where there is none, why, and what to do."""

import math
import re
from collections.abc import Callable

from carryover.series.csv_format import CsvFormat
from carryover.series.dataset import LARGEST

FIX = "fix the cell or leave the row out"


def numbers_of(form: CsvFormat) -> Callable[[str], float]:
    """Return the function that reads a cell of a file written like this.

    It returns NaN for a missing value, unless those are refused. It raises a ValueError if the cell is not a finite
    number or beyond float32; the message says what is wrong and what to do.
    """
    missing = {str(value).strip() for value in form.missing_values}
    as_python = form.thousands == "" and form.decimal == "."
    missing_numbers = {number for text in missing if (number := _number_or_nan(text, form)) == number}

    def number_of(cell: str) -> float:
        text = cell.strip()
        if text in missing:
            return _missing(text, form)
        try:
            # 1_000 is a number in Python, but not in a table.
            number = float((text if as_python else _plain(text, form)).replace("_", "?"))
        except ValueError:
            raise ValueError(_not_a_number(cell, form)) from None
        if number in missing_numbers:
            return _missing(text, form)
        if not math.isfinite(number):
            raise ValueError(f"{cell} is not a finite number; {FIX}, or add it to dataset.missing_values")
        if abs(number) > LARGEST:
            raise ValueError(f"{cell} is too large, since float32 holds up to {LARGEST:.2g}; scale the column")
        return number

    return number_of


def quoted(text: str) -> str:
    """Quote the beginning of a text, in one line."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def _number_or_nan(text: str, form: CsvFormat) -> float:
    try:
        return float(_plain(text, form))
    except ValueError:
        return math.nan


def _missing(text: str, form: CsvFormat) -> float:
    if form.missing == "refuse":
        what = f"{quoted(text)} means a missing value" if text else "the cell is empty"
        raise ValueError(f"{what}; {FIX}, or let it be filled in (dataset.missing)")
    return math.nan


def _plain(text: str, form: CsvFormat) -> str:
    """Write a number as Python does: without signs between thousands, and with a point."""
    if form.thousands and form.thousands in text:
        sign, decimal = re.escape(form.thousands), re.escape(form.decimal)
        if not re.fullmatch(rf"[+-]?\d{{1,3}}({sign}\d{{3}})+({decimal}\d*)?", text):
            raise ValueError
        text = text.replace(form.thousands, "")
    if form.decimal != ".":
        if "." in text:
            raise ValueError
        text = text.replace(form.decimal, ".")
    return text


def _not_a_number(cell: str, form: CsvFormat) -> str:
    """Say why a cell is not a number, and what to do.

    >>> _not_a_number("much", CsvFormat())
    "'much' is not a number; fix the cell or leave the row out, or add it to dataset.missing_values"
    >>> _not_a_number("-2.00%", CsvFormat())
    "'-2.00%' has '%' in it; write plain numbers, such as 1213.15 or 213150000"
    >>> _not_a_number("1,213.15", CsvFormat())
    "'1,213.15' has ',' in it; if it is between thousands or the decimal sign, set dataset.thousands or dataset.decimal"
    """
    # Something before the number, digits with separators, something after the number.
    parts = re.fullmatch(r"\s*([^\d\s+-]*)\s*[+-]?([\d.,'\s]*\d)\s*([^\d\s.]*)\s*", cell)
    around = parts and (parts[1] or parts[3])
    if around:
        return f"{quoted(cell)} has {around!r} in it; write plain numbers, such as 1213.15 or 213150000"
    between = parts and re.sub(rf"[\d{re.escape(form.decimal)}]", "", parts[2])[:1]
    if between and between == form.thousands:
        return f"{quoted(cell)} has {between!r} in it, but not between groups of three digits; {FIX}"
    if between:
        return (
            f"{quoted(cell)} has {between!r} in it; if it is between thousands or the decimal sign, set "
            "dataset.thousands or dataset.decimal"
        )
    return f"{quoted(cell)} is not a number; {FIX}, or add it to dataset.missing_values"
