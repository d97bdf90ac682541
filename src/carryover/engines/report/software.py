"""The parser for `.. include:: params.yaml`: the packages that ran with these parameters, and their versions."""

import platform
from importlib.metadata import packages_distributions, version

import pandas as pd

from carryover.engines.report.html import HtmlParser

PACKAGES = {
    "carryover": "trains the cases, compares them and writes the verdict",
    "python": "runs every job in its own interpreter",
    "tensorflow": "computes the trainings",
    "keras": "the layers, the optimizers and fit",
    "numpy": "the noise, and all arrays outside of TensorFlow",
    "pandas": "reads the tables",
    "scipy": "computes the statistics of the replicates",
    "matplotlib": "draws the figures",
    "snakemake": "runs the jobs, and wrote this report",
    "dvc": "stores every version of every artifact",
}
"""What each package does here."""


class Parser(HtmlParser):
    """A parser that writes an HTML table of PACKAGES with their versions in this environment."""

    def html(self, _: str) -> str:
        distributions = packages_distributions()  # tensorflow may come from tensorflow-cpu
        rows = [
            (name, platform.python_version() if name == "python" else version(distributions.get(name, [name])[0]), role)
            for name, role in PACKAGES.items()
        ]
        table = pd.DataFrame(rows, columns=["package", "version", "what it does here"])
        return table.to_html(index=False, border=0, justify="left")
