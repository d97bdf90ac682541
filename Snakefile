"""The pipeline for Snakemake: cases of training a stateful LSTM, compared bit for bit.

dvc.yaml is the same pipeline for DVC: the same steps in the same order, with the same names, commands, inputs, outputs
and parameters. tests/test_engines.py holds the two against each other.
"""

import atexit
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout
from snakemake.utils import min_version

from carryover.command_line import mistakes_in_one_line
from carryover.dvc_cache import take_over
from carryover.errors import UserError
from carryover.params import NOISY_SINE, REFERENCE_FILES, SERIES, as_option, check, flags, merge, typed
from carryover.shards import shards
from carryover.yaml_file import read_yaml

# ---- configuration

min_version("9.0")

PARAMS = "params.yaml"
SCHEMA = "workflow/schemas/params.schema.yaml"

# ---- validation: a mistake is told before anything runs

# There is no `configfile:`, because Snakemake would read the file by other rules than DVC; so config holds at first what
# --config and --configfile have set, and then all parameters.
with mistakes_in_one_line(f"{PARAMS}, --configfile or --config: "):
    schema = read_yaml(Path(SCHEMA))
    in_file = read_yaml(Path(PARAMS))
    config = check(merge(in_file, typed(config, schema)), schema, root=Path())

# ---- what the rules share


def code(step, *modules):
    """The code that a step runs, and the versions of all that it stands on: an edit reruns what it affects."""
    always = ["__init__", "command_line", "errors", "files", "hermetic", "network", "optimizers", "portable"]
    return [
        f"workflow/scripts/{step}.py",
        *(f"src/carryover/{module}.py" for module in [*always, *modules]),
        "requirements.lock",
    ]


pathvars:
    data=config["folders"]["data"],
    results=config["folders"]["results"],


report: "workflow/report/workflow.rst"


SERIES_PART = f"<data>/{config['dataset']['source']}.csv"
HELD_OUT_PART = f"<data>/{config['dataset']['source']}_held_out.csv"
SCALES = f"<data>/{config['dataset']['source']}_scales.csv"
KERAS_HOME = "src/carryover/home/.keras/keras.json"
MATPLOTLIB_HOME = "src/carryover/home/.config/matplotlib/matplotlibrc"
CASES = expand(
    "<results>/cases/{case}/{file}",
    case=config["cases"],
    file=["history.csv", "predictions.csv", "final.npz"],
)
REFERENCE = expand("{folder}/{file}", folder=config["reference"], file=REFERENCE_FILES)
REPLICATES = expand("<results>/replicates/{shard.path}", shard=shards(**config["replicates"]))
FIGURES = ["predictions", "losses", "loss_differences", "equality", "replicates", "forecasts"]

# ---- targets


rule all:
    """Everything. What git does not hold is named too, so that a fresh clone, which has the figures, runs it all."""
    input:
        SERIES_PART,
        HELD_OUT_PART,
        SCALES,
        "<data>/initial_weights.npz",
        "<results>/params.yaml",
        CASES,
        REPLICATES,
        "<results>/forecasts.csv",
        "<results>/losses.csv",
        "<results>/loss_diffs.csv",
        "<results>/metrics.json",
        "<results>/verdict.md",
        expand("<results>/figures/{figure}.{format}", figure=FIGURES, format=["svg", "png"]),


# ---- one run at a time, and nothing to clean up after one that was killed

# The operating system releases this lock when its holder dies, however it dies; Snakemake's own would have to be removed
# by hand (so profiles/default turns it off).
RUNNING = FileLock(".snakemake/running.lock")
# There while results may not be in DVC's cache yet. A run that is killed just then has nothing left to do for its rerun,
# and Snakemake runs no hooks where there is nothing to do.
NOT_IN_DVC = Path(".snakemake/not_in_dvc")
STARTED = time.time()


def into_dvc():
    """Put what is as dvc.lock has it into DVC's cache, so that `dvc status` is clean."""
    from dvc.exceptions import DvcException

    try:
        if take_over(Path()):
            NOT_IN_DVC.unlink(missing_ok=True)
    except DvcException as error:
        print(f"note: the results are made, but not in DVC's cache: {error}; run `dvc commit`", file=sys.stderr)


if NOT_IN_DVC.exists():
    into_dvc()


onstart:
    with mistakes_in_one_line():
        try:
            RUNNING.acquire(blocking=False)
        except Timeout:
            raise UserError("another run of Snakemake works in this folder; wait until it has ended") from None
    NOT_IN_DVC.touch()


