"""The command `carryover`: what you do with results outside the pipeline."""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carryover.job.command_line import ArgumentParser, errors_in_one_line
from carryover.job.errors import UserError


def explain(arguments: argparse.Namespace) -> int:
    """Print where two cases part; return 0 if they are identical, 1 if they part."""
    from carryover.comparison.explanation import as_json, as_text
    from carryover.comparison.explanation import explain as explain_cases
    from carryover.training.case_results import check_case_folder, read_case

    for folder in (arguments.a, arguments.b):
        check_case_folder(folder)
    explanation = explain_cases(read_case(arguments.a), read_case(arguments.b))
    print(json.dumps(as_json(explanation), indent=2) if arguments.json else as_text(explanation))
    return 0 if explanation.parting is None else 1


def overrides(arguments: argparse.Namespace) -> int:
    """Print the options of `dvc exp run` that change params.yaml to the values in a file."""
    from carryover.job.own_files import own_file
    from carryover.job.yaml_file import read_yaml
    from carryover.params.check import SCHEMA, check
    from carryover.params.options import merge
    from carryover.params.overrides import overrides as hydra_overrides

    params, changes = read_yaml(Path("params.yaml")), read_yaml(arguments.file)
    if not isinstance(changes, dict):
        raise UserError(f"{arguments.file}: expected sections of parameters, as in params.yaml")
    with errors_in_one_line(f"params.yaml or {arguments.file}: ", status=2):
        wanted = check(merge(params, changes), read_yaml(own_file(SCHEMA)), Path())
        options = [f"--set-param {shlex.quote(override)}" for override in hydra_overrides(params, wanted)]
    if not options:
        raise UserError(f"{arguments.file}: changes nothing in params.yaml; run `dvc exp run --temp` without it")
    print("\n".join(options))
    return 0


def new(arguments: argparse.Namespace) -> int:
    """Write a file of parameters for a CSV file."""
    from carryover.new.command import write_new

    print("\n".join(write_new(arguments.file, arguments.target, arguments.output)))
    return 0


def snakefile(_: argparse.Namespace) -> int:
    """Print where the Snakefile is."""
    from carryover.job.own_files import own_file

    print(own_file("Snakefile").resolve())
    return 0


def verdict(arguments: argparse.Namespace) -> int:
    """Print the verdict of a run."""
    from carryover.engines.terminal import show_verdict

    show_verdict(arguments.results)
    return 0


def offline_plots(_: argparse.Namespace) -> int:
    """Make the pages of `dvc plots` work offline."""
    from carryover.engines.plots_page import offline_plots as write_page

    write_page(Path())
    return 0


def pull(arguments: argparse.Namespace) -> int:
    """Fetch the results instead of making them."""
    from carryover.engines.remote import pull as pull_results

    pull_results(Path(), arguments.remote)
    return 0


def changes(arguments: argparse.Namespace) -> int:
    """Print what changes in the results from one commit to another, as Markdown."""
    from carryover.engines.changes import changes as changes_of

    print(changes_of(Path(), arguments.base, arguments.head, arguments.images), end="")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Make the artifacts of the commit again, or compare another machine's; return 0 if all bytes match, 1 if not."""
    if arguments.against:
        from carryover.engines.another_machine import check_another_machine

        return 0 if check_another_machine(Path(), arguments.against, arguments.own) else 1
    from carryover.engines.this_machine import check_this_machine

    if arguments.own:
        raise UserError("--own is for --against, which names the results of another machine")
    return 0 if check_this_machine(Path()) else 1


