"""What git knows: the output of its commands, and the parameters and the small results of a commit."""

import subprocess
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from carryover.job.errors import UserError


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it prints, without the space around it.

    Raises:
        UserError: if git fails.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["git failed"])[0]
        raise UserError(f"{folder.resolve()}: {reason}; run this in a clone of the project")
    return done.stdout.strip()


class Commit(NamedTuple):
    """A commit, with the results that git has in it.

    Attributes:
        hash: its hash in full.
        folder: the folder of its results; None if it has no params.yaml.
        results: the hash of each file in that folder, by its path in the folder. Empty if it has no results.
    """

    hash: str
    folder: str | None
    results: dict[str, str]

    def __str__(self) -> str:
        return self.hash[:9]

    def path(self, name: str) -> str:
        """Return the path in the project of a result."""
        return f"{self.folder}/{name}"


def read_commit(project: Path, name: str) -> Commit:
    """Find the results of a commit, in the folder that its own params.yaml names.

    Args:
        project: the folder of the clone.
        name: the commit, in any way that git understands: a branch, a hash, HEAD~1.

    Raises:
        UserError: if there is no such commit, or its params.yaml is damaged.
    """
    try:
        commit = git(project, "rev-parse", "--verify", f"{name}^{{commit}}")
    except UserError:
        shallow = git(project, "rev-parse", "--is-shallow-repository") == "true"
        why = "this clone is shallow; run `git fetch --unshallow`" if shallow else "`git log --all` lists them"
        raise UserError(f"{name}: there is no such commit; {why}") from None
    entries = (entry.split("\t", 1) for entry in git(project, "ls-tree", "-r", "-z", commit).split("\0") if entry)
    files = {path: about.split()[-1] for about, path in entries}
    if "params.yaml" not in files:
        return Commit(commit, None, {})
    folder = _folder_of_results(git(project, "show", f"{commit}:params.yaml"), f"{name}:params.yaml")
    start = f"{folder}/"
    results = {path.removeprefix(start): digest for path, digest in files.items() if path.startswith(start)}
    return Commit(commit, folder, results)


def _folder_of_results(params: str, where: str) -> str:
    """Return folders.results of parameters, read as DVC reads them; `where` they are is for the message of an error."""
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

    try:
        return str(PurePosixPath(parse_yaml(params, where)["folders"]["results"]))
    except YAMLFileCorruptedError:
        raise UserError(f"{where}: not valid YAML") from None
    except (KeyError, TypeError):
        return "results"  # before the parameters could name another folder