onsuccess:
    from carryover.terminal import show_verdict

    into_dvc()
    verdict = Path(config["folders"]["results"]) / "verdict.md"
    if verdict.exists() and verdict.stat().st_mtime > STARTED:
        atexit.register(show_verdict, verdict.parent)  # after the last words of Snakemake


# ---- rules


rule check_params:
    """Check the parameters before anything is made, and write them out for the steps that compare."""
    input:
        params=PARAMS,
        schema=SCHEMA,
        code=code("check_params", "params", "windows", "yaml_file"),
    output:
        report(
            "<results>/params.yaml",
            category="Parameters",
            labels={"file": "params.yaml, as every step was given it"},
            caption="workflow/report/params.rst",
        ),
    log:
        "logs/check_params.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        # The file, or the parameters as text where the command line has changed something.
        params=flags({"params": as_option(config, in_file, Path(PARAMS))}),
    shell:
        "hermetic python workflow/scripts/check_params.py"
        " {params.params}"
        " --schema {input.schema:q}"
        " --output {output:q}"
        " > {log:q} 2>&1"


rule make_dataset:
    """Write the series that every case learns, and the part after it that none does."""
    input:
        series=[] if config["dataset"]["source"] == NOISY_SINE else f"{SERIES}/{config['dataset']['source']}.csv",
        code=code("make_dataset", "csv_series", "dataset", "splitting", "windows"),
    output:
        training=SERIES_PART,
        held_out=HELD_OUT_PART,
        scales=SCALES,
    log:
        "logs/make_dataset.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        dataset=flags(config["dataset"]),
        windows=flags({key: config["model"][key] for key in ("time_steps", "batch_size")}),
    shell:
        "hermetic python workflow/scripts/make_dataset.py"
        " --output {output.training:q}"
        " --output_held_out {output.held_out:q}"
        " --output_scales {output.scales:q}"
        " --series data/series"
        " {params.dataset}"
        " {params.windows}"
        " > {log:q} 2>&1"


rule make_initial_weights:
    """Write the weights from which every case starts, so that no case can start from others."""
    input:
        data=SERIES_PART,
        weights=[] if config["model"]["initial_weights"] == "random" else config["model"]["initial_weights"],
        code=code("make_initial_weights", "arrays", "dataset", "keras_loading", "model", "weights", "windows"),
        keras=KERAS_HOME,
    output:
        "<data>/initial_weights.npz",
    log:
        "logs/make_initial_weights.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        model=flags(config["model"]),
    shell:
        "hermetic python workflow/scripts/make_initial_weights.py"
        " --data {input.data:q}"
        " --output {output:q}"
        " {params.model}"
        " > {log:q} 2>&1"


rule train:
    """Train one case in an interpreter of its own: nothing is left over from another case."""
    input:
        data=SERIES_PART,
        scales=SCALES,
        weights="<data>/initial_weights.npz",
        code=code(
            "train",
            "arrays",
            "case_results",
            "dataset",
            "digests",
            "keras_loading",
            "model",
            "snapshot",
            "splitting",
            "states",
            "training",
            "weights",
            "windows",
        ),
        keras=KERAS_HOME,
    output:
        history=report(
            "<results>/cases/{case}/history.csv",
            category="Tables",
            labels={"table": "Loss and digests of {case}"},
            caption="workflow/report/history_table.rst",
        ),
        predictions="<results>/cases/{case}/predictions.csv",
        final="<results>/cases/{case}/final.npz",
    log:
        "logs/train/{case}.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    resources:
        mem_mb=700,
    params:
        model=flags(config["model"]),
        optimizer=flags(config["optimizer"]),
        training=flags(config["training"]),
        case=lambda wildcards: flags(config["cases"][wildcards.case]),
    shell:
        "hermetic python workflow/scripts/train.py"
        " --case {wildcards.case:q}"
        " --data {input.data:q}"
        " --scales {input.scales:q}"
        " --weights {input.weights:q}"
        " --history {output.history:q}"
        " --predictions {output.predictions:q}"
        " --final {output.final:q}"
        " {params.model}"
        " {params.optimizer}"
        " {params.training}"
        " {params.case}"
        " > {log:q} 2>&1"


