"""What Snakemake shows while it runs: the jobs, how far each training is, and why a job has failed.

`handler` turns Snakemake's log records into `jobs`, and shows them as `bars` on a terminal, as `lines` elsewhere.
`failures` explains a job that has failed.
"""
