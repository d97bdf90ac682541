#!/usr/bin/env bash
# Runs in the project's folder, with the new conda environment active.
set -euo pipefail
python -m pip install --require-hashes --requirement requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
carryover offline-plots
