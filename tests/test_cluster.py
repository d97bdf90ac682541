"""Jobs that a scheduler starts as processes of their own. The plugin needs only a command that starts one."""

import pytest
from helpers.project import Project

SUBMIT = """#!/bin/sh
sed -i 's/learning_rate: .*/learning_rate: 0.5/; s/epochs: .*/epochs: 2/' params.yaml
"$1" >"$1.out" 2>&1 </dev/null &
echo $!
"""
"""The command that starts a job; before that, somebody edits the parameters."""


@pytest.mark.slow
def test_parameters_that_are_edited_while_jobs_wait_do_not_count_in_this_run(quick: Project) -> None:
    before = quick.artifacts()
    submit = quick.folder / "submit.sh"
    submit.write_text(SUBMIT)
    submit.chmod(0o755)
    on_cluster = ["snakemake", "--jobs", "3", "--executor", "cluster-generic", "--cluster-generic-submit-cmd"]
    done = quick.run(*on_cluster, str(submit), "--forceall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert quick.params()["training"]["epochs"] == 2
    assert quick.artifacts() == before
    # The next run is one of the edited parameters.
    planned = quick.run("snakemake", "--dry-run")
    assert "train" in planned.stdout + planned.stderr
