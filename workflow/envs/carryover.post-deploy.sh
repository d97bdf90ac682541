#!/usr/bin/env bash
# Runs in the folder of the run, with the new conda environment active.
set -euo pipefail
if [ ! -d src/carryover ]; then
	echo "This folder is not a clone of Carryover, so the steps run in the environment of Snakemake."
	exit 0
fi
python -m pip install --require-hashes --requirement requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
carryover offline-plots
