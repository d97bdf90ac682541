"""Before a run on Slurm: would Slurm take its jobs, and does it still have some of a run that was killed?"""

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


def prepare_slurm(workflow: Any) -> None:
    """Check that Slurm would take the jobs of a run, and cancel those that it still has of a run that was killed.

    Args:
        workflow: Snakemake's workflow, before its first job.

    Raises:
        UserError: as check_slurm and cancel_left.
    """
    jobs = [job for job in workflow.dag.needrun_jobs() if not workflow.is_local(job.rule)]
    check_slurm(jobs, workflow.executor_settings)
    cancel_left({number for job in jobs for number in workflow.persistence.external_jobids(job)})


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


def cancel_left(numbers: Iterable[str]) -> None:
    """Cancel what Slurm still has of a run that was killed, and wait until it has ended.

    Otherwise it would write results that this run is to make.

    Args:
        numbers: Slurm's numbers of the jobs that were to make them.

    Raises:
        UserError: if they have not ended after a while.
    """
    if not (left := _active(numbers)):
        return
    print(f"note: cancelling {len(left)} jobs that a run which was killed has left in Slurm", file=sys.stderr)
    subprocess.run(["scancel", *left], capture_output=True, check=False)
    end = time.monotonic() + PATIENCE
    while left := _active(left):
        if time.monotonic() > end:
            raise UserError(
                f"Slurm still has jobs of a run that was killed: {' '.join(left)}; wait until they have ended"
            )
        time.sleep(1)


def _active(numbers: Iterable[str]) -> list[str]:
    """Return the numbers of those jobs of this folder that wait or run. Slurm uses its numbers again some day."""
    listed = subprocess.run(
        ["squeue", "--me", "--noheader", "--array", "--format=%i %Z"], capture_output=True, text=True, check=False
    )
    rows = (line.partition(" ") for line in listed.stdout.splitlines())
    here = {number for number, _, folder in rows if folder.strip() == str(Path.cwd())}
    return sorted(here.intersection(numbers))


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
