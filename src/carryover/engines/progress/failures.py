"""Why a job has failed: what the scheduler says, and the end of what the job has said itself."""

import re
from collections.abc import Iterable
from pathlib import Path

from carryover.engines.progress.jobs import Job, end_of

LINES = 20
"""How many lines of a log are shown."""

MEMORY = "it used more memory than it had asked for (mem_mb)"
TIME = "it reached its time limit (runtime)"

REASONS = {
    "OUT_OF_MEMORY": MEMORY,
    "TIMEOUT": TIME,
    "DEADLINE": "it reached its deadline",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node did not start",
    "CANCELLED": "it was cancelled",
    "FAILED": "",  # if the step has failed by itself, its own log says why
}
"""Slurm's states of a job that has failed (https://slurm.schedmd.com/squeue.html), in words."""


SIGNS = {"exceeded (job )?memory limit|oom.kill": MEMORY, "DUE TO TIME LIMIT": TIME}
"""What Slurm writes into a job's log when it kills the job. Without control groups its state is then only FAILED."""


def reason(message: str | None, logs: Iterable[Path] = ()) -> str:
    """Say in a few words why a job has failed; empty if the scheduler knows no more than that it has.

    Args:
        message: what the executor says of the job.
        logs: the logs of the scheduler.

    >>> reason("SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.")
    'it reached its time limit (runtime)'
    >>> reason("SLURM sbatch failed. The error message was 'sbatch: error: invalid account'.\\n    sbatch call: ...")
    'sbatch: error: invalid account'
    """
    text = (message or "").split("For further error details see")[0].strip()
    if state := re.search(r"status is: '(\w+)", text):
        signs = (words for sign, words in SIGNS.items() for log in logs if re.search(sign, end_of(log), re.IGNORECASE))
        return REASONS.get(state[1], state[1]) or next(signs, "")
    if refusal := re.search(r"error message was '(.*?)'\.?\n", text, re.DOTALL):
        text = refusal[1]
    return next(iter(text.splitlines()), "")


def last_words(job: Job, logs: Iterable[Path]) -> Iterable[str]:
    """Return the last lines of a failed job: of its own log, or if it has written none, of its scheduler's.

    Args:
        job: the job. What an earlier attempt or an earlier run has left in its log is not shown.
        logs: the logs of the scheduler, which are of this attempt only.
    """
    own = job.end_of_log() if job.log_is_new() else ""
    words = own.strip() or "\n".join(end_of(log) for log in logs)
    return words.strip().splitlines()[-LINES:]
