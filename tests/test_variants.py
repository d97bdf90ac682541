"""Cases with a cell, units or an optimizer of their own, in one run: how they are told apart, trained and compared."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cases import case
from helpers.engines import dvc_graph, snakemake_graph
from helpers.project import ENGINES, ONE_SHARD, ROOT, Project
from helpers.replicates import replicates
from helpers.steps import run_here, train_options
from helpers.training import ADADELTA, ADAM, SGD, Setting
from hypothesis import given
from hypothesis import strategies as st

from carryover.comparison.advice import advice, what_to_do
from carryover.comparison.claims import spellings, why_the_same
from carryover.comparison.learnt import _otherwise
from carryover.comparison.statistics import statistics
from carryover.comparison.verdict import verdict
from carryover.figures.groups import by_order, grouped
from carryover.job.errors import UserError
from carryover.job.yaml_file import read_yaml
from carryover.params.check import check
from carryover.params.options import flags
from carryover.replicates.series import noisy_sine_of_each
from carryover.replicates.settings import Settings, trainings_as_words, trainings_from_option
from carryover.replicates.shards import Shard
from carryover.series.scales import AS_IT_IS
from carryover.training.behaviours import TRAININGS, Training, differences, training_from
from carryover.training.cases import training_of, trainings_of
from carryover.training.variants import KEYS, ONLY, Variant, variant_of

NEVER = {"calls": "single", "reset": "never", "stateful": True, "batches": "contiguous"}
LOOP = NEVER | {"calls": "loop"}
RESET = NEVER | {"reset": "every_epoch"}
STATELESS = NEVER | {"stateful": False}
MODEL = {"cell": "lstm", "units": [3, 2]}


def params(**cases: dict[str, Any]) -> dict[str, Any]:
    return {"model": MODEL, "optimizer": ADADELTA, "cases": cases}


OF_THE_RUN = {"optimizer": ADADELTA, "backend": "tensorflow"}

# ---- names


def test_a_run_in_which_no_case_differs_has_no_variants() -> None:
    """Not even if a case says again what the run says."""
    same = params(a=NEVER, b=NEVER | {"cell": "lstm", "units": [3, 2], "optimizer": dict(reversed(ADADELTA.items()))})
    assert trainings_of(same) == [TRAININGS["contiguous_never"]]
    assert variant_of("b", same) == ONLY


def test_what_all_cases_have_otherwise_than_the_run_makes_a_variant() -> None:
    """The replicates and the forecasts know the network of the run, and what the variants have otherwise."""
    gru = params(a=NEVER | {"cell": "gru"}, b=LOOP | {"cell": "gru"})
    assert trainings_of(gru) == [TRAININGS["contiguous_never"]._replace(variant=Variant("gru", "gru"))]
    assert variant_of("a", params(a=NEVER | {"optimizer": ADAM})).words == "adam"
    assert variant_of("a", params(a=NEVER | {"backend": "jax"})).words == "jax"


def test_a_variant_is_named_by_what_tells_it_from_the_others_alone() -> None:
    one = params(a=NEVER, b=LOOP | {"cell": "gru"}, c=NEVER | {"cell": "gru"}, d=RESET)
    assert [training.name for training in trainings_of(one)] == [
        "contiguous_never_lstm",
        "contiguous_every_epoch_lstm",
        "contiguous_never_gru",
    ]
    assert spellings(one)[training_of("b", one)] == ["b", "c"]
    # The parameters of an optimizer are named where its name does not tell.
    slow = ADAM | {"learning_rate": 1e-5}
    several = params(a=NEVER, b=NEVER | {"optimizer": ADAM}, c=NEVER | {"optimizer": slow, "units": [4]})
    assert [variant_of(name, several).words for name in "abc"] == [
        "3+2 units with adadelta",
        "3+2 units with adam at learning_rate 0.01",
        "4 units with adam at learning_rate 1e-05",
    ]
    names = [training.name for training in trainings_of(several)]
    assert names[2] == "contiguous_never_4_units_with_adam_at_learning_rate_1e-05"
    assert all(re.fullmatch(r"[a-z0-9_.-]+", name) for name in names), "names of columns, and of options"


OWN = st.fixed_dictionaries(
    {},
    optional={
        "cell": st.sampled_from(["lstm", "gru", "simple_rnn"]),
        "units": st.lists(st.integers(1, 99), min_size=1, max_size=3),
        "optimizer": st.sampled_from(
            [ADADELTA, ADAM, SGD, SGD | {"momentum": 0}, SGD | {"learning_rate": 1}, ADAM | {"epsilon": 1e-8}]
        ),
    },
)


@given(cases=st.dictionaries(st.sampled_from("abcdef"), OWN, min_size=1))
def test_trainings_differ_where_their_cases_do_and_survive_the_way_to_a_job(cases: dict[str, dict[str, Any]]) -> None:
    run = params(**{name: NEVER | own for name, own in cases.items()})
    whole = {name: [(MODEL | OF_THE_RUN | own)[key] for key in KEYS] for name, own in cases.items()}
    for a in cases:
        for b in cases:
            same = training_of(a, run) == training_of(b, run)
            assert same == (training_of(a, run).name == training_of(b, run).name) == (whole[a] == whole[b])
            assert len(differences(training_of(a, run), training_of(b, run))) == sum(
                mine != other for mine, other in zip(whole[a], whole[b], strict=True)
            )
    trainings = trainings_of(run)
    assert trainings_from_option(trainings_as_words(trainings)) == trainings
    assert [training_from(json.loads(json.dumps(training.definition))) for training in trainings] == trainings


@given(own=OWN)
def test_a_case_reaches_its_job_as_dvc_unpacks_it(own: dict[str, Any]) -> None:
    from dvc.parsing.interpolate import to_str

    assert flags(NEVER | own).split() == to_str(NEVER | own).split()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "ltsm"}, "cases.single_fit.cell: 'ltsm' is not one of lstm, gru, simple_rnn"),
        ({"units": []}, "cases.single_fit.units: [] has 0 entries; give at least 1"),
        ({"units": [0]}, "cases.single_fit.units[0]: 0 is less than the minimum of 1"),
        ({"activation": "relu"}, "cases.single_fit.activation: unknown key"),
        ({"optimizer": {"name": "adam"}}, "cases.single_fit.optimizer.learning_rate: missing"),
        ({"optimizer": SGD | {"rho": 0.9}}, "cases.single_fit.optimizer.rho: not a parameter of this"),
        ({"optimizer": SGD | {"learning_rate": float("inf")}}, "cases.single_fit.optimizer.learning_rate: inf is not"),
        ({"optimizer": "adam"}, "cases.single_fit.optimizer: 'adam' is not a section of keys"),
    ],
)
def test_a_mistake_in_a_case_is_reported_before_anything_is_trained(change: dict[str, Any], message: str) -> None:
    run = read_yaml(ROOT / "params.yaml")
    run["cases"]["single_fit"] |= change
    with pytest.raises(UserError) as error:
        check(run, read_yaml(ROOT / "workflow/schemas/params.schema.yaml"), ROOT)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("key", ["cell", "units"])
def test_a_network_of_your_own_has_no_cell_and_no_units_to_change(key: str) -> None:
    run = read_yaml(ROOT / "params.yaml")
    run["model"] |= {"build": "models/gru_with_dropout.py", "initial_weights": "random"}
    run["cases"]["single_fit"] |= {key: {"cell": "gru", "units": [4]}[key]}
    with pytest.raises(UserError, match=f"^cases.single_fit.{key}: it is for the network of models/stacked.py, and"):
        check(run, read_yaml(ROOT / "workflow/schemas/params.schema.yaml"), ROOT)
    del run["cases"]["single_fit"][key]
    run["cases"]["single_fit"] |= {"optimizer": ADAM}
    check(run, read_yaml(ROOT / "workflow/schemas/params.schema.yaml"), ROOT)


@pytest.mark.parametrize("word", ["contiguous_nevr", "{}", '{"training": "contiguous_never", "units": 3}', "{,", "[]"])
def test_what_is_no_training_is_refused_in_one_line(word: str) -> None:
    with pytest.raises(UserError, match=r"^--trainings: .* is not one of contiguous_never, "):
        trainings_from_option([word])


# ---- training


def train(folder: Path, *own: str, replacing: tuple[str, str] = ("", "")) -> list[bytes]:
    """Train a case by its step; return what it writes."""
    import keras

    keras.backend.clear_session()  # a job starts in a fresh interpreter
    folder.mkdir(exist_ok=True)
    done = run_here("train", *train_options(folder, *replacing), *own)
    assert done.returncode == 0, done.stderr
    return [(folder / name).read_bytes() for name in "hpf"]


def test_a_case_is_trained_as_by_a_run_that_has_its_network_and_optimizer(keras: Any, tmp_path: Path) -> None:
    """From the weights that such a run draws."""
    own = "--cell gru --units 5 4"
    adam = {f"optimizer.{key}": value for key, value in ADAM.items()}
    of_the_case = train(tmp_path / "case", *own.split(), *flags(adam).split())

    (tmp_path / "run").mkdir()
    options = train_options(tmp_path / "run", "--cell lstm --units 10 10", own)
    model = options[options.index("--build") : options.index("--name")]
    weights = tmp_path / "weights.npz"
    data = options[options.index("--data") + 1]
    done = run_here("make_initial_weights", "--data", data, "--output", str(weights), *model)
    assert done.returncode == 0, done.stderr
    options[options.index("--weights") + 1] = str(weights)
    start = options.index("--name")
    options[start : start + 8] = flags(ADAM).split()
    keras.backend.clear_session()
    done = run_here("train", *options)
    assert done.returncode == 0, done.stderr
    assert of_the_case == [(tmp_path / "run" / name).read_bytes() for name in "hpf"]
    assert b"gru_2" in of_the_case[2]


def test_a_case_that_says_what_the_run_says_starts_from_the_weights_of_the_run(keras: Any, tmp_path: Path) -> None:
    again = ["--cell", "lstm", "--units", "10", "10"]
    adadelta = {f"optimizer.{key}": value for key, value in ADADELTA.items()}
    expected = train(tmp_path)
    assert train(tmp_path, *again, *flags(adadelta).split()) == expected
    assert train(tmp_path, "--units", "10", "9") != expected
    seed_2 = train(tmp_path, "--units", "10", "9", replacing=("--seed 1", "--seed 2"))
    assert train(tmp_path, "--units", "10", "9") != seed_2, "its own weights are drawn by the seed"


def test_the_replicates_of_each_variant_are_those_of_a_run_that_has_only_it(keras: Any) -> None:
    from carryover.replicates.scoring import score_shard
    from carryover.replicates.series import Parts
    from carryover.replicates.training import train_shard
    from carryover.series.noisy_sine import noisy_sine

    def trained(settings: Settings, trainings: list[Training]) -> tuple[Any, Any]:
        keras.backend.clear_session()
        losses, weights = train_shard(shard, [one.training for one in parts], AS_IT_IS, trainings, settings)
        return losses, score_shard(shard, parts, [AS_IT_IS] * 2, settings, weights)

    setting, shard = Setting([3, 2], 2, 4), Shard(1, 2)
    settings = Settings(setting.network, 2, 4, "adadelta", {k: v for k, v in ADADELTA.items() if k != "name"}, "mse", 2)
    whole = noisy_sine(32, 0.5, 0.1, seed=0)
    parts = noisy_sine_of_each(shard, Parts(whole.part(slice(24)), whole.part(slice(24, None))), 0.5, 0.1)
    run = params(
        a=NEVER, b=STATELESS, c=NEVER | {"cell": "gru", "units": [4]}, d=NEVER | {"optimizer": SGD | {"momentum": 0}}
    )
    losses, errors = trained(settings, trainings_of(run))
    assert len(losses) == 4
    for training, loss in losses.items():
        # As if this were all that the run has.
        plain = training._replace(variant=ONLY)
        alone, its_errors = trained(settings.of(training.variant), [plain])
        np.testing.assert_array_equal(loss, alone[plain])
        for states in ("carried", "reset"):
            np.testing.assert_array_equal(errors[f"{training.name}/{states}"], its_errors[f"{plain.name}/{states}"])
    finals = {tuple(loss[:, -1]) for loss in losses.values()}
    assert len(finals) == 4, "no two of them are the same"


# ---- what is said of them

LSTM, GRU = Variant("lstm", "lstm"), Variant("gru", "gru")
WIDE = Variant("gru of 9 units", "gru", (9,))
NOISE = np.linspace(-0.01, 0.01, 16)


def of(variant: Variant, behaviour: str = "never", batches: str = "contiguous") -> Training:
    return Training(behaviour, batches, variant)


def around(carried: float, reset: float) -> dict[str, Any]:
    return {"loss": [[0.3, carried]] * 16, "carried": carried + NOISE, "reset": reset + NOISE}


ERRORS = {
    of(LSTM): around(0.5, 0.8),
    of(LSTM, "every_batch"): around(2, 0.7),
    of(GRU): around(0.1, 0.9),
    of(GRU, "every_batch"): around(3, 0.3),
}


def details(errors: Any = ERRORS) -> dict[str, Any]:
    baselines = {"input": np.full(16, 0.2), "mean": np.full(16, 5.0)}
    return {"replicates": json.loads(json.dumps(statistics(replicates(errors, baselines))))}


def test_losses_are_compared_only_where_one_thing_differs() -> None:
    three = ERRORS | {of(WIDE): around(0.2, 0.3)}
    compared = {(one["a"], one["b"]) for one in details(three)["replicates"]["final_losses"]}
    assert compared == {
        ("contiguous_never_lstm", "contiguous_every_batch_lstm"),
        ("contiguous_never_lstm", "contiguous_never_gru"),
        ("contiguous_every_batch_lstm", "contiguous_every_batch_gru"),
        ("contiguous_never_gru", "contiguous_every_batch_gru"),
        ("contiguous_never_gru", "contiguous_never_gru_of_9_units"),
    }, "not the lstm and the gru of 9 units, which differ in two"


def test_the_advice_names_the_network_and_compares_it_with_itself_without_memory() -> None:
    run = {"training": {"epochs": 2}, "dataset": {"source": "noisy_sine"}}
    text = advice(details(), run)
    assert text.startswith(
        "**On unseen data, networks (gru) trained in contiguous batches and never reset have the lowest error**: 0.1,"
    )
    assert (
        "- better than networks of the same batches, network and optimizer that have no memory, neither in training "
        "nor afterwards (0.3): lower in 16 of 16 seeds, by 0.2 (95 %"
    ) in text
    assert "Memory does harm" not in text
    assert "on a stateful network (gru), without a reset. To forecast," in what_to_do(details())
    worse = ERRORS | {of(LSTM): around(0.8, 0.9)}
    assert "**Memory does harm in contiguous batches, lstm**: networks trained with it have" in advice(
        details(worse), run
    )


def test_the_verdict_tells_the_effect_of_the_network_from_that_of_the_states() -> None:
    from test_verdict import FORECASTS, NO_CLAIMS, found

    run = NO_CLAIMS | {
        "model": NO_CLAIMS["model"] | MODEL,
        "optimizer": ADADELTA,
        "cases": {"a": NEVER, "b": NEVER | {"cell": "gru"}, "c": RESET | {"cell": "gru"}},
    }
    cases = {"a": case(), "b": case(weights={1: "x"}), "c": case(weights={1: "y"})}
    errors = {of(LSTM): around(0.5, 0.8), of(GRU): around(0.1, 0.9), of(GRU, "every_epoch"): around(0.3, 0.9)}
    scored = replicates(errors, {"input": np.full(16, 0.2), "mean": np.full(16, 5.0)})
    text = verdict(found(cases, run, replicates=scored, forecasts=FORECASTS), run)
    assert text.count("\nWhat the cell, the units or the optimizer does to the") == 2
    assert "| never reset, contiguous batches | lstm or gru | gru | 16 of 16 seeds | 0.4 (95 % interval:" in text
    assert "| contiguous, gru | never reset or reset every epoch | never reset | 16 of 16 seeds | 0.2 (95 %" in text
    assert "lower without the reset in 16 of 16 seeds with contiguous batches, gru." in text
    assert "| `a` | never reset, contiguous batches, lstm |" in text


def test_what_is_to_be_changed_is_what_the_cases_differ_in() -> None:
    others = [of(LSTM), of(LSTM, "every_batch"), of(GRU), of(GRU, "every_batch")]
    assert _otherwise([of(GRU), of(GRU, "every_batch")], others) == ["the cell"]
    assert _otherwise([of(GRU)], others) == ["when the states are reset", "the cell"]
    assert _otherwise([of(WIDE, "every_epoch")], others[:1]) == ["when the states are reset", "the cell", "the units"]


def test_of_networks_that_cannot_be_told_apart_that_with_the_lower_median_is_advised_whichever_comes_first() -> None:
    run = {"training": {"epochs": 2}, "dataset": {"source": "noisy_sine"}}
    zigzag = np.tile([0.01, -0.01], 8)
    alike = {of(LSTM): around(0.1, 0.9), of(GRU): around(0.1, 0.9)}
    alike[of(GRU)]["carried"] = alike[of(LSTM)]["carried"] + zigzag - 0.0001
    for errors in (alike, dict(reversed(alike.items()))):
        text = advice(details(errors), run)
        assert "cannot tell which of these trainings has the lowest error" in text
        assert "Of the simplest, those with the lowest median are networks (gru) trained" in text


def test_no_claim_of_a_difference_is_ruled_out_between_networks() -> None:
    small = {"model": {"batch_size": 1}, "training": {"epochs": 1}}
    assert why_the_same(of(LSTM), of(LSTM, "never", "interleaved"), small, windows=1)
    assert not why_the_same(of(LSTM), of(GRU, "never", "interleaved"), small, windows=1)
    assert not why_the_same(of(LSTM), of(GRU), small, windows=1)


def test_figures_have_a_row_of_panels_for_each_variant_and_lines_that_can_be_told_apart() -> None:
    trainings = [*ERRORS, of(LSTM, "never", "interleaved")]
    assert by_order(trainings) == [
        {
            "contiguous batches, lstm": [of(LSTM), of(LSTM, "every_batch")],
            "interleaved batches, lstm": [of(LSTM, "never", "interleaved")],
        },
        {"contiguous batches, gru": [of(GRU), of(GRU, "every_batch")]},
    ]
    run = params(a=NEVER, b=NEVER | {"cell": "gru"}, c=RESET)
    groups = grouped([["a"], ["b"], ["c"]], run)
    assert [(group.names, group.namesakes) for group in groups] == [(("a",), 0), (("b",), 1), (("c",), 0)]


# ---- the whole pipeline

CASES = {
    "single_fit": NEVER,
    "gru": NEVER | {"cell": "gru"},
    "gru_loop": LOOP | {"cell": "gru"},
    "sgd": STATELESS | {"units": [4], "optimizer": SGD},
}
CLAIMS = {"identical": [["gru", "gru_loop"]], "different": [["gru", "single_fit"]]}


@pytest.mark.slow
def test_a_run_of_several_networks_has_the_same_jobs_by_both_engines_and_trains_again_what_changes(
    project: Project,
) -> None:
    changes = {"cases": CASES, "claims": CLAIMS} | ONE_SHARD
    project.make_tiny(**changes)
    jobs, stages = (
        {output: job["command"] for output, job in graph(project).items()} for graph in (snakemake_graph, dvc_graph)
    )
    assert jobs == stages
    assert any("--optimizer.momentum" in command for command in jobs.values())
    project(*ENGINES["snakemake"])
    made = project.artifacts()
    assert b"All claims hold, 2 of 2." in made["results/verdict.md"]
    assert b"contiguous_never_gru_of_3_2_units_with_adadelta/carried" in made["results/replicates/1-1/errors.csv"]
    project.assert_snakemake_is_content()
    project("dvc", "commit", "--force")
    project.assert_dvc_is_content()
    # Another optimizer of one case trains this case and the replicates.
    cases = CASES | {"sgd": CASES["sgd"] | {"optimizer": SGD | {"learning_rate": 0.05}}}
    project.write_params(project.params() | {"cases": cases})
    done = project.run("snakemake", "--dry-run", "--nocolor")
    for rule in ("train", "train_replicates"):
        assert re.search(rf"^{rule} +1$", done.stdout + done.stderr, flags=re.MULTILINE)
    status = json.loads(project("dvc", "status", "--json"))
    assert [stage for stage in status if stage.startswith("train@")] == ["train@sgd"]
