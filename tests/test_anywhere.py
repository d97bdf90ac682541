"""The workflow in any folder, with the package installed by pip: by itself, as a module, deployed by snakedeploy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.engines import planned_steps
from helpers.installed import Installed
from helpers.once import Once
from helpers.project import CALLER, ROOT, Project

pytestmark = pytest.mark.slow

AS_MODULE = """
configfile: "config.yaml"

rule mine:
    output: "mine.txt"
    shell: "touch {{output}}"

module runs:
    snakefile: "{snakefile}"
    config: config["runs"]

use rule * from runs as runs_*
"""


@pytest.fixture(scope="session")
def installed(once: Once, stood_in: Project) -> Installed:
    """The package with the stand-ins for slow steps, and with the parameters of a tiny run for its own."""
    return Installed(once("installed", lambda folder: Installed.install(stood_in.folder, folder)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, somewhere."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def snakefile(installed: Installed, folder: Path) -> str:
    return installed(folder, "carryover", "snakefile").strip()


def with_config(folder: Path, project: Project, **changes: Any) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump({"runs": project.params() | changes}, sort_keys=False))


def test_in_an_empty_folder_it_makes_the_results_of_its_own_parameters(
    installed: Installed, stood_in: Project, folder: Path
) -> None:
    run = ["snakemake", "--snakefile", snakefile(installed, folder), "--cores", "2"]
    printed = installed(folder.parent, *run, "--directory", folder.name)
    assert "note: there is no params.yaml in this folder; these are Carryover's own parameters" in printed
    assert "the cases of this run, from one seed" in printed  # the verdict
    assert Project(folder).artifacts() == stood_in.artifacts()
    assert {path.name for path in folder.iterdir()} == {".snakemake", "data", "results", "logs"}
    assert "Nothing to be done" in installed(folder, *run, "--dry-run")
    installed(folder, *run, "--report", "report.html")
    report = (folder / "report.html").read_text()
    assert "stores every version of every artifact" in report
    assert ".pictures {" in report  # our style
    # A file of the user in the place of the package's is another one, also if it is older.
    own = "data/series/noisy_sine.csv"
    (folder / own).parent.mkdir(parents=True)
    shutil.copyfile(ROOT / own, folder / own)
    os.utime(folder / own, (0, 0))
    assert "make_dataset" in planned_steps(installed(folder, *run, "--dry-run", "--nocolor"))
    shutil.rmtree(folder / "data/series")
    # What something has replaced is made again, as in a clone.
    verdict = folder / "results/verdict.md"
    verdict.write_text("mine")
    assert planned_steps(installed(folder, *run, "--dry-run", "--nocolor")) == {"compare"}


def test_files_of_the_folder_come_before_those_of_the_package(
    installed: Installed, stood_in: Project, folder: Path
) -> None:
    params = stood_in.params()
    params["dataset"] |= {"source": "mine", "samples": "all", "held_out": 8}
    params["model"] |= {"build": "models/mine.py", "initial_weights": "random"}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    plan = ["snakemake", "--snakefile", snakefile(installed, folder), "--dry-run", "--nocolor", "--printshellcmds"]

    def refused() -> str:
        done = installed.run(folder, *plan)
        assert done.returncode == 1
        return done.stderr.splitlines()[-1]

    assert refused().startswith("error: params.yaml: dataset.source: there is no file data/series/mine.csv")
    (folder / "data/series").mkdir(parents=True)
    (folder / "data/series/mine.csv").write_text("x,y\n" + "1,2\n" * 64)
    assert refused().startswith("error: params.yaml: model.build: there is no file models/mine.py")
    (folder / "models").mkdir()
    (folder / "models/mine.py").write_text("def build(batch_shape, stateful): ...\n")
    printed = installed(folder, *plan)
    assert "input: data/series/mine.csv, carryover/workflow/scripts/make_dataset.py (cached)" in printed
    assert "note:" not in printed
    # A file of the same name in the user's own workflow is not a step of this one.
    (folder / "workflow/scripts").mkdir(parents=True)
    (folder / "workflow/scripts/make_dataset.py").write_text("raise SystemExit('mine')\n")
    installed(folder, *plan[:3], "--cores", "1", "--until", "make_dataset")


def test_as_a_module_it_has_the_parameters_that_it_is_given_and_other_names(
    installed: Installed, stood_in: Project, folder: Path
) -> None:
    (folder / "Snakefile").write_text(AS_MODULE.format(snakefile=snakefile(installed, folder)))
    with_config(folder, stood_in)
    installed(folder, "snakemake", "--cores", "2", "runs_all")
    assert Project(folder).artifacts() == stood_in.artifacts()
    assert not (folder / "mine.txt").exists()
    assert "Nothing to be done" in installed(folder, "snakemake", "--dry-run", "runs_all")
    params = stood_in.params()
    params["claims"]["different"] = []
    with_config(folder, stood_in, claims=params["claims"])
    planned = planned_steps(installed(folder, "snakemake", "--dry-run", "--nocolor", "runs_all"))
    assert planned == {"runs_check_params", "runs_score", "runs_compare", "runs_render_figures", "runs_all"}
    assert planned_steps(installed(folder, "snakemake", "--dry-run", "--nocolor")) == {"mine"}


def test_a_rule_of_a_module_can_be_changed_and_a_module_without_config_has_the_parameters_of_the_folder(
    installed: Installed, stood_in: Project, folder: Path
) -> None:
    text = AS_MODULE.format(snakefile=snakefile(installed, folder)).replace('    config: config["runs"]\n', "")
    changed = "\nuse rule train from runs as runs_train with:\n    threads: 2\n"
    (folder / "Snakefile").write_text(text.replace('configfile: "config.yaml"\n', "") + changed)
    params = stood_in.params()
    params["training"]["epochs"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    printed = installed(folder, "snakemake", "--cores", "2", "runs_all")
    assert "localrules directive" not in printed
    assert (folder / "results/cases/single_fit/history.csv").read_text().count("\n") == 3
    (folder / "results/verdict.md").write_text("mine")
    rest = ["--rerun-incomplete", "--dry-run", "--nocolor", "runs_all"]
    assert planned_steps(installed(folder, "snakemake", *rest)) == {"runs_compare", "runs_all"}


def test_two_modules_have_folders_of_their_own(installed: Installed, stood_in: Project, folder: Path) -> None:
    other = AS_MODULE.format(snakefile=snakefile(installed, folder)).split("\nmodule")[1].replace("runs", "others")
    text = AS_MODULE.format(snakefile=snakefile(installed, folder)) + "\nmodule" + other
    (folder / "Snakefile").write_text(text)
    params = stood_in.params()
    both = {"runs": params, "others": params | {"training": params["training"] | {"epochs": 2}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(both))
    done = installed.run(folder, "snakemake", "--cores", "2", "runs_all", "others_all")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: two modules write into data; give each of them `folders` of its own"
    both["others"]["folders"] = {"data": "others/data", "results": "others/results"}
    (folder / "config.yaml").write_text(yaml.safe_dump(both))
    installed(folder, "snakemake", "--cores", "2", "runs_all", "others_all")
    lengths = [len((folder / f"{place}results/losses.csv").read_text().splitlines()) for place in ("", "others/")]
    assert lengths[0] > lengths[1]


@pytest.mark.parametrize(
    ("of_module", "changes", "message"),
    [
        ("", {"carry": 1}, "the config of the module: carry: unknown key"),
        ("", {"cases": {"single_fit": None}}, "the config of the module: cases.single_fit: "),
        ('prefix: "mine"', {}, "mine/data/noisy_sine.csv: outside of data and results; leave `prefix`"),
        ('pathvars: results="mine"', {}, "mine/params.yaml: outside of data and results; leave `prefix`"),
    ],
)
def test_a_module_that_is_given_something_wrong_says_so_in_one_line(
    installed: Installed,
    stood_in: Project,
    folder: Path,
    of_module: str,
    changes: dict[str, Any],
    message: str,
) -> None:
    text = AS_MODULE.format(snakefile=snakefile(installed, folder))
    (folder / "Snakefile").write_text(text.replace("    config: c", f"    {of_module}\n    config: c"))
    with_config(folder, stood_in, **changes)
    done = installed.run(folder, "snakemake", "--dry-run")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")


def test_a_file_of_the_user_is_not_written_over(installed: Installed, stood_in: Project, folder: Path) -> None:
    (folder / "results").mkdir()
    (folder / "results/metrics.json").write_text("old")
    mine = Project(folder)
    mine("git", "init", "--quiet")
    mine.commit("mine")  # git tracks it, and does not have what is in it now
    (folder / "results/metrics.json").write_text("mine")
    done = installed.run(folder, "snakemake", "--snakefile", snakefile(installed, folder), "--cores", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: results/metrics.json: in the way: this run would write over")
    assert (folder / "results/metrics.json").read_text() == "mine"


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="snakedeploy has no version for this Python")
def test_the_command_of_the_catalog_deploys_a_workflow_that_runs(
    installed: Installed, stood_in: Project, tmp_path: Path
) -> None:
    """Of a repository that git finds in a folder instead of on GitHub."""
    stood_in("git", "clone", "--quiet", "--bare", ".", str(tmp_path / "hub/team/carryover.git"))
    git = Project(tmp_path / "hub/team/carryover.git")
    git("git", "tag", "v1")
    own = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/hub/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    deploy = [Path(sys.executable).with_name("snakedeploy"), "deploy-workflow", "https://github.com/team/carryover"]
    subprocess.run([*deploy, "deployed", "--tag", "v1"], cwd=tmp_path, env=CALLER | own, check=True)
    folder = tmp_path / "deployed"
    assert yaml.safe_load((folder / "config/config.yaml").read_text()) == stood_in.params()
    installed(folder, "snakemake", "--cores", "2", **own)
    assert Project(folder).artifacts() == stood_in.artifacts()
    # Of a later commit of the Snakefile, the installed package knows nothing.
    work = stood_in.copy(tmp_path / "work")
    with (work.folder / "Snakefile").open("a") as file:
        file.write("\n# later\n")
    work.commit("later")
    work("git", "tag", "v2")
    work("git", "push", "--quiet", str(git.folder), "v2")
    text = (folder / "workflow/Snakefile").read_text()
    (folder / "workflow/Snakefile").write_text(text.replace('tag="v1"', 'tag="v2"'))
    shutil.rmtree(tmp_path / "cache")
    done = installed.run(folder, "snakemake", "--dry-run", **own)
    assert done.returncode == 1
    assert "the Snakefile and the installed package carryover are of different versions" in done.stderr


def test_without_the_package_the_workflow_says_what_to_install(tmp_path: Path, folder: Path) -> None:
    Installed.install(None, tmp_path / "bare")
    (folder / "Snakefile").write_text((ROOT / "Snakefile").read_text())
    command = [Installed(tmp_path / "bare").python, "-m", "snakemake", "--dry-run"]
    done = subprocess.run(command, cwd=folder, env=CALLER, capture_output=True, text=True)
    assert done.returncode == 1
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: No module named 'carryover")
    assert error.endswith("; in a clone of Carryover, run: pip install '.[pipeline]'")


def test_the_command_begins_with_a_file_and_refuses_what_needs_a_clone(installed: Installed, folder: Path) -> None:
    shutil.copy(ROOT / "data/series/seattle_weather.csv", folder / "rain.csv")
    printed = installed(folder, "carryover", "new", "rain.csv")
    (command,) = (line.strip() for line in printed.splitlines() if "snakemake" in line)
    assert command == 'snakemake --snakefile "$(carryover snakefile)" --cores 4 --configfile rain.yaml'
    planned = installed(
        folder,
        "snakemake", "--snakefile", snakefile(installed, folder), "--dry-run", "--nocolor", "--configfile", "rain.yaml",
    )  # fmt: skip
    assert "make_dataset" in planned_steps(planned)
    done = installed.run(folder, "carryover", "check")
    assert (done.returncode, done.stderr) == (2, f"error: {folder}: not a clone of the project; run this in one\n")
