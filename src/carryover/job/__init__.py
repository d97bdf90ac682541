"""What every job is built on: errors, files, tables, the command line, and the environment that fixes its bytes."""
