"""The pipeline for Snakemake: train a stateful LSTM in several cases, and compare them bit for bit.

dvc.yaml is the same pipeline for DVC: the same steps in the same order, with the same names, commands, inputs, outputs
and parameters. Only check_params gets the parameters as text here, and as a file there; and train_replicates gets the
trainings here, and a file with them there. tests/test_engines.py compares the two.
"""

import json
import sys
from pathlib import Path

from snakemake.utils import min_version

try:
    from carryover.engines.inputs import Inputs, folder_of
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing}; in a clone of Carryover, run: pip install '.[pipeline]'")

inputs = Inputs(workflow)

from carryover.engines.parameters import VARIABLE, read_params
from carryover.engines.run import RUN, Run
from carryover.figures import FIGURES
from carryover.params.check import REFERENCE_FILES, SCHEMA
from carryover.params.options import flags
from carryover.replicates.settings import trainings_as_words
from carryover.replicates.shards import shards
from carryover.series.options import SERIES
from carryover.training.cases import replicated

# ---- configuration

min_version("9.0")

# There is no `configfile:`, because Snakemake and DVC read YAML by different rules. From here on, config has all parameters,
# checked, so that an error is reported before anything runs. A job that parses this file again gets the same ones.
config = read_params(workflow, config)

# A run is alone in its folders, leaves nothing to clean up if it is killed, and ends with the verdict.
this_run = Run(config, workflow)


envvars:
    VARIABLE,
    RUN,


# ---- what the rules share


def grows(first):
    """Return a resource that grows with each attempt: on a cluster, a job that has run out of it is tried again."""
    return lambda _, attempt: first * attempt


pathvars:
    data=config["folders"]["data"],
    results=config["folders"]["results"],


report: "workflow/report/workflow.rst"


SERIES_PART = f"<data>/{config['dataset']['source']}.csv"
HELD_OUT_PART = f"<data>/{config['dataset']['source']}_held_out.csv"
SCALES = f"<data>/{config['dataset']['source']}_scales.csv"
TIMES = f"<data>/{config['dataset']['source']}_times.csv"
NOTES = f"<data>/{config['dataset']['source']}_notes.json"
KERAS_HOME = inputs.own("src/carryover/home/.keras/keras.json")
MATPLOTLIB_HOME = inputs.own("src/carryover/home/.config/matplotlib/matplotlibrc")
CASES = expand(
    "<results>/cases/{case}/{file}",
    case=config["cases"],
    file=["history.csv", "predictions.csv", "final.npz"],
)
BUILD = inputs.given(config["model"]["build"])
WEIGHTS = [] if config["model"]["initial_weights"] == "random" else inputs.given(config["model"]["initial_weights"])
REFERENCE = [inputs.given(f"{config['reference']}/{file}") for file in REFERENCE_FILES]
NO_REPLICATES = f"{config['folders']['results']}/replicates"
REPLICATES = expand(
    "<results>/replicates/{shard.name}/{file}", shard=shards(**config["replicates"]), file=["losses.csv", "errors.csv"]
)

# ---- targets


rule all:
    """Make everything. Files outside git are listed too: a fresh clone has the figures, and would otherwise run nothing.

    What is local is for you to look at: it comes to this machine also if the other results are in a storage.
    """
    input:
        SERIES_PART,
        HELD_OUT_PART,
        SCALES,
        NOTES,
        TIMES,
        "<data>/initial_weights.npz",
        "<results>/params.yaml",
        "<results>/trainings.yaml",
        CASES,
        REPLICATES,
        "<results>/forecasts.csv",
        local("<results>/losses.csv"),
        local("<results>/loss_diffs.csv"),
        local("<results>/metrics.json"),
        local("<results>/details.json"),
        local("<results>/verdict.md"),
        local(expand("<results>/figures/{figure}.{format}", figure=FIGURES, format=["svg", "png"])),


# ---- what happens before and after the jobs


onstart:
    this_run.start()


onsuccess:
    this_run.end()


onerror:
    this_run.fail()


# ---- rules


rule check_params:
    """Check the parameters before anything is computed; write them, and the different trainings among the cases."""
    input:
        params=inputs.given("params.yaml"),
        weights=WEIGHTS,
        build=BUILD,
        schema=inputs.own(SCHEMA),
        script=inputs.own("workflow/scripts/check_params.py"),
        code=inputs.code("series", "training", "params"),
    output:
        params=report(
            "<results>/params.yaml",
            category="Parameters",
            labels={"file": "params.yaml, the parameters of the run"},
            caption="workflow/report/params.rst",
        ),
        trainings="<results>/trainings.yaml",
    log:
        "logs/<results>/check_params.log",
    # On a cluster, a local rule runs on the machine of the main process, because it takes seconds.
    localrule: True
    conda:
        "workflow/envs/carryover.yaml"
    params:
        # As text, because the file may be edited while the run goes on, and --config may have changed something. A function,
        # because Snakemake would take {} in a text, such as the name of a column, for a wildcard.
        params=lambda _: flags({"params": json.dumps(config)}),
    shell:
        "hermetic python {input.script:q}"
        " {params.params}"
        " --schema {input.schema:q}"
        " --output {output.params:q}"
        " --output_trainings {output.trainings:q}"
        " > {log:q} 2>&1"


