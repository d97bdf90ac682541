"""Time replicates trained at once and ordinary jobs, for several numbers of replicates and sizes of shards.

benchmarks/run.py runs this as `python benchmarks/replicates.py FOLDER`, where FOLDER is a clone in which the pipeline
has run; it prints JSON. If you add a count and behaviours, it trains only these, once, in shards of the default size:

    python benchmarks/replicates.py . 10000 never every_epoch
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from carryover.job.yaml_file import read_yaml
from carryover.params.options import flags

COUNTS = [1, 16, 128, 1024]
SHARD_SIZES = [8, 16, 32, 64, 128]
COUNT_BY_SHARD_SIZE = 256


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


def train_replicates(folder: Path, count: int, behaviours: list[str], shard_size: int) -> dict[str, float]:
    params = read_yaml(folder / "params.yaml")
    dataset = {key: params["dataset"][key] for key in ("source", "samples", "step", "noise")}
    replicates = {"count": count, "behaviours": behaviours, "first_seed": 1, "shard_size": shard_size}
    sections = [dataset, params["model"], params["optimizer"], params["training"], replicates]
    options = [word for section in sections for word in flags(section).split()]
    with tempfile.TemporaryDirectory() as output:
        paths = ["--output", output, "--data", "data/noisy_sine.csv"]
        return measure(folder, "workflow/scripts/train_replicates.py", *paths, *options)


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
    if len(sys.argv) > 2:
        behaviours = sys.argv[3:]
        shard_size = read_yaml(folder / "params.yaml")["replicates"]["shard_size"]
        print(json.dumps(train_replicates(folder, int(sys.argv[2]), behaviours, shard_size)))
        return
    results: dict[str, Any] = {"count": {}, "shard_size": {}, "alone": [train_alone(folder)]}
    results["count_by_shard_size"] = COUNT_BY_SHARD_SIZE
    for count in COUNTS:
        results["count"][count] = train_replicates(folder, count, ["never"], 128)
        results["alone"].append(train_alone(folder))
    for size in SHARD_SIZES:
        results["shard_size"][size] = train_replicates(folder, COUNT_BY_SHARD_SIZE, ["never"], size)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
