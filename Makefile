# make              set up, run the pipeline with Snakemake, write report.html, show the verdict
# make setup        set up, and do nothing else
# make report       the same, but do not show the verdict, which is also in report.html
# make test         set up, run the tests
# make torch        set up .venv-torch, without which the tests skip PyTorch; pip's usual build for Linux has gigabytes
# make backends     set up, install PyTorch, train the cases of 2017 on TensorFlow, JAX and PyTorch, show the verdict
# make test-long    set up, run the tests that take too long for `make test`
# make test-cluster set up, install Slurm if it is missing, run the tests on a Slurm of two nodes; needs root
# make check        set up, run the committed pipeline in a temporary copy, and compare every artifact with dvc.lock
# make lint         set up, check the format, the style, the types and the workflow
# make bench        set up, measure how fast the pipeline is
# make lock         update requirements.lock from pyproject.toml
#
# You need Python 3.11, 3.12 or 3.13, make and git. To choose a Python, run `make PYTHON=/path/to/python`.

SHELL := /bin/sh
UV_VERSION := 0.13.9
TORCH_VERSION := 2.13.0

# The first of these that runs and has a suitable version; `command -v` would also accept a pyenv shim that cannot run.
FITTING := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c '$(FITTING)' 2>/dev/null && { echo "$$python"; break; }; done)
# uv, installed on the machine or in the project's folder.
UV = $$(command -v uv || echo .uv/bin/uv)

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: all setup machine report test torch backends test-long test-cluster check lint bench lock
all: report
	@carryover verdict

setup: .venv/ready

report: .venv/ready
	@echo "Running the pipeline with Snakemake: every case, their comparison, the figures (45 seconds on two cores) ..."
	@snakemake --cores all >/dev/null # it would print the verdict, but only of a run that made one
	@echo "Writing report.html ..."
	@snakemake --report report.html

test: .venv/ready .venv-cloud/ready
	@echo "Running the tests; the slow ones run whole pipelines: about twenty minutes on two cores ..."
	@python -m pytest --numprocesses 2 --dist worksteal

torch: .venv-torch/ready

# PyTorch is for this example only, so it is not in requirements.lock. Where it cannot be installed, its cases are left out.
WITHOUT_TORCH := cases={torch_loop_with_reset: null, torch_loop_without_reset: null, \
	torch_single_fit: null, torch_stateless_fit: null}

backends: .venv/ready
	@python -c "import torch" 2>/dev/null || { \
		echo "Installing PyTorch $(TORCH_VERSION) into .venv; pip's usual build for Linux has gigabytes ..."; \
		python -m pip install --quiet --disable-pip-version-check torch==$(TORCH_VERSION) || \
		echo "PyTorch cannot be installed here: its cases are left out."; }
	@echo "Training the cases of 2017 on each backend of Keras (two minutes on two cores) ..."
	@if python -c "import torch" 2>/dev/null; then snakemake --cores all --configfile examples/backends.yaml; \
	else snakemake --cores all --configfile examples/backends.yaml --config '$(WITHOUT_TORCH)'; fi

test-long: .venv/ready
	@echo "Running the long tests: runs killed at many moments, more emulated processors, all examples; half an hour ..."
	@python -m pytest --numprocesses 2 --dist worksteal -m long

# Without --numprocesses, because a machine has one Slurm.
test-cluster: .venv/ready .venv-cloud/ready
	@PATH="$$PATH:/usr/sbin"; if ! { command -v slurmctld && command -v slurmd && command -v munged; } >/dev/null; then \
		command -v apt-get >/dev/null || { echo "error: there is no Slurm, and no apt-get to install it;" \
		"install what Debian calls slurm-wlm and munge" >&2; exit 1; }; \
		echo "Installing slurm-wlm and munge ..."; \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends slurm-wlm munge >/dev/null; fi
	@echo "Running the tests on a Slurm of two nodes on this machine: about twelve minutes ..."
	@python -m pytest -m cluster

check: .venv/ready
	@carryover check

lint: .venv/ready
	ruff format --check
	ruff check
	mypy
	snakefmt --check Snakefile workflow/Snakefile
	snakemake --lint

bench: .venv/ready
	@echo "Measuring for about ten minutes; leave the machine idle ..."
	@python benchmarks/run.py

LOCK := pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url pyproject.toml