rule train_replicates:
    """Train a shard of replicates as one network. One that has been taken out is removed by the rule compare."""
    input:
        data=SERIES_PART,
        code=code(
            "train_replicates",
            "arrays",
            "dataset",
            "keras_loading",
            "model",
            "replicated_model",
            "replicates",
            "shards",
            "states",
            "training",
            "weights",
            "windows",
        ),
        keras=KERAS_HOME,
    output:
        "<results>/replicates/{behaviour}/{first_seed}-{last_seed}.csv",
    log:
        "logs/train_replicates/{behaviour}_{first_seed}-{last_seed}.log",
    # The longest jobs first, so that no core idles at the end.
    priority: 1
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        replicates=flags({"output": f"{config['folders']['results']}/replicates"}),
        dataset=flags({key: config["dataset"][key] for key in ("source", "samples", "step", "noise")}),
        model=flags(config["model"]),
        optimizer=flags(config["optimizer"]),
        training=flags(config["training"]),
        shard=lambda wildcards: flags(
            {
                "count": int(wildcards.last_seed) - int(wildcards.first_seed) + 1,
                "behaviours": wildcards.behaviour,
                "first_seed": wildcards.first_seed,
                "shard_size": config["replicates"]["shard_size"],
            }
        ),
    shell:
        "hermetic python workflow/scripts/train_replicates.py"
        " {params.replicates}"
        " --data {input.data:q}"
        " {params.dataset}"
        " {params.model}"
        " {params.optimizer}"
        " {params.training}"
        " {params.shard}"
        " > {log:q} 2>&1"


rule score:
    """Let each trained network forecast the held-out part of the series, as it would be deployed."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        data=SERIES_PART,
        held_out=HELD_OUT_PART,
        scales=SCALES,
        code=code(
            "score",
            "arrays",
            "dataset",
            "held_out",
            "keras_loading",
            "model",
            "scoring",
            "splitting",
            "weights",
            "windows",
            "yaml_file",
        ),
        keras=KERAS_HOME,
    output:
        report(
            "<results>/forecasts.csv",
            category="Tables",
            labels={"table": "Forecasts on what was held out"},
            caption="workflow/report/forecasts_table.rst",
        ),
    log:
        "logs/score.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    resources:
        mem_mb=700,
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
        model=flags(config["model"]),
    shell:
        "hermetic python workflow/scripts/score.py"
        " --params {input.params:q}"
        " {params.cases}"
        " --data {input.data:q}"
        " --held_out {input.held_out:q}"
        " --scales {input.scales:q}"
        " --output {output:q}"
        " {params.model}"
        " > {log:q} 2>&1"


rule compare:
    """Compare the cases to the last bit, with the reference and across the replicates; remove what has been taken out."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        replicates=REPLICATES,
        forecasts="<results>/forecasts.csv",
        reference=REFERENCE,
        code=code(
            "compare",
            "arrays",
            "case_results",
            "comparison",
            "dataset",
            "digests",
            "explanation",
            "held_out",
            "metrics",
            "reference",
            "replicate_statistics",
            "replicates",
            "shards",
            "verdict",
            "windows",
            "yaml_file",
        ),
    output:
        losses=report(
            "<results>/losses.csv",
            category="Tables",
            labels={"table": "Losses of every case"},
            caption="workflow/report/losses_table.rst",
        ),
        loss_diffs=report(
            "<results>/loss_diffs.csv",
            category="Tables",
            labels={"table": "Losses of every two cases"},
            caption="workflow/report/loss_diffs_table.rst",
        ),
        metrics=report(
            "<results>/metrics.json",
            category="Tables",
            labels={"table": "Metrics"},
            caption="workflow/report/metrics.rst",
        ),
        verdict=report(
            "<results>/verdict.md",
            category="Tables",
            labels={"table": "The verdict, as Markdown"},
            caption="workflow/report/verdict.rst",
        ),
    log:
        "logs/compare.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
        replicates=flags({"replicates": f"{config['folders']['results']}/replicates"}),
        reference=flags({"reference": config["reference"]}),
    shell:
        "hermetic python workflow/scripts/compare.py"
        " --params {input.params:q}"
        " {params.cases}"
        " {params.replicates}"
        " --forecasts {input.forecasts:q}"
        " {params.reference}"
        " --losses {output.losses:q}"
        " --loss_diffs {output.loss_diffs:q}"
        " --metrics {output.metrics:q}"
        " --verdict {output.verdict:q}"
        " > {log:q} 2>&1"


rule plot_predictions:
    """Draw what each case predicts after training, in the form of the figure of 2017."""
    input:
        params="<results>/params.yaml",
        data=SERIES_PART,
        scales=SCALES,
        cases=CASES,
        code=code(
            "plot_predictions",
            "arrays",
            "case_results",
            "dataset",
            "digests",
            "figures/__init__",
            "figures/predictions",
            "figures/saving",
            "splitting",
            "windows",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/predictions.svg",
            category="Figures",
            labels={"figure": "What each case predicts"},
            caption="workflow/report/predictions.rst",
        ),
        png="<results>/figures/predictions.png",
    log:
        "logs/plot_predictions.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
    shell:
        "hermetic python workflow/scripts/plot_predictions.py"
        " --params {input.params:q}"
        " --data {input.data:q}"
        " --scales {input.scales:q}"
        " {params.cases}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"


