"""Time jobs of replicates and ordinary jobs, for several numbers of seeds, trainings and sizes of shards.

benchmarks/run.py runs this as `python benchmarks/replicates.py FOLDER`, where FOLDER is a clone in which the pipeline
has run; it prints JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from carryover.job.yaml_file import read_yaml, write_yaml
from carryover.params.options import flags

JOBS = [(1, 6, 1), (16, 6, 16), (128, 6, 32), (128, 6, 64), (128, 6, 128), (128, 1, 128)]
"""How many seeds each job has, how many trainings, and how many seeds per shard."""


def measure(folder: Path, *command: str) -> dict[str, float]:
    """Run a job; return its wall and processor time in seconds, and the peak memory of any of its processes in MB."""
    before = os.times()
    start = time.perf_counter()
    job = subprocess.Popen(["hermetic", "python", *command], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(job.pid, 0)
    assert status == 0, command
    after = os.times()
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": after.children_user + after.children_system - before.children_user - before.children_system,
        "memory_mb": usage.ru_maxrss / 1024,
    }


def train_replicates(folder: Path, count: int, trainings: int, shard_size: int) -> dict[str, float]:
    params = read_yaml(folder / "params.yaml")
    dataset = {key: params["dataset"][key] for key in ("source", "step", "noise")}
    replicates = {"count": count, "first_seed": 1, "shard_size": shard_size}
    sections = [dataset, params["model"], params["optimizer"], params["training"], replicates]
    options = [word for section in sections for word in flags(section).split()]
    with tempfile.TemporaryDirectory() as output:
        names = Path(output) / "trainings.yaml"
        write_yaml(names, read_yaml(folder / "results/trainings.yaml")[:trainings])
        parts = {"data": "", "held_out": "_held_out", "scales": "_scales"}
        inputs = [word for option, part in parts.items() for word in (f"--{option}", f"data/noisy_sine{part}.csv")]
        command = ["workflow/scripts/train_replicates.py", "--output", output, "--trainings", str(names)]
        return measure(folder, *command, *inputs, *options)


def train_alone(folder: Path) -> dict[str, float]:
    params = read_yaml(folder / "params.yaml")
    sections = [params["model"], params["optimizer"], params["training"], params["cases"]["single_fit"]]
    options = [word for section in sections for word in flags(section).split()]
    with tempfile.TemporaryDirectory() as output:
        files = [word for name in ("history", "predictions", "final") for word in (f"--{name}", f"{output}/{name}")]
        inputs = ["--data", "data/noisy_sine.csv", "--scales", "data/noisy_sine_scales.csv"]
        inputs += ["--weights", "data/initial_weights.npz"]
        return measure(folder, "workflow/scripts/train.py", "--case", "x", *inputs, *files, *options)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    jobs, alone = [], [train_alone(folder)]
    for count, trainings, shard_size in JOBS:
        measured = train_replicates(folder, count, trainings, shard_size)
        jobs.append({"seeds": count, "trainings": trainings, "shard_size": shard_size} | measured)
        alone.append(train_alone(folder))
    print(json.dumps({"jobs": jobs, "alone": alone}))


if __name__ == "__main__":
    main()
