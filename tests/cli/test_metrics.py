"""Metrics of somebody else's: trained with a plug-in, read without it; and metrics that nobody registered."""

import json

import pytest
from command_line import run_dasbench

from dasbench.cli import run_command
from dasbench.records import Cost, Epoch, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.spec.metrics import Metric

OWN = """
from dasbench.catalog import METRICS, TASKS
from dasbench.tasks.probe import Probe
from dasbench.tasks.task import Evaluation


@METRICS.register("my_score", unit="dB", direction="min", tasks=("mine",))
def my_score(x): ...


class Learner:
    def __init__(self, learner):
        self._learner = learner

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def evaluate(self, part):
        found = dict(self._learner.evaluate(part).metrics)
        return Evaluation({**found, "my_score": found["top1"], "odd": found["top1"]})


@TASKS.register("mine")
class Mine(Probe):
    def build(self, trial, **options):
        return Learner(super().build(trial, **options))
"""

STUDY = """\
name: own
question: Which width?
imports: [own.py]
base:
  task: {name: mine, formula: "90 - backbone.width"}
  backbone: {name: resnet18, width: 4, stem: small}
  dataset: {name: digits, image_size: 8}
  training: {epochs: 2}
axes:
  - {key: backbone.width, values: [2, 4]}
seeds: 2
objectives: [my_score min, macs min]
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """A study of two variants at three seeds, with metrics that its plug-in registered and one that nobody did."""
    path = str(tmp_path_factory.mktemp("db") / "results.db")
    known = {"snr": Metric("dB", "max"), "err": Metric("%", "min")}
    cost = Cost(params_full=10, macs_full=20, params_paper=9, macs_paper=19, input_size=(3, 8, 8))
    with open_store(path) as store:
        members = {
            (gate, seed): Member(
                key=f"{gate}0{seed}",
                spec={},
                variant={"gate": gate},
                label=gate,
                seed=seed,
                dataset="digits",
            )
            for gate in ("aa", "bb")
            for seed in range(3)
        }
        document = {"objectives": ["top1 max"]}
        store.plan("s", members=list(members.values()), document=document, metrics=known)
        for (gate, seed), member in members.items():
            score = (50.0 if gate == "aa" else 60.0) + seed + (seed == 1) * (gate == "aa") / 10
            values = {"top1": score, "snr": score, "err": score, "odd": score, "epochs": 2.0}
            curve = (
                Epoch(1, {"val_err": 3.0, "val_odd": 3.0}),
                Epoch(2, {"val_err": 4.0, "val_odd": 4.0}),
            )
            outcome = Outcome(
                key=member.key, status="done", metrics=values, cost=cost, epochs=curve
            )
            assert store.add(outcome, store.claim(member.key, "s"))
    return path


@pytest.fixture
def ask(db, capsys):
    """Runs a command; answers its exit code and all that it printed."""

    def run(*arguments):
        code = run_command([*arguments, "--db", db])
        return code, "".join(capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("metric", "better", "unit"), [("snr", "bb", "dB"), ("err", "aa", "pp"), ("top1", "bb", "pp")]
)  # fmt: skip
def test_compare_judges_in_the_unit_and_the_direction_that_the_study_keeps(
    ask, metric, better, unit
):
    code, out = ask("compare", "aa", "bb", "s", "--metric", metric)

    assert code == 0
    assert out.startswith(f"{better} beats ")
    assert f" {unit} (95% CI)" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "aa", "bb", "s", "--metric", "odd"],
        ["compare", "--baseline", "aa", "s", "--metric", "odd"],
        ["pareto", "s", "--metric", "odd", "--format", "json"],
        ["pareto", "s", "--metric", "odd", "--hypervolume", "--format", "json"],
        ["leaderboard", "s", "--sort", "odd"],
    ],
)
def test_what_nobody_registered_is_never_ranked(ask, arguments):
    code, out = ask(*arguments)

    assert code == 2
    assert (
        "metric 'odd' is not registered, so nothing says whether more or less of it is better"
        in out
    )


def test_a_count_is_never_ranked_either_and_nobody_is_told_to_register_it(ask):
    code, out = ask("compare", "aa", "bb", "s", "--metric", "epochs")

    assert code == 2
    assert "metric 'epochs' has no direction: neither more nor less of it is better" in out
    assert "register" not in out


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["compare", "aa", "bb", "s", "--metric", "odd", "--direction", "max"], "bb beats aa"),
        (["compare", "aa", "bb", "s", "--metric", "odd", "--direction", "min"], "aa beats bb"),
        (["compare", "aa", "bb", "s", "--metric", "err", "--direction", "max"], "bb beats aa"),
    ],
)
def test_whoever_says_the_direction_gets_an_answer(ask, arguments, first):
    code, out = ask(*arguments)

    assert (code, out[: len(first)]) == (0, first)


def test_an_unknown_metric_is_answered_with_the_nearest_before_its_direction_is_asked_for(ask):
    code, out = ask("compare", "aa", "bb", "s", "--metric", "od")

    assert code == 2
    assert "unknown metric 'od'. Did you mean 'odd'?" in out


def test_the_front_goes_by_the_direction_that_is_kept_or_that_the_command_names(ask):
    _, kept = ask("pareto", "s", "--metric", "err", "--format", "json")
    code, named = ask(
        "pareto", "s", "--objective", "odd:max", "--objective", "macs:min", "--format", "json"
    )

    assert {point["label"]: point["on_front"] for point in json.loads(kept)} == {
        "aa": True,
        "bb": False,
    }
    assert {point["label"]: point["on_front"] for point in json.loads(named)} == {
        "aa": False,
        "bb": True,
    }
    assert code == 0


def test_json_shows_every_metric_and_names_no_worst_without_a_direction(ask):
    _, out = ask("leaderboard", "s", "--format", "json")

    record = next(record for record in json.loads(out) if record["label"] == "aa")
    assert [record[f"{name}_worst"] for name in ("top1", "snr", "err", "odd", "epochs")] == [
        50.0,
        50.0,
        52.0,
        None,
        None,
    ]
    assert record["odd_mean"] == record["top1_mean"]


def test_a_curve_has_a_best_value_only_where_somebody_said_what_is_better(ask):
    _, out = ask("show", "aa00")

    rows = {line.split()[1]: line for line in out.splitlines() if " val_" in line}
    assert rows["val_err"].replace("│", " ").split()[-3:] == ["3", "4", "3"]
    assert rows["val_odd"].replace("│", " ").split()[-2:] == ["3", "4"]


@pytest.mark.slow
def test_what_a_plug_in_registers_is_read_where_it_cannot_be_imported(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "own.yaml").write_text(STUDY)
    trained = run_dasbench(tmp_path, "run", "own.yaml", "--executor", "inline")
    (tmp_path / "own.py").unlink()

    board = run_dasbench(tmp_path, "leaderboard", "own")
    compared = run_dasbench(
        tmp_path, "compare", "2", "4", "own", "--metric", "val_my_score", "--format", "json"
    )
    odd = run_dasbench(tmp_path, "compare", "2", "4", "own", "--metric", "odd")

    assert trained.code == 0, trained.err
    assert "my_score (dB)" in board.out
    record = json.loads(compared.out)
    assert (record["unit"], record["direction"]) == ("dB", "min")
    assert (odd.code, "'odd' is not registered" in odd.err) == (2, True)
