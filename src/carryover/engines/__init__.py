"""Code for Snakemake, DVC and the terminal: what happens around the jobs. No job imports any of it."""
