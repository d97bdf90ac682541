"""Comparing the results of another machine with dvc.lock, or with your own: what differs, and where the cases part."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml


class Artifacts(NamedTuple):
    """Where the artifacts of a run are.

    Attributes:
        results: the folder of the results.
        data: the folder of the data; None if the results came without it.
    """

    results: Path
    data: Path | None

    def files(self) -> dict[str, Path]:
        """Return every file by its name, such as results/verdict.md or data/noisy_sine.csv."""
        data = self.data.glob("*.*") if self.data else ()  # in its folders there is only what the pipeline reads
        return {self.name(path): path for path in sorted([*data, *self.results.rglob("*")]) if path.is_file()}

    def name(self, path: Path) -> str:
        """Return the name of an artifact, which is its path in a project with the usual folders."""
        if path.is_relative_to(self.results):
            return str("results" / path.relative_to(self.results))
        return str("data" / path.relative_to(self.data or ""))

    def path(self, name: str) -> Path | None:
        """Return the path of an artifact; None if its folder has not come with the results."""
        kind, _, rest = name.partition("/")
        folder = self.results if kind == "results" else self.data
        return folder / rest if folder else None


def check_another_machine(
    project: Path, folder: Path, own: Path | None = None, say: Callable[[str], object] = print
) -> bool:
    """Compare every artifact of another machine with dvc.lock or your own, and say where the cases part that differ.

    Args:
        project: the folder of the project.
        folder: what came from the other machine: a folder with `results` and `data`, or a folder of results alone.
        own: your own folder of the same kind, to compare with; None to compare with dvc.lock.
        say: the function to call with each line of output.

    Returns:
        Whether all artifacts have the same bytes.

    Raises:
        UserError: if a folder has no results; or if dvc.lock is needed, and it is missing or damaged.
    """
    theirs = _artifacts_in(folder)
    if own:
        mine = _artifacts_in(own)
        states, trusted = _against_own(theirs, mine), set(mine.files())
    else:
        folders = read_yaml(project / "params.yaml")["folders"]
        mine = Artifacts(project / folders["results"], project / folders["data"])
        states, trusted = _against_lock(theirs, mine, project)
    for name, state in states.items():
        say(f"{state:<10} {name}")
    found = list(states.values())
    others = ", ".join(f"{found.count(state)} {state}" for state in dict.fromkeys(found) if state != "same")
    compared_with = "your own" if own else "dvc.lock"
    same = f"{found.count('same')} of {len(found)} artifacts in {folder} have the bytes of {compared_with}"
    say(f"{same}{f'; {others}' if others else ''}.")
    _explain(states, theirs, mine, trusted, say)
    return set(found) == {"same"}


def _artifacts_in(folder: Path) -> Artifacts:
    """Find the results in a folder, and the data beside them.

    Raises:
        UserError: if there are none.
    """
    if (folder / "results").is_dir():
        data = folder / "data"
        return Artifacts(folder / "results", data if data.is_dir() else None)
    if any((folder / name).exists() for name in ("params.yaml", "verdict.md", "cases")):
        return Artifacts(folder, None)
    what = "it has no folder results, and is not one" if folder.is_dir() else "there is no such folder"
    raise UserError(f"{folder}: {what}; give the folder with the results and the data of another machine")


def _against_own(theirs: Artifacts, mine: Artifacts) -> dict[str, str]:
    """Return the state of every file by its name: same, DIFFERENT, MISSING there, or EXTRA there."""
    if theirs.data is None or mine.data is None:
        theirs, mine = theirs._replace(data=None), mine._replace(data=None)
    there, here = theirs.files(), mine.files()
    states = {}
    for name in sorted({*there, *here}):
        if name not in there or name not in here:
            states[name] = "EXTRA" if name in there else "MISSING"
        else:
            states[name] = "same" if there[name].read_bytes() == here[name].read_bytes() else "DIFFERENT"
    return states


def _against_lock(theirs: Artifacts, mine: Artifacts, project: Path) -> tuple[dict[str, str], set[str]]:
    """Return the state there of every artifact of dvc.lock by its name, and the names of those that match it here."""
    from dvc.scm import SCMError
    from dvc_data.hashfile.build import build

    from carryover.engines.dvc_project import known_outputs, open_repo, silence

    silence()
    states, trusted = {}, set()
    try:
        with open_repo(project) as repo:
            for out in known_outputs(repo):
                name = mine.name(project / out.def_path)
                if out.exists and not out.changed_checksum():
                    trusted.add(name)
                if (path := theirs.path(name)) is None:
                    continue
                if not path.exists():
                    states[name] = "MISSING"
                else:
                    _, _, found = build(out.cache, str(path.resolve()), out.fs, out.hash_name, dry_run=True)
                    states[name] = "same" if found.hash_info == out.hash_info else "DIFFERENT"
    except SCMError:
        raise UserError(
            f"{project.resolve()}: not a git repository, which DVC needs; compare with your own results: --own"
        ) from None
    return states, trusted


def _explain(
    states: Mapping[str, str], theirs: Artifacts, mine: Artifacts, trusted: set[str], say: Callable[[str], object]
) -> None:
    """Say why artifacts differ: which parameters do, which artifact is the first, and where the cases part.

    Args:
        states: the state of each artifact by its name, in the order of the steps.
        theirs: the artifacts of the other machine.
        mine: those in this folder.
        trusted: the names of those artifacts in this folder that the other ones were compared with.
        say: the function to call with each line.
    """
    from carryover.comparison.explanation import explain, in_brief
    from carryover.params.overrides import overrides
    from carryover.training.case_results import CASE_FILES, check_case_folder, read_case

    different = [name for name, state in states.items() if state == "DIFFERENT"]
    params = "results/params.yaml"
    if params in different and params in trusted:
        ours, others = (read_yaml(folder.results / "params.yaml") | {"folders": None} for folder in (mine, theirs))
        if changes := list(overrides(ours, others)):
            say(f"The other machine had other parameters: {', '.join(changes)}.")
    cases = dict.fromkeys(Path(name).parent.name for name in different if name.startswith("results/cases/"))
    for case in cases:
        if not trusted.issuperset(f"results/cases/{case}/{file}" for file in CASE_FILES):
            say(f"{case}: to see where it parts, get the results to compare it with: `carryover pull`")
            continue
        try:
            check_case_folder(theirs.results / "cases" / case)
            found = explain(*(read_case(folder.results / "cases" / case) for folder in (mine, theirs)))
            say(f"{case}: {in_brief(found) if found.parting else 'the files differ, but not their numbers'}")
        except UserError as error:
            say(f"{case}: cannot be explained: {error}")
    if cases:
        say(f"For every tensor: carryover explain {mine.results / 'cases/CASE'} {theirs.results / 'cases/CASE'}")
