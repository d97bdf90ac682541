"""The pipeline as each engine sees it: its steps, and the jobs with their commands, inputs and outputs."""

import json
import re
import shlex
from typing import Any

import yaml

from helpers.project import ROOT, Project

STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: stage.get("do", stage) for name, stage in STAGES.items()}
"""The stages of dvc.yaml as they are written there; of a stage for each case, the pattern."""

STEPS = list(STAGES)
"""The names of the steps, in their order."""

Graph = dict[str, dict[str, Any]]
"""Jobs by their outputs, in alphabetical order and separated by spaces: the `step`, the `command` and the `inputs`."""


def dvc_graph(project: Project) -> Graph:
    """Return each stage by its outputs."""
    from dvc.repo import Repo

    with Repo(str(project.folder)) as repo:
        return by_output(
            (
                stage.cmd,
                {
                    "step": stage.name.split("@")[0],
                    "outputs": [out.def_path for out in stage.outs],
                    "inputs": sorted(dep.def_path for dep in stage.deps if not hasattr(dep, "params")),
                },
            )
            for stage in repo.index.stages
        )


def snakemake_graph(project: Project) -> Graph:
    """Return each job by its outputs; those that train shards of replicates as the one stage that DVC has for them."""
    printed = project.run("snakemake", "--dry-run", "--forceall", "--printshellcmds", "--nocolor")
    assert printed.returncode == 0, printed.stderr
    jobs: list[tuple[str, dict[str, Any]]] = []
    for block in (printed.stdout + printed.stderr).split("\nrule ")[1:]:
        fields = dict(re.findall(r"^    (input|output): (.*)$", block, flags=re.MULTILINE))
        command = re.search(r"^(?:Shell command: )?(hermetic .*) > logs/", block, flags=re.MULTILINE)
        if command:
            inputs = fields["input"].split(", ")
            if (words := as_dvc_gives_the_trainings(command[1])) != command[1]:
                inputs.append("results/trainings.yaml")
            command = as_dvc_gives_the_parameters(words, project)
            job = {"outputs": fields["output"].split(", "), "inputs": sorted(inputs)}
            jobs.append((command, {"step": block.split(":")[0]} | job))
    return by_output(with_shards_as_one(jobs))


def as_dvc_gives_the_parameters(command: str, project: Project) -> str:
    """Snakemake gives check_params the text of the parameters that it has read, and DVC the file with them."""
    words = shlex.split(command)
    if "--params" in words and (text := words[words.index("--params") + 1]).startswith("{"):
        assert json.loads(text) == project.params()
        return command.replace(shlex.quote(text), "params.yaml")
    return command


def as_dvc_gives_the_trainings(command: str) -> str:
    """Snakemake gives train_replicates the trainings, and DVC the file of check_params with them."""
    return re.sub(r" --trainings .+? --data ", " --trainings results/trainings.yaml --data ", command)


def with_shards_as_one(jobs: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    shards = [(command, job) for command, job in jobs if job["step"] == "train_replicates"]
    seeds: set[int] = set()
    one: list[tuple[str, dict[str, Any]]] = []
    for command, job in shards:
        common, count, first, size = re.fullmatch(
            r"(.*) --count (\d+) --first_seed (\d+) --shard_size (\d+)", command
        ).groups()  # type: ignore[union-attr]
        folder = f"results/replicates/{first}-{int(first) + int(count) - 1}"
        assert job["outputs"] == [f"{folder}/losses.csv", f"{folder}/errors.csv"]
        seeds |= set(range(int(first), int(first) + int(count)))
        whole = f"{common} --count {len(seeds)} --first_seed {min(seeds)}"
        one = [(f"{whole} --shard_size {size}", job | {"outputs": ["results/replicates"]})]
    return [(command, job) for command, job in jobs if job["step"] != "train_replicates"] + one


def by_output(jobs: Any) -> Graph:
    return {
        " ".join(sorted(job["outputs"])): {
            "step": job["step"],
            "command": shlex.split(command),
            "inputs": job["inputs"],
        }
        for command, job in jobs
    }


def planned_steps(printed: str) -> set[str]:
    """Return the steps of the jobs that a dry run of Snakemake has planned."""
    if "Nothing to be done" in printed:
        return set()
    table = printed.split("\nJob stats:\n")[1].split("\n\n")[0]
    return set(re.findall(r"^(\w+) +\d+$", table, flags=re.MULTILINE)) - {"all", "total"}
