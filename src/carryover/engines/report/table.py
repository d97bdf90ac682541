"""The parser for `.. include:: loss_diffs.csv`: a CSV file as a table."""

from io import StringIO

import pandas as pd

from carryover.engines.report.html import HtmlParser

SHOWN = 100
"""How many rows are shown at most. A longer table shows its first and last rows; the report also has the whole file."""


class Parser(HtmlParser):
    """A parser that turns a CSV file into an HTML table, with the numbers exactly as in the file."""

    def html(self, text: str) -> str:
        table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
        return table.to_html(index=False, border=0, justify="left", max_rows=SHOWN, show_dimensions=len(table) > SHOWN)