rule make_dataset:
    """Write the part of the series to train on, the held-out part after it, the scale of each column, and notes on them."""
    input:
        series=inputs.given(f"{SERIES}/{config['dataset']['source']}.csv"),
        script=inputs.own("workflow/scripts/make_dataset.py"),
        code=inputs.code("series"),
    output:
        training=SERIES_PART,
        held_out=HELD_OUT_PART,
        scales=SCALES,
        notes=NOTES,
        times=TIMES,
    log:
        "logs/<results>/make_dataset.log",
    localrule: True
    conda:
        "workflow/envs/carryover.yaml"
    params:
        dataset=lambda _: flags(config["dataset"]),  # a function, as in check_params
        windows=flags({key: config["model"][key] for key in ("time_steps", "batch_size")}),
    shell:
        "hermetic python {input.script:q}"
        " --output {output.training:q}"
        " --output_held_out {output.held_out:q}"
        " --output_scales {output.scales:q}"
        " --output_notes {output.notes:q}"
        " --output_times {output.times:q}"
        " --series data/series"
        " {params.dataset}"
        " {params.windows}"
        " > {log:q} 2>&1"


rule make_initial_weights:
    """Write the initial weights to one file, so that every case starts from the same weights."""
    input:
        data=SERIES_PART,
        weights=WEIGHTS,
        build=BUILD,
        script=inputs.own("workflow/scripts/make_initial_weights.py"),
        code=inputs.code("series", "training"),
        keras=KERAS_HOME,
    output:
        "<data>/initial_weights.npz",
    log:
        "logs/<results>/make_initial_weights.log",
    localrule: True
    conda:
        "workflow/envs/carryover.yaml"
    params:
        model=flags(config["model"]),
    shell:
        "hermetic python {input.script:q}"
        " --data {input.data:q}"
        " --output {output:q}"
        " {params.model}"
        " > {log:q} 2>&1"


rule train:
    """Train one case in its own interpreter, so that nothing is left over from another case."""
    input:
        data=SERIES_PART,
        scales=SCALES,
        notes=NOTES,
        weights="<data>/initial_weights.npz",
        build=BUILD,
        script=inputs.own("workflow/scripts/train.py"),
        code=inputs.code("series", "training"),
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
        "logs/<results>/train/{case}.log",
    wildcard_constraints:
        case="|".join(config["cases"]),
    conda:
        "workflow/envs/carryover.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=grows(20),
    params:
        model=flags(config["model"]),
        optimizer=flags(config["optimizer"]),
        training=flags(config["training"]),
        case=lambda wildcards: flags(config["cases"][wildcards.case]),
    shell:
        "hermetic python {input.script:q}"
        " --case {wildcards.case:q}"
        " --data {input.data:q}"
        " --scales {input.scales:q}"
        " --notes {input.notes:q}"
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
    """Train the replicates of a shard, in every training. The rule compare removes shards that are no longer asked for."""
    input:
        data=SERIES_PART,
        held_out=HELD_OUT_PART,
        scales=SCALES,
        notes=NOTES,
        build=BUILD,
        script=inputs.own("workflow/scripts/train_replicates.py"),
        code=inputs.code("series", "training", "forecasts", "replicates"),
        keras=KERAS_HOME,
    output:
        "<results>/replicates/{first_seed}-{last_seed}/losses.csv",
        "<results>/replicates/{first_seed}-{last_seed}/errors.csv",
    log:
        "logs/<results>/train_replicates/{first_seed}-{last_seed}.log",
    # The longest jobs run first, so that no core is idle at the end.
    priority: 1
    conda:
        "workflow/envs/carryover.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=grows(20),
    params:
        replicates=lambda _, output: flags({"output": folder_of(output)}),
        dataset=flags({key: config["dataset"][key] for key in ("source", "step", "noise", "horizon", "season")}),
        model=flags(config["model"]),
        optimizer=flags(config["optimizer"]),
        training=flags(config["training"]),
        # As text, because Snakemake would train again for every change of a parameter if it read what check_params writes.
        trainings=lambda _: flags({"trainings": trainings_as_words(replicated(config))}),  # a function, as in check_params
        shard=lambda wildcards: flags(
            {
                "count": int(wildcards.last_seed) - int(wildcards.first_seed) + 1,
                "first_seed": wildcards.first_seed,
                "shard_size": config["replicates"]["shard_size"],
            }
        ),
    shell:
        "hermetic python {input.script:q}"
        " {params.replicates}"
        " {params.trainings}"
        " --data {input.data:q}"
        " --held_out {input.held_out:q}"
        " --scales {input.scales:q}"
        " --notes {input.notes:q}"
        " {params.dataset}"
        " {params.model}"
        " {params.optimizer}"
        " {params.training}"
        " {params.shard}"
        " > {log:q} 2>&1"


