"""The parser for `.. include:: loss_diffs.csv`: a CSV file as a table."""

from io import StringIO

import pandas as pd

from carryover.engines.report.html import HtmlParser

SHOWN = 100
"""Rows. Of more, the first and the last are shown; the file is in the report too, whole."""


class Parser(HtmlParser):
    """A CSV file as an HTML table, its numbers as they stand in the file."""

    def html(self, text: str) -> str:
        table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
        return table.to_html(index=False, border=0, justify="left", max_rows=SHOWN, show_dimensions=len(table) > SHOWN)
