"""The parser for `.. include:: software.csv`: packages with their installed versions."""

import platform
from importlib.metadata import packages_distributions, version
from io import StringIO

import pandas as pd

from carryover.engines.report.html import HtmlParser


class Parser(HtmlParser):
    """A parser that turns a CSV file of packages into an HTML table with the versions in this environment."""

    def html(self, text: str) -> str:
        table = pd.read_csv(StringIO(text), dtype=str)
        distributions = packages_distributions()  # tensorflow may come from tensorflow-cpu
        table.insert(
            1,
            "version",
            [
                platform.python_version() if name == "python" else version(distributions.get(name, [name])[0])
                for name in table["package"]
            ],
        )
        return table.to_html(index=False, border=0, justify="left")