rule score:
    """Forecast the held-out part with each trained network; first remove cases that the parameters no longer name."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        data=SERIES_PART,
        held_out=HELD_OUT_PART,
        scales=SCALES,
        notes=NOTES,
        build=BUILD,
        script=inputs.own("workflow/scripts/score.py"),
        code=inputs.code("series", "training", "forecasts"),
        keras=KERAS_HOME,
    output:
        report(
            "<results>/forecasts.csv",
            category="Tables",
            labels={"table": "Forecasts of the held-out part"},
            caption="workflow/report/forecasts_table.rst",
        ),
    log:
        "logs/<results>/score.log",
    conda:
        "workflow/envs/carryover.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=grows(20),
    params:
        cases=lambda _, input: flags({"cases": folder_of(input.cases)}),
        model=flags(config["model"]),
    shell:
        "hermetic python {input.script:q}"
        " --params {input.params:q}"
        " {params.cases}"
        " --data {input.data:q}"
        " --held_out {input.held_out:q}"
        " --scales {input.scales:q}"
        " --notes {input.notes:q}"
        " --output {output:q}"
        " {params.model}"
        " > {log:q} 2>&1"


rule compare:
    """Compare the cases bit for bit, and with the reference; compute the statistics of the replicates."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        replicates=REPLICATES,
        forecasts="<results>/forecasts.csv",
        reference=REFERENCE,
        data=SERIES_PART,
        scales=SCALES,
        notes=NOTES,
        script=inputs.own("workflow/scripts/compare.py"),
        code=inputs.code("series", "training", "forecasts", "replicates", "comparison"),
    output:
        losses=report(
            local("<results>/losses.csv"),
            category="Tables",
            labels={"table": "Losses of every case"},
            caption="workflow/report/losses_table.rst",
        ),
        loss_diffs=report(
            local("<results>/loss_diffs.csv"),
            category="Tables",
            labels={"table": "Losses of each pair of cases"},
            caption="workflow/report/loss_diffs_table.rst",
        ),
        metrics=report(
            local("<results>/metrics.json"),
            category="Tables",
            labels={"table": "Metrics"},
            caption="workflow/report/metrics.rst",
        ),
        details=report(
            local("<results>/details.json"),
            category="Tables",
            labels={"table": "Details"},
            caption="workflow/report/details.rst",
        ),
        verdict=report(
            local("<results>/verdict.md"),
            category="Tables",
            labels={"table": "The verdict, as Markdown"},
            caption="workflow/report/verdict.rst",
        ),
    log:
        "logs/<results>/compare.log",
    localrule: True
    conda:
        "workflow/envs/carryover.yaml"
    params:
        cases=lambda _, input: flags({"cases": folder_of(input.cases)}),
        replicates=lambda _, input: flags({"replicates": folder_of(input.replicates, NO_REPLICATES)}),
        reference=flags({"reference": config["reference"]}),
    shell:
        "hermetic python {input.script:q}"
        " --params {input.params:q}"
        " {params.cases}"
        " {params.replicates}"
        " --forecasts {input.forecasts:q}"
        " {params.reference}"
        " --data {input.data:q}"
        " --scales {input.scales:q}"
        " --notes {input.notes:q}"
        " --losses {output.losses:q}"
        " --loss_diffs {output.loss_diffs:q}"
        " --metrics {output.metrics:q}"
        " --details {output.details:q}"
        " --verdict {output.verdict:q}"
        " > {log:q} 2>&1"


rule render_figures:
    """Draw all figures in one job, which reads the results once."""
    input:
        params="<results>/params.yaml",
        cases=CASES,
        replicates=REPLICATES,
        forecasts="<results>/forecasts.csv",
        reference=REFERENCE,
        data=SERIES_PART,
        scales=SCALES,
        times=TIMES,
        script=inputs.own("workflow/scripts/render_figures.py"),
        code=inputs.code("series", "training", "forecasts", "replicates", "comparison", "figures"),
        matplotlib=MATPLOTLIB_HOME,
    output:
        [
            report(
                local(f"<results>/figures/{name}.svg"),
                category="Figures",
                labels={"figure": title},
                caption=f"workflow/report/{name}.rst",
            )
            for name, title in FIGURES.items()
        ],
        local(expand("<results>/figures/{name}.png", name=FIGURES)),
    log:
        "logs/<results>/render_figures.log",
    localrule: True
    conda:
        "workflow/envs/carryover.yaml"
    params:
        cases=lambda _, input: flags({"cases": folder_of(input.cases)}),
        replicates=lambda _, input: flags({"replicates": folder_of(input.replicates, NO_REPLICATES)}),
        reference=flags({"reference": config["reference"]}),
        output=lambda _, output: flags({"output": Path(output[0]).parent}),
    shell:
        "hermetic python {input.script:q}"
        " --params {input.params:q}"
        " {params.cases}"
        " {params.replicates}"
        " --forecasts {input.forecasts:q}"
        " {params.reference}"
        " --data {input.data:q}"
        " --scales {input.scales:q}"
        " --times {input.times:q}"
        " {params.output}"
        " > {log:q} 2>&1"


# ---- before a run: no result that something else has put in the place of Snakemake's

this_run.check(rules.all.input)
