"""What every job is built on: errors, files, tables, its command line, and the environment that fixes its bytes."""