@contextmanager
def missing_packages_named(command: str) -> Iterator[None]:
    """Say what to install if a package of the pipeline is missing, because the library alone does not need it.

    Raises:
        UserError: if one is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("carryover"):
            raise
        raise UserError(
            f"`carryover {command}` needs the package {error.name}; install what the pipeline needs, in a clone of the "
            "project: pip install -e '.[pipeline]'"
        ) from error


def main() -> None:
    """Run one of the commands; an error is reported in one line, with exit status 2."""
    parser = ArgumentParser(
        "Begin with a file of your own, show a verdict, say where two cases part, fetch the results, say what a commit "
        "changes in them, and check that this machine computes the committed bytes.",
        prog="carryover",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=ArgumentParser)

    command = commands.add_parser(
        "explain",
        help="say where two cases part",
        description="Say where two cases part. They may come from one run, from two commits or from two machines. "
        "The exit status is 0 if they are identical, 1 if they differ, 2 if they cannot be compared.",
    )
    command.add_argument("a", type=Path, metavar="FOLDER", help="one case, such as results/cases/single_fit")
    command.add_argument("b", type=Path, metavar="FOLDER", help="the other case")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=explain)

    command = commands.add_parser(
        "new",
        help="write a file of parameters for a CSV file",
        description="Look at a CSV file, and write a file of parameters for `snakemake --configfile`, with a comment "
        "on each choice. The CSV file is copied to data/series/ unless it is there.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the CSV file")
    command.add_argument("--target", metavar="COLUMN", help="the column to forecast [the last one with numbers]")
    command.add_argument("--output", type=Path, metavar="YAML", help="the file to write [named after FILE]")
    command.set_defaults(command=new)

    command = commands.add_parser(
        "snakefile",
        help="print where the Snakefile is, to run it in another folder",
        description="Print where the Snakefile of this package is. In any folder, this runs the workflow: "
        'snakemake --snakefile "$(carryover snakefile)" --cores 4.',
    )
    command.set_defaults(command=snakefile)

    command = commands.add_parser(
        "verdict",
        help="show the verdict of a run",
        description="Show the verdict of a run on the terminal, and where to find the report and the figures.",
    )
    command.add_argument(
        "results", type=Path, metavar="FOLDER", nargs="?", default="results", help="the results [results]"
    )
    command.set_defaults(command=verdict)

    command = commands.add_parser(
        "offline-plots",
        help="make the pages of `dvc plots` work offline",
        description="Write a page template that contains Vega's scripts, which come with Snakemake, and let DVC use it "
        "(plots.html_template in .dvc/config.local). `make` does this when it sets up.",
    )
    command.set_defaults(command=offline_plots)

    command = commands.add_parser(
        "overrides",
        help="turn a file of parameters into options of `dvc exp run`",
        description="Print the values of a file as options of `dvc exp run`, which cannot take the file itself as "
        "`snakemake --configfile` does: carryover overrides examples/interleaved.yaml | xargs -r dvc exp run --temp. "
        "With -r, xargs runs nothing after an error.",
    )
    command.add_argument("file", type=Path, metavar="YAML", help="the values that differ from params.yaml")
    command.set_defaults(command=overrides)

    command = commands.add_parser(
        "pull",
        help="fetch the results instead of making them",
        description="Fetch the results of dvc.lock from a remote of DVC, so that neither Snakemake nor DVC has "
        "anything to do. Results that dvc.lock does not have are not written over.",
    )
    command.add_argument("--remote", metavar="NAME", help="the remote [the default one of DVC]")
    command.set_defaults(command=pull)

    command = commands.add_parser(
        "changes",
        help="describe what changes in the results from one commit to another",
        description="Describe what changes from one commit to another in the parameters, the verdict, the metrics and "
        "the figures, as Markdown: a comment for a pull request. All of it is read from git.",
    )
    command.add_argument("base", metavar="BASE", help="the commit to compare with, such as HEAD~1")
    command.add_argument("head", metavar="HEAD", nargs="?", default="HEAD", help="the commit to describe [HEAD]")
    command.add_argument(
        "--images",
        metavar="URL",
        help="show the figures side by side; {commit} and {path} in the URL stand for those of a figure, as in "
        "https://github.com/OWNER/REPO/blob/{commit}/{path}?raw=true",
    )
    command.set_defaults(command=changes)

    command = commands.add_parser(
        "check",
        help="make every artifact again and compare it with the commit",
        description="Run the pipeline of the last commit from scratch in a temporary copy, and compare every artifact "
        "with dvc.lock. Or compare the artifacts that another machine has made, and say where its cases part. The exit "
        "status is 0 if all are the same, 1 if one differs, 2 if the pipeline could not run.",
    )
    command.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="compare what another machine has made: a folder with results and data, or one of results alone",
    )
    command.add_argument(
        "--own",
        type=Path,
        metavar="FOLDER",
        nargs="?",
        const=Path(),
        help="with --against, compare with your own results instead of dvc.lock [those in this folder]",
    )
    command.set_defaults(command=check)

    arguments = parser.parse_args()
    with errors_in_one_line(status=2), missing_packages_named(arguments.command.__name__.replace("_", "-")):
        status: int = arguments.command(arguments)
    sys.exit(status)


if __name__ == "__main__":
    main()
