"""Measure how fast the pipeline is, compare it with a plain script, and write benchmarks/results.md and .json.

    make bench

Every ratio is between two medians from the same run, in which the two sides take turns, because a machine's speed
drifts.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from carryover.job.yaml_file import read_yaml

ROOT = Path(__file__).parents[1]
REPEATS = 3
WHOLE = (128, 6, 128)
"""The seeds, trainings and seeds per shard of the job of replicates that is compared with ordinary jobs."""

CARD = ["loop_with_reset", "loop_without_reset", "single_fit"]


def run(*command: str, folder: Path = ROOT) -> tuple[float, str]:
    """Run a command; return its wall time in seconds and its output."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def measure_training() -> dict[str, Any]:
    print("the training of one case, compared with plain calls of fit ...", flush=True)
    _, printed = run("hermetic", "python", "benchmarks/training.py", str(REPEATS + 2))
    measured = json.loads(printed.splitlines()[-1])
    assert measured["identical"], "the fast training and the plain one differ in their bits"
    return {name: {side: median(times) for side, times in sides.items()} for name, sides in measured["seconds"].items()}


def measure_pipeline(clone: Path) -> dict[str, float]:
    pipeline, plain = [], []
    for number in range(1, REPEATS + 1):
        print(
            f"the whole pipeline, compared with three cases as a plain script: {number} of {REPEATS} ...",
            flush=True,
        )
        subprocess.run(["git", "clean", "-dfxq"], cwd=clone, check=True)
        shutil.rmtree(clone / "results", ignore_errors=True)
        pipeline.append(run("snakemake", "--cores", "4", "--config", "replicates={count: 0}", folder=clone)[0])
        plain.append(sum(run("python", "benchmarks/plain.py", case, folder=clone)[0] for case in CARD))
    cases = len(read_yaml(clone / "params.yaml")["cases"])
    return {"pipeline": median(pipeline), "plain": median(plain), "cases": cases}


def measure_replicates(clone: Path) -> dict[str, Any]:
    print("replicates trained at once, compared with ordinary jobs ...", flush=True)
    _, printed = run("python", "benchmarks/replicates.py", str(clone))
    measured: dict[str, Any] = json.loads(printed.splitlines()[-1])
    runs: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(1, REPEATS + 1):
        print(f"the default run, compared with the same without replicates: {number} of {REPEATS} ...", flush=True)
        for name, options in {"with": [], "without": ["--config", "replicates={count: 0}"]}.items():
            seconds, _ = run("snakemake", "--cores", "4", "--forceall", *options, folder=clone)
            runs[name].append(seconds)
    default_run = {name: median(seconds) for name, seconds in runs.items()}
    return measured | {"default_run": default_run, "machine": machine()}


ONE_RULE = """rule one:
    output: "made.txt"
    params: words="made"
    shell: "echo {params.words} > {output}"
"""


def measure_idle(clone: Path) -> dict[str, float]:
    print("the engines with nothing to do ...", flush=True)
    one_rule = clone.parent / "one_rule"
    one_rule.mkdir()
    (one_rule / "Snakefile").write_text(ONE_RULE)
    commands = {
        "snakemake -n": (clone, ["snakemake", "-n"]),
        "snakemake -n of one rule": (one_rule, ["snakemake", "-n"]),
        "dvc status": (clone, ["dvc", "status"]),
    }
    for folder in (clone, one_rule):
        run("snakemake", "--cores", "4", folder=folder)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS + 2):
        for name, (folder, command) in commands.items():
            times[name].append(run(*command, folder=folder)[0])
    return {name: median(seconds) for name, seconds in times.items()}


def peak_memory(clone: Path) -> float:
    """Return the peak resident memory of any process of a training job, in MB."""
    print("the memory of a training job ...", flush=True)
    job = subprocess.Popen(["dvc", "repro", "--quiet", "--force", "--single-item", "train@single_fit"], cwd=clone)
    _, status, usage = os.wait4(job.pid, 0)
    assert status == 0, "the training job failed"
    return usage.ru_maxrss / 1024


