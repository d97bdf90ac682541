"""docutils parsers for the files that Snakemake's report includes.

The texts in workflow/report/ choose one with `:parser: carryover.engines.report.table`, for example.
"""
