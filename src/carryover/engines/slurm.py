"""Before a run on Slurm: whether Slurm would take its jobs, so that a wrong setting is reported at once, and once."""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from carryover.job.errors import UserError

PROFILE = "profiles/slurm/profile.yaml"

PATIENCE = 60
"""The seconds that Slurm may take to answer."""


def check_slurm(jobs: Iterable[Any], settings: Any) -> None:
    """Ask Slurm, for one job of each rule, whether it would take it. No job is submitted.

    Args:
        jobs: Snakemake's jobs that are to be submitted.
        settings: the settings of the executor.

    Raises:
        UserError: if there is no Slurm, if it does not answer, or if it would refuse a job.
    """
    if not shutil.which("sbatch"):
        raise UserError(
            "there is no Slurm on this machine, because there is no program sbatch; run this on a login node of the "
            "cluster, or without --profile profiles/slurm"
        )
    for rule, job in {job.rule.name: job for job in jobs}.items():
        try:
            answer = subprocess.run(
                ["sbatch", "--test-only", *_request(job.resources, settings), "--wrap", "true"],
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"Slurm has not answered for {PATIENCE} seconds; see whether `sinfo` answers") from None
        if answer.returncode:
            words = [line.removeprefix("sbatch: ").removeprefix("error: ") for line in answer.stderr.splitlines()]
            raise UserError(
                f"Slurm would refuse the jobs of the rule {rule}: {'; '.join(filter(None, words))}; change the "
                f"partition, the account or the resources in {PROFILE}, see docs/cluster.md"
            )


def cancel_left_jobs(records: Iterable[Path]) -> None:
    """Cancel the jobs that a killed run has left in Slurm: they would write over this run's results with old parameters.

    Args:
        records: files with the name that Slurm has for all jobs of a run; those of a run that used Slurm exist.

    Raises:
        UserError: if Slurm does not answer, or the jobs do not end.
    """
    names = {record.read_text(encoding="utf-8") for record in records if record.is_file()}
    if not names or not (left := _unfinished(names)):
        return
    print(f"note: cancelling {len(left)} jobs that an earlier run, which was killed, has left in Slurm", file=sys.stderr)
    subprocess.run(["scancel", *left], capture_output=True, check=False)
    end = time.monotonic() + 2 * PATIENCE
    while left := _unfinished(names):
        if time.monotonic() > end:
            raise UserError(f"Slurm has not yet ended the jobs of an earlier run: {', '.join(left)}; wait until it has")
        time.sleep(1)


def _unfinished(names: Iterable[str]) -> list[str]:
    """Return the numbers of those jobs that have a name and have not ended."""
    command = ["squeue", "--noheader", "--format=%A", "--name", ",".join(sorted(names))]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError):
        raise UserError(
            "an earlier run may have left jobs in Slurm, which does not answer; wait until `squeue` answers, then start "
            "the run again"
        ) from None
    return sorted(set(answer.stdout.split()))


def _request(resources: Any, settings: Any) -> list[str]:
    """Return what the executor would ask Slurm for, as options of sbatch."""
    options = {
        "--partition": resources.get("slurm_partition"),
        "--account": resources.get("slurm_account"),
        "--mem": resources.get("mem_mb"),
        "--time": resources.get("runtime"),
        "--constraint": resources.get("constraint"),
        "--qos": resources.get("qos") or settings.qos,
        "--reservation": settings.reservation,
    }
    given = [f"{option}={value}" for option, value in options.items() if value]
    return [*given, *shlex.split(str(resources.get("slurm_extra") or ""))]