# requirements-cloud.lock has what the extra cloud needs besides requirements.lock.
lock: .uv/ready
	$(UV) $(LOCK) --extra pipeline --extra dev --extra slurm --extra jax --extra s3 --output-file requirements.lock
	$(UV) $(LOCK) --no-header --extra pipeline --extra cloud --constraint requirements.lock \
		$$(sed -n "/python_full_version < '3.13'/!s/^\([^ ]*\)==.*/--no-emit-package \1/p" requirements.lock) \
		| grep -v '^#' >requirements-cloud.lock

# The environment: the packages of requirements.lock, checked by hash and compiled to bytecode; this project;
# matplotlib's list of fonts, so that no job has to make it; the page template of `dvc plots`.
.venv/ready: requirements.lock pyproject.toml .uv/ready
	@echo "Setting up .venv, once; this takes half a minute to a few minutes, depending on your connection."
	@"$(PYTHON)" -c 'import sys; print("  Python", sys.version.split()[0], "from", sys.executable)'
	@$(MAKE) --no-print-directory machine
	@date +%s >.uv/started
	@rm -rf .venv
	@$(UV) venv --quiet --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')" .venv
	@echo "  installing the packages of requirements.lock: about 200 packages, 350 MB to download ..."
	@$(UV) pip install --quiet --python .venv --compile-bytecode --require-hashes --requirements requirements.lock
	@echo "  installing this project, listing the fonts, writing the page template of dvc plots ..."
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@hermetic python -c "import matplotlib.font_manager"
	@carryover offline-plots
	@touch $@
	@echo "Set up in $$(($$(date +%s) - $$(cat .uv/started))) seconds."

# What this machine can and cannot do. TensorFlow has packages for Linux and for Macs with Apple's own processors.
machine:
	@machine="$$(uname -s) $$(uname -m)"; case "$$machine" in \
	"Linux x86_64") if grep -qi microsoft /proc/version && expr "$(CURDIR)" : /mnt/ >/dev/null; then \
		echo "note: this folder is on a disk of Windows, which is slow and keeps no modes of files; in WSL, clone into" \
		"your home folder"; fi ;; \
	"Linux aarch64" | "Darwin arm64") echo "note: on $$machine the pipeline runs, but not to the committed bytes," \
		"which are promised for Linux on x86-64 only" ;; \
	*) echo "error: TensorFlow has no package for $$machine; use Linux on x86-64 or ARM, a Mac with Apple's own" \
		"processor, or WSL on Windows" >&2; exit 1 ;; esac

.uv/ready:
	@"$(PYTHON)" -c '$(FITTING)' 2>/dev/null || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one," \
		"or name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@command -v uv >/dev/null || { echo "Installing uv $(UV_VERSION) into .uv ..."; \
		{ "$(PYTHON)" -m pip --version >/dev/null 2>&1 && \
		"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .uv uv==$(UV_VERSION); } || \
		{ "$(PYTHON)" -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } || \
		{ echo "error: $(PYTHON) has neither pip nor venv, or the package index cannot be reached;" \
		"on Debian: apt install python3-venv" >&2; exit 1; }; }
	@mkdir -p .uv && touch $@

# Snakemake with the packages of requirements-cloud.lock besides those of .venv.
.venv-cloud/ready: .venv/ready requirements-cloud.lock
	@echo "Setting up .venv-cloud, for the tests of jobs that share only a storage ..."
	@rm -rf .venv-cloud
	@$(UV) venv --quiet --python .venv/bin/python .venv-cloud
	@python -c "import site; print(site.getsitepackages()[0])" >"$$(echo .venv-cloud/lib/python*/site-packages)/venv.pth"
	@$(UV) pip install --quiet --python .venv-cloud --no-deps --require-hashes --requirements requirements-cloud.lock
	@$(UV) pip install --quiet --python .venv-cloud --no-deps --no-build-isolation --editable .
	@touch $@

# PyTorch, which is not in requirements.lock, with Keras and NumPy as they are there.
.venv-torch/ready: requirements.lock pyproject.toml
	@echo "Setting up .venv-torch with PyTorch $(TORCH_VERSION) ..."
	@rm -rf .venv-torch
	@"$(PYTHON)" -m venv .venv-torch
	@.venv-torch/bin/pip install --quiet --disable-pip-version-check torch==$(TORCH_VERSION) \
		$$(grep -oE '^(keras|numpy)==[^ ]+' requirements.lock)
	@touch $@
