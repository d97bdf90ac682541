"""Before a run on Slurm: would Slurm take its jobs, and does it still have some of a run that was killed?"""

import math
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
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
        UserError: if there is no Slurm, if it does not answer, or if it would refuse a job or let it wait for ever.
    """
    # The executor would wait for ever.
    if settings.status_command == "sacct" and shutil.which("sacct") and _ask("sacct", "-X", "--noheader").returncode:
        raise UserError(
            f"sacct does not work here, perhaps for want of accounting; set slurm-status-command: squeue in {PROFILE}"
        )
    for rule, job in sorted({job.rule.name: job for job in jobs}.items()):
        _would_take(rule, job.resources, settings)
        last = job.rule.expand_resources(
            job.wildcards_dict, job.input, 1 + job.restart_times, skip_evaluation={"tmpdir"}
        )
        partition, limit = _time_limit(last.get("slurm_partition"))
        if last.get("runtime", 0) > limit:
            raise UserError(
                f"the rule {rule} asks for {last['runtime']} minutes at its last attempt, and partition {partition} "
                f"allows {limit:.0f}: the job would wait for ever; lower it by --set-resources {rule}:runtime=MINUTES"
            )
        if not (last.get("slurm_account") or shutil.which("sacct")):  # the executor would fail job by job
            raise UserError(f"set slurm_account in {PROFILE}: there is no program sacct to look up your account")


def _would_take(rule: str, resources: Any, settings: Any) -> None:
    answer = _ask("sbatch", "--test-only", *_request(resources, settings), "--wrap", "true")
    if not answer.returncode:
        return
    lines = [line.removeprefix("sbatch: ").removeprefix("error: ") for line in answer.stderr.splitlines()]
    words = "; ".join(dict.fromkeys(filter(None, lines)))
    if re.search("unable to contact|munge", words, re.IGNORECASE):
        raise UserError(f"Slurm does not answer: {words}; see whether `sinfo` works, and if not, ask your site")
    raise UserError(
        f"Slurm would refuse the jobs of the rule {rule}: {words}; change the partition, the account or the resources "
        f"in {PROFILE}, see docs/cluster.md"
    )


@cache  # the rules usually share one
def _time_limit(partition: str | None) -> tuple[str, float]:
    """Return the name of a partition, by default Slurm's own choice, and how many minutes a job may run there."""
    for line in _ask("sinfo", "--noheader", "--format=%P %l").stdout.splitlines():
        name, _, limit = line.partition(" ")
        if name.rstrip("*") == partition or (not partition and name.endswith("*")):
            return name.rstrip("*"), _minutes(limit.strip())
    return partition or "", math.inf


def _minutes(limit: str) -> float:
    """Convert a time as sinfo writes it: [days-][hours:]minutes:seconds, or infinite.

    >>> _minutes("1-02:00:00"), _minutes("30:00"), _minutes("infinite")
    (1560.0, 30.0, inf)
    """
    days, _, clock = limit.rpartition("-")
    try:
        seconds = sum(int(part) * 60**place for place, part in enumerate(reversed(clock.split(":"))))
        return float(int(days or 0) * 24 * 60 + seconds / 60)
    except ValueError:
        return math.inf


def _ask(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run one of Slurm's commands."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except FileNotFoundError:
        raise UserError(f"there is no program {command[0]}; run this on a login node of the Slurm cluster") from None
    except subprocess.TimeoutExpired:
        raise UserError(
            f"Slurm has not answered {command[0]} for {PATIENCE} seconds; see whether `sinfo` works"
        ) from None


def cancel_left(names: Iterable[str]) -> None:
    """Cancel what Slurm still has of runs that were killed, and wait until it has ended.

    Otherwise it would write over results of the next run, which may have other parameters, and nothing would show it.

    Args:
        names: the names that Slurm has for all jobs of each run.

    Raises:
        UserError: if Slurm does not answer, or if the jobs have not ended after a while.
    """
    if not (left := _unfinished(names)):
        return
    print(f"note: cancelling {len(left)} jobs that a run which was killed has left in Slurm", file=sys.stderr)
    _ask("scancel", *left)
    end = time.monotonic() + PATIENCE
    while left := _unfinished(names):
        if time.monotonic() > end:
            raise UserError(
                f"Slurm still has jobs of a run that was killed: {' '.join(left)}; wait until they have ended"
            )
        time.sleep(1)


def _unfinished(names: Iterable[str]) -> list[str]:
    """Return the numbers of those jobs with one of the names that have not ended."""
    answer = _ask("squeue", "--noheader", "--format=%A", "--name", ",".join(sorted(names)))
    if answer.returncode:
        raise UserError(
            f"Slurm may still have jobs of a run that was killed, and does not answer: {answer.stderr.strip()}; wait "
            "until `squeue` works here"
        )
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