rule plot_losses:
    """Draw the loss per epoch of every case, with the reference under them."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        reference=REFERENCE,
        code=code(
            "plot_losses",
            "arrays",
            "case_results",
            "comparison",
            "digests",
            "figures/__init__",
            "figures/losses",
            "figures/saving",
            "reference",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/losses.svg",
            category="Figures",
            labels={"figure": "Loss per epoch"},
            caption="workflow/report/losses.rst",
        ),
        png="<results>/figures/losses.png",
    log:
        "logs/plot_losses.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
        reference=flags({"reference": config["reference"]}),
    shell:
        "hermetic python workflow/scripts/plot_losses.py"
        " --params {input.params:q}"
        " {params.cases}"
        " {params.reference}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"


rule plot_loss_differences:
    """Draw the loss differences of the claimed pairs, epoch by epoch."""
    input:
        params="<results>/params.yaml",
        loss_diffs="<results>/loss_diffs.csv",
        code=code(
            "plot_loss_differences",
            "arrays",
            "case_results",
            "comparison",
            "dataset",
            "digests",
            "explanation",
            "figures/__init__",
            "figures/loss_differences",
            "figures/saving",
            "held_out",
            "metrics",
            "replicate_statistics",
            "replicates",
            "shards",
            "windows",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/loss_differences.svg",
            category="Figures",
            labels={"figure": "Loss differences"},
            caption="workflow/report/loss_differences.rst",
        ),
        png="<results>/figures/loss_differences.png",
    log:
        "logs/plot_loss_differences.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    shell:
        "hermetic python workflow/scripts/plot_loss_differences.py"
        " --params {input.params:q}"
        " --loss_diffs {input.loss_diffs:q}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"


rule plot_equality:
    """Draw the matrix that says of every two cases whether they are identical, or where they part."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        code=code(
            "plot_equality",
            "arrays",
            "case_results",
            "comparison",
            "digests",
            "explanation",
            "figures/__init__",
            "figures/equality",
            "figures/saving",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/equality.svg",
            category="Figures",
            labels={"figure": "Who equals whom"},
            caption="workflow/report/equality.rst",
        ),
        png="<results>/figures/equality.png",
    log:
        "logs/plot_equality.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
    shell:
        "hermetic python workflow/scripts/plot_equality.py"
        " --params {input.params:q}"
        " {params.cases}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"


rule plot_replicates:
    """Draw the loss per epoch of the replicates, with its spread, and their final losses."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        replicates=REPLICATES,
        code=code(
            "plot_replicates",
            "arrays",
            "case_results",
            "comparison",
            "digests",
            "figures/__init__",
            "figures/replicates",
            "figures/saving",
            "replicates",
            "shards",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/replicates.svg",
            category="Figures",
            labels={"figure": "The luck of the seed"},
            caption="workflow/report/replicates.rst",
        ),
        png="<results>/figures/replicates.png",
    log:
        "logs/plot_replicates.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
        replicates=flags({"replicates": f"{config['folders']['results']}/replicates"}),
    shell:
        "hermetic python workflow/scripts/plot_replicates.py"
        " --params {input.params:q}"
        " {params.cases}"
        " {params.replicates}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"


rule plot_forecasts:
    """Draw what each network forecasts on the part of the series that it has not seen."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        forecasts="<results>/forecasts.csv",
        code=code(
            "plot_forecasts",
            "arrays",
            "case_results",
            "comparison",
            "dataset",
            "digests",
            "figures/__init__",
            "figures/forecasts",
            "figures/saving",
            "held_out",
            "windows",
            "yaml_file",
        ),
        matplotlib=MATPLOTLIB_HOME,
    output:
        svg=report(
            "<results>/figures/forecasts.svg",
            category="Figures",
            labels={"figure": "Forecasts of what none has seen"},
            caption="workflow/report/forecasts.rst",
        ),
        png="<results>/figures/forecasts.png",
    log:
        "logs/plot_forecasts.log",
    conda:
        "workflow/envs/carryover.yaml"
    threads: 1
    params:
        cases=flags({"cases": f"{config['folders']['results']}/cases"}),
    shell:
        "hermetic python workflow/scripts/plot_forecasts.py"
        " --params {input.params:q}"
        " {params.cases}"
        " --forecasts {input.forecasts:q}"
        " --svg {output.svg:q}"
        " --png {output.png:q}"
        " > {log:q} 2>&1"
