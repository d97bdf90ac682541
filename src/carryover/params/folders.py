"""Checking that a run writes over nothing but the results of a run."""

from pathlib import Path

from carryover.job.errors import UserError
from carryover.series.options import NOISY_SINE, SERIES

NOT_FOR_RESULTS = (
    SERIES, "data/reference",
    "benchmarks", "config", "docs", "logs", "models", "profiles", "src", "tests", "workflow",
    ".ci", ".dvc", ".git", ".snakemake", ".venv", ".vscode",
)  # fmt: skip
"""Folders of the project in which no result may lie. A name with a dot can only be meant by a link."""


def check_folders(folders: dict[str, str], source: str, root: Path) -> None:
    """Check where a run writes. Links are followed.

    Args:
        folders: the section `folders` of the parameters.
        source: the series, dataset.source.
        root: the project, to which the folders are relative.

    Raises:
        UserError: if a folder is not for results, because it holds or is in something else; or if the two overlap.
    """
    for key, folder in folders.items():
        if problem := _problem((root / folder).resolve(), root.resolve()):
            raise UserError(f"folders.{key}: {folder} {problem}; choose a folder of its own, such as mine/{key}")
    data, results = ((root / folders[key]).resolve() for key in ("data", "results"))
    if data.is_relative_to(results) or results.is_relative_to(data):
        raise UserError(
            f"folders: {folders['data']} and {folders['results']} are the same folder, or one is in the other; choose "
            "two side by side, such as mine/data and mine/results"
        )
    series = root / SERIES / f"{source}.csv"
    if source != NOISY_SINE and series.resolve().parent == data:
        raise UserError(
            f"folders.data: {SERIES}/{source}.csv is a link to a file in {folders['data']}, where the run writes files "
            "of such names; move that file, or choose another folder"
        )


def _problem(place: Path, project: Path) -> str | None:
    """Say why a folder is not for results."""
    if project.is_relative_to(place):
        return "holds the whole project"
    for name in NOT_FOR_RESULTS:
        if place == (taken := (project / name).resolve()):
            return "is not for results"
        if place.is_relative_to(taken):
            return f"is in {name}, which is not for results"
    if place == project / "examples":
        return "holds the files of the examples"
    for path in (place, *place.parents):
        if path.is_file():
            return f"cannot be a folder, because {path.name} is a file"
    return None
