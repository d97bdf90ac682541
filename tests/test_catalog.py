"""What others look for in a repository such as this: the Snakemake workflow catalog, and VS Code."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from helpers.engines import STEPS
from helpers.project import ROOT, Project


def rules(project: Project, *arguments: str) -> set[str]:
    done = project.run("snakemake", "--list-rules", *arguments)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^(\w+) \(", done.stdout, flags=re.MULTILINE))


def test_the_catalog_finds_the_same_workflow_where_it_looks(project: Project) -> None:
    """It takes workflow/Snakefile wherever there is a folder of that name, and passes over a repository without it."""

    def planned(*arguments: str) -> list[str]:
        done = project.run("snakemake", "--dry-run", "--forceall", "--printshellcmds", "--nocolor", *arguments)
        assert done.returncode == 0, done.stderr
        jobs = (done.stdout + done.stderr).split("\n[")[1:-1]
        return sorted(re.sub(r"jobid: \d+|^.*?\]|reason: .*", "", job) for job in jobs)

    assert rules(project) == {"all", *STEPS}
    own = planned()
    assert len(own) > len(STEPS)
    assert planned("--snakefile", "workflow/Snakefile") == own


def test_conda_has_nothing_to_install_outside_of_a_clone(tmp_path: Path) -> None:
    """There the steps run in the environment of Snakemake, with the package that is installed there."""
    script = ROOT / "workflow/envs/carryover.post-deploy.sh"
    done = subprocess.run(["bash", script], cwd=tmp_path, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "the steps run in the environment of Snakemake" in done.stdout


def test_the_configuration_that_is_deployed_is_that_of_dvc() -> None:
    link = ROOT / "config/config.yaml"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "params.yaml"


def test_the_catalog_counts_it_among_those_of_standardized_usage() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["report"] is True
    assert any(usage["software-stack-deployment"].values())
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme


def test_its_configuration_instructions_name_every_section_of_the_parameters() -> None:
    text = (ROOT / "config/README.md").read_text()
    named = {
        name for row in re.findall(r"^\| (`.*`) \|", text, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert named == set(yaml.safe_load((ROOT / "params.yaml").read_text()))
    for path in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "config" / path).exists()


@pytest.mark.parametrize("name", ["extensions.json", "settings.json"])
def test_the_settings_of_vs_code_can_be_read(name: str) -> None:
    text = (ROOT / ".vscode" / name).read_text()
    assert json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def test_what_is_made_for_looking_at_is_not_for_git() -> None:
    made = ["report.html", "dvc_plots/index.html", ".dvc/plots/page.html", ".dvc/config.local"]
    ignored = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.split() == made
    for name in Path(ROOT / ".dvc/plots").glob("*.json"):
        assert json.loads(name.read_text())["data"] == {"values": "<DVC_METRIC_DATA>"}
