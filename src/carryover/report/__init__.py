"""What the text of Snakemake's report (workflow/report/) includes: parsers of docutils, chosen by `:parser:`."""
