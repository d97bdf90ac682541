"""The files that come with Carryover: its modules, the scripts of the steps, series, references, networks.

In a clone they are where git has them. An installed package has those that are not modules in a folder of its own.
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]

OWN_FILES = PACKAGE / "own_files" if (PACKAGE / "own_files").is_dir() else PACKAGE.parents[1]
"""The folder of the files that are not modules: in the package, or the clone from which it is installed as editable."""


def in_clone(folder: Path = Path()) -> bool:
    """Whether a folder is a clone of the project, or a copy of one. There, what is missing is missing."""
    return (folder / "src/carryover").is_dir()


def own_file(path: str) -> Path:
    """Return where a file or folder is that comes with Carryover: in the current folder if that is a clone.

    Args:
        path: as in the project.
    """
    if in_clone():
        return Path(path)
    module = path.removeprefix("src/carryover/")
    return PACKAGE / module if module != path else OWN_FILES / path


def find(path: str | Path, folder: Path = Path()) -> Path:
    """Return where a file or folder is that the parameters name: in the user's folder, or else with Carryover.

    Args:
        path: as in the parameters.
        folder: the user's folder, to which it is relative.

    Returns:
        The path in the user's folder also if there is nothing.
    """
    if (folder / path).exists() or in_clone(folder) or not (OWN_FILES / path).exists():
        return folder / path
    return OWN_FILES / path