def table(results: dict[str, Any]) -> str:
    """Each comparison with its two medians, their ratio and the goal for it."""
    lines = ["| what | medians | ratio | goal |", "| --- | --- | --- | --- |"]
    for name, goal in {"loop_without_reset": "at least 4.5", "single_fit": "at least 3.3"}.items():
        plain, fast = (results["training"][name][side] for side in ("plain", "fast"))
        lines.append(ratio(f"training of `{name}`: plain `fit` calls / the pipeline's", plain, fast, goal))
    whole = results["pipeline"]
    each_of_the_pipeline, each_of_the_script = whole["pipeline"] / whole["cases"], whole["plain"] / len(CARD)
    lines.append(
        ratio(
            "a case of the pipeline, its share of scores and figures included, without replicates / a case of the same "
            "experiment as a plain script",
            each_of_the_pipeline,
            each_of_the_script,
            "at most 0.34",
        )
    )
    replicates = results["replicates"]
    runs = replicates["default_run"]
    what = "the default run, with 128 replicates of six trainings / without replicates"
    lines.append(ratio(what, runs["with"], runs["without"], "at most 2.8"))
    alone = median(job["seconds"] for job in replicates["alone"])
    (whole_shard,) = (job for job in replicates["jobs"] if (job["seeds"], job["trainings"], job["shard_size"]) == WHOLE)
    each = whole_shard["seconds"] / whole_shard["seeds"] / whole_shard["trainings"]
    what = (
        "a seed in one training as an ordinary job / as a part of a job of 128 seeds in six trainings, scores included"
    )
    lines.append(ratio(what, alone, each, "at least 60"))
    idle = results["idle"]
    lines.append(
        ratio(
            "`snakemake -n` with nothing to do / the same of a workflow with a single rule",
            idle["snakemake -n"],
            idle["snakemake -n of one rule"],
            "at most 1.25",
        )
    )
    lines.append(f"| `dvc status` with nothing to do | {idle['dvc status']:.2f} s | | at most 1 s |")
    lines.append(f"| peak memory of a training job | {results['peak_memory_mb']:.0f} MB | | under 700 MB |")
    return "\n".join(lines)


def ratio(what: str, a: float, b: float, goal: str) -> str:
    """A row of the table, for two times in seconds."""
    return f"| {what} | {a:.2f} s / {b:.2f} s | {a / b:.2f} | {goal} |"


def replicate_table(replicates: dict[str, Any]) -> str:
    """Return the cost of a seed in one training, by the seeds, the trainings and the shards of a job."""
    lines = ["| seeds | trainings | shard size | seconds | per seed and training | its processor time | peak memory |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for job in replicates["jobs"]:
        each = job["seeds"] * job["trainings"]
        lines.append(
            f"| {job['seeds']} | {job['trainings']} | {job['shard_size']} | {job['seconds']:.1f} s "
            f"| {job['seconds'] / each:.3f} s | {job['cpu_seconds'] / each:.3f} s | {job['memory_mb']:.0f} MB |"
        )
    return "\n".join(lines)


def main() -> None:
    changes = run("git", "status", "--porcelain", "--", "src", "workflow", "Snakefile", "benchmarks/*.py")[1]
    if changes:
        # The clone runs the committed Snakefile, but imports the library from this folder.
        sys.exit(f"error: commit these changes first, so that only one state is measured:\n{changes}")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "carryover"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        results: dict[str, Any] = {
            "training": measure_training(),
            "pipeline": measure_pipeline(clone),
            "replicates": measure_replicates(clone),
            "idle": measure_idle(clone),
            "peak_memory_mb": peak_memory(clone),
        }
    results["machine"] = machine()
    (ROOT / "benchmarks/results.json").write_text(json.dumps(results, indent=2) + "\n")
    (ROOT / "benchmarks/results.md").write_text(page(results))
    print((ROOT / "benchmarks/results.md").read_text())


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    processors = (
        line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    )
    return {
        "processor": next(processors, platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }


def page(results: dict[str, Any]) -> str:
    """Return benchmarks/results.md."""
    whole, of_replicates = (
        f"{one['cores']} cores ({one['processor']})" for one in (results["machine"], results["replicates"]["machine"])
    )
    return (
        "# Benchmarks\n\n"
        f"The times are medians of at least {REPEATS} runs each, taken in turns by `make bench` on {whole}; those of "
        f"replicates on {of_replicates}.\n\n"
        f"{table(results)}\n\n"
        "## Replicates\n\n"
        "Each row is one job: it trains every seed for 70 epochs in each training, and scores it on 600 samples.\n\n"
        f"{replicate_table(results['replicates'])}\n\n"
        f"{(ROOT / 'benchmarks/limit.md').read_text()}"
    )


if __name__ == "__main__":
    main()
