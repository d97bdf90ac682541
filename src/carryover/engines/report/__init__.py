"""What the text of Snakemake's report (workflow/report/) includes: parsers of docutils, chosen by
`:parser: carryover.engines.report.table` and the like."""
