"""Inputs of Snakemake's jobs that no job makes, wherever the run and its results are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.io import sourcecache_entry

from carryover.job.command_line import errors_in_one_line
from carryover.job.errors import UserError
from carryover.job.own_files import find, in_clone, own_file


class Inputs:
    """The inputs of a run that are there before it: files of Carryover, and files that the parameters name.

    Snakemake takes such a file for one of the workflow's sources if it is not in the folder of the run, or if results
    are in a storage. So it records it by its path in the project, below carryover/ if the package has brought it, and
    does not look for it in the storage.

    Args:
        workflow: Snakemake's workflow. If its Snakefile, another commit's for example, is not of the installed package,
            that is reported in one line and ends the program.
    """

    def __init__(self, workflow: Any) -> None:
        self.in_storage = workflow.storage_settings.default_storage_provider is not None
        if in_clone():
            return
        snakefile = Path(workflow.sourcecache.get_path(workflow.included_stack[-1]))
        with errors_in_one_line():
            # What Snakemake fetches from a git server lacks the end of its last line.
            if snakefile.read_bytes().strip() != own_file("Snakefile").read_bytes().strip():
                raise UserError(
                    "the Snakefile and the installed package carryover are of different versions; install the package "
                    "from the same commit, in a clone: pip install '.[pipeline]'"
                )

    def own(self, path: str) -> str:
        """Return a file that comes with Carryover.

        Args:
            path: its path in the project.
        """
        return self._as_input(own_file(path), path)

    def given(self, path: str) -> str:
        """Return a file that the parameters name: one in the folder of the run, or else one of Carryover's.

        Args:
            path: as in the parameters.
        """
        return self._as_input(find(path), path)

    def code(self, *packages: str) -> list[str]:
        """Return the code that a step runs and the lock file of its dependencies; an edit reruns the steps it affects.

        Args:
            packages: those whose modules the step imports, besides job.
        """
        home = own_file("src/carryover")
        modules = sorted(path for package in ("job", *packages) for path in (home / package).rglob("*.py"))
        paths = [f"src/carryover/{path.relative_to(home)}" for path in (home / "__init__.py", *modules)]
        return [self.own(path) for path in (*paths, "requirements.lock")]

    def _as_input(self, where: Path, path: str) -> str:
        in_folder = where == Path(path)
        if in_folder and not self.in_storage:
            return path
        source: str = sourcecache_entry(str(where), path if in_folder else f"carryover/{path}")
        return source


def folder_of(files: Sequence[str], if_none: str = "") -> str:
    """Return the folder of the folders that files are in; if they are in a storage, that of their copies here.

    Args:
        files: the files, by their paths.
        if_none: what to return if there are none.
    """
    return str(Path(files[0]).parents[1]) if files else if_none
