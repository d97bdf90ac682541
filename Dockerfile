# The image of the jobs for profiles/kubernetes, see docs/cloud.md: what requirements.lock and requirements-cloud.lock name, and
# this package. To build it: docker build --tag registry.example.com/carryover:0.2.0 .
FROM python:3.12-slim-bookworm

# git, because Snakemake asks it for the files of the workflow.
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*

WORKDIR /carryover
COPY requirements.lock requirements-cloud.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir --require-hashes --no-deps --requirement requirements-cloud.lock
# In each pod, Snakemake asks pip to install the plugins of the storage; it takes them from here, and no newer ones.
RUN pip download --no-cache-dir --no-deps --dest /wheels $(pip freeze | grep '^snakemake-storage-plugin-')
ENV PIP_NO_INDEX=1 PIP_NO_DEPS=1 PIP_FIND_LINKS=/wheels

COPY pyproject.toml README.md LICENSE Snakefile params.yaml ./
COPY src src
COPY workflow workflow
COPY models models
COPY data data
COPY profiles profiles
RUN pip install --no-build-isolation . && hermetic python -c "import matplotlib.font_manager"

WORKDIR /workdir
