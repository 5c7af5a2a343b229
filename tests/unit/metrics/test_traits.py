"""Units and directions of metrics: read from registrations, kept with the study, and never made up."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from fabricated_results import finish, member
from fabricated_studies import row
from older_layouts import undo_sixth
from tiny_trials import TASK_FIELDS, tiny_trial

from dasbench.catalog import METRICS, PLOTS
from dasbench.errors import UsageError
from dasbench.metrics.traits import metrics_of_study, registered_metrics
from dasbench.render.units import metric_title
from dasbench.results.reading import read_store
from dasbench.results.store import open_store
from dasbench.spec.metrics import Metric, metric_of, plain_name
from dasbench.spec.study import Objective
from dasbench.training.run_trial import run_trial
from dasbench.views.board import make_board
from dasbench.views.quantities import with_metric
from dasbench.views.selection import Selection, select_studies
from dasbench.views.units import better_direction, known_metrics, score_unit

OWN = {
    "nll": Metric("nats", "min"),
    "ece": Metric("%", "min"),
    "err": Metric("%", "min"),
    "RMSE": Metric("", "min"),
    "dice": Metric("%", "max"),
    "my_score": Metric("dB", "max"),
    "val_speed": Metric("1/s", "max"),
    "number": Metric(),
}
SCORES = {"aa0": 1.0, "aa1": 2.0, "bb0": 3.0, "bb1": 4.0}


@pytest.fixture
def plugin():
    """Registers metrics as a module of somebody else's would; they are gone after the test."""

    def register(name, **traits):
        METRICS.register(name, **traits)(lambda: 0.0)

    return register


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    """A study that keeps what its plug-in said of its metrics, and one that keeps nothing; both return the same."""
    where = tmp_path_factory.mktemp("kept") / "results.db"
    with open_store(where) as store:
        for study, kept in (("told", OWN), ("silent", {})):
            names = [*OWN, "loss", "pixel_accuracy"]
            store.plan(study, members=[member(key) for key in SCORES], metrics=kept)
            for key, score in SCORES.items():
                if study == "told":
                    values = {
                        **dict.fromkeys(names, score),
                        **{f"val_{name}": score for name in names},
                    }
                    finish(store, key, study, metrics={"top1": score, **values})
    return where


@pytest.fixture
def place(read_only, tmp_path):
    """A copy of it to write to."""
    return Path(shutil.copy(read_only, tmp_path / "results.db"))


def test_reading_finds_what_a_metric_is_registered_with_and_imports_none():
    code = "import json, sys; from dasbench.catalog import METRICS\n"
    code += "written = {name: vars(traits) for name, traits in METRICS.written_traits().items()}\n"
    code += "print(json.dumps([written, 'torch' in sys.modules]))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    written, has_torch = json.loads(done.stdout)
    facts = ("unit", "direction")
    assert not has_torch
    for name, traits in written.items():
        assert [traits[fact] for fact in facts] == [
            getattr(METRICS[name].traits, fact) for fact in facts
        ], name
    assert "top1" in written


@pytest.mark.slow
@pytest.mark.parametrize("task", TASK_FIELDS)
def test_whatever_a_task_of_ours_returns_is_registered(task):
    outcome = run_trial(tiny_trial(task, "none"))

    assert outcome.status == "done", outcome.error
    returned = {*outcome.metrics, *(name for epoch in outcome.epochs for name in epoch.metrics)}
    assert {plain_name(name) for name in returned} <= set(metrics_of_study([task]))


@pytest.mark.parametrize(
    "name", ["nll", "ece", "err", "RMSE", "dice", "my_score", "odd_loss", "val_error", "top-1"]
)
def test_a_metric_that_nobody_registered_has_neither_unit_nor_direction(name):
    assert metric_of(name, known_metrics()) == Metric("", None)
    assert (score_unit(name), better_direction(name)) == ("", None)


@pytest.mark.parametrize(
    "name", ["pixel_accuracy", "miou", "ap_small", "top5", "balanced_accuracy", "macro_f1"]
)
@pytest.mark.parametrize("part", ["", "val_", "train_", "test_"])
def test_a_share_in_percent_is_one_on_every_part_of_the_data(name, part):
    unit = metric_of(part + name, known_metrics()).unit

    assert (score_unit(part + name), metric_title(part + name, unit)) == ("pp", f"{part}{name} (%)")
    assert better_direction(part + name) == "max"


def test_a_loss_is_better_when_low_unless_the_study_says_otherwise():
    assert [better_direction(name) for name in ("loss", "val_loss", "train_loss")] == ["min"] * 3
    assert better_direction("val_loss", [("loss", "max")]) == "max"


def test_what_a_plug_in_registers_is_known_at_once(plugin):
    plugin("my_score", unit="dB", direction="min", tasks=("mine",))

    known = registered_metrics()

    assert metric_of("val_my_score", known) == Metric("dB", "min")
    assert "my_score" in metrics_of_study(["mine"])
    assert "my_score" not in metrics_of_study(["classification"])


def test_a_metric_of_a_name_that_looks_like_a_part_of_another_is_itself(plugin):
    plugin("speed", unit="s", direction="min")
    plugin("val_speed", unit="1/s", direction="max")

    known = registered_metrics()

    assert metric_of("val_speed", known) == Metric("1/s", "max")
    assert metric_of("train_speed", known) == Metric("s", "min")


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"direction": "higher"}, "direction 'higher'; write 'max' or 'min'"),
        ({"direction": True}, "direction True; write"),
        ({"unit": "x" * 21}, "unit 'xxxxxxxxxxxxxxxxxxxxx'; write up to 20"),
        ({"unit": "a\nb"}, r"unit 'a\\nb'; write"),
        ({"unit": None}, "unit None; write"),
    ],
)
def test_a_unit_or_a_direction_that_is_none_is_refused_with_its_place(plugin, traits, said):
    with pytest.raises(
        UsageError,
        match=rf"metric 'my_score' \(.*test_traits\.py:\d+\) is registered with {said}",
    ):
        plugin("my_score", **traits)


def test_objectives_win_over_the_registration():
    known = metrics_of_study(["probe"], [Objective(metric="top1", direction="min")])

    assert known["top1"] == Metric("%", "min")


def test_what_installed_packages_offer_is_kept_and_a_broken_one_disturbs_nobody(
    monkeypatch, tmp_path, plugin
):
    text = "from dasbench.catalog import METRICS\n"
    text += "@METRICS.register('offered', unit='dB', direction='max')\ndef offered(): ...\n"
    (tmp_path / "offering_module.py").write_text(text)
    (tmp_path / "broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        metadata.EntryPoint("offered", "offering_module", "dasbench.metrics"),
        metadata.EntryPoint("broken", "broken_module", "dasbench.metrics"),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda **_: points)

    known = metrics_of_study(["classification"])

    sys.modules.pop("offering_module", None)
    assert (known["offered"], "broken" in known) == (Metric("dB", "max"), False)
    with pytest.raises(UsageError, match="broken_module"):
        metrics_of_study(["classification"], [Objective(metric="broken", direction="max")])


@pytest.mark.parametrize("name", OWN)
def test_a_study_keeps_what_its_plug_in_said(read_only, name):
    chosen = with_metric(select_studies(str(read_only), ["told"]), name)

    assert (chosen.unit, chosen.unit_of(f"val_{name}")) == (OWN[name].unit, OWN[name].unit)
    assert chosen.maximise == {"max": True, "min": False, None: None}[OWN[name].direction]


@pytest.mark.parametrize("name", ["nll", "my_score", "number"])
def test_a_metric_without_a_direction_is_shown_and_ranks_nothing(read_only, name):
    chosen = with_metric(select_studies(str(read_only), ["silent"]), name)

    assert {row.metrics[name] for row in chosen.rows} == {1.0, 2.0, 3.0, 4.0}
    with pytest.raises(
        UsageError, match=f"metric '{name}' is not registered.*--objective {name}:max"
    ):
        make_board(chosen)


def test_no_seed_is_the_worst_without_a_direction(read_only):
    boards = [make_board(select_studies(str(read_only), [study])) for study in ("told", "silent")]

    told, silent = [
        {
            line.entry.label: {name: summary.worst for name, summary in line.summaries.items()}
            for line in board.lines
        }
        for board in boards
    ]
    assert {name: told["variant a"][name] for name in OWN} == {
        "nll": 2.0, "ece": 2.0, "err": 2.0, "RMSE": 2.0, "dice": 1.0, "my_score": 1.0, "val_speed": 1.0, "number": None,
    }  # fmt: skip
    assert {silent["variant a"][name] for name in OWN} == {None}
    assert (silent["variant a"]["val_loss"], silent["variant a"]["pixel_accuracy"]) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("sort", "lowest_first"),
    [
        ("nll", True),
        ("val_nll_low", True),
        ("RMSE_worst", True),
        ("my_score", False),
        ("val_speed", False),
        ("number desc", False),
        ("number asc", True),
    ],
)
def test_a_column_sorts_in_the_direction_that_its_metric_is_registered_with(
    read_only, sort, lowest_first
):
    board = make_board(select_studies(str(read_only), ["told"]), sort=sort)

    assert (board.lines[0].entry.label == "variant a") == lowest_first


def test_a_column_of_no_direction_is_sorted_only_where_the_command_says_how(read_only):
    chosen = select_studies(str(read_only), ["silent"])

    with pytest.raises(UsageError, match="`sort` 'my_score desc' or `sort` 'my_score asc'"):
        make_board(chosen, sort="my_score")


def test_of_metrics_that_studies_contradict_each_other_in_nothing_is_known(tmp_path):
    with open_store(tmp_path / "results.db") as store:
        store.plan(
            "one",
            members=[member("aa0")],
            metrics={"x": Metric("s", "min"), "y": Metric("s", "min")},
        )
        store.plan(
            "two",
            members=[member("bb0")],
            metrics={"x": Metric("s", "max"), "top1": Metric("%", "max")},
        )

    chosen = select_studies(str(tmp_path / "results.db"), ["one", "two"])

    assert (chosen.metrics["x"], chosen.metrics["y"]) == (Metric("s", None), Metric("s", "min"))


def test_a_study_that_is_planned_again_keeps_what_is_known_now(place):
    with open_store(place) as store:
        store.plan(
            "told", members=[member(key) for key in SCORES], metrics={"nll": Metric("bits", "min")}
        )

    with read_store(place) as reader:
        (told,) = [record for record in reader.studies() if record.name == "told"]

    assert told.metrics == {"nll": Metric("bits", "min")}


def test_a_copied_study_takes_along_what_is_known_of_its_metrics(read_only, tmp_path):
    with read_store(read_only) as reader:
        reader.copy(tmp_path / "copy.db", "told")

    assert select_studies(str(tmp_path / "copy.db"), ["told"]).unit_of("nll") == "nats"


def test_a_study_from_before_metrics_were_kept_gets_those_that_dasbench_registers(place):
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        undo_sixth(connection)
        connection.execute("UPDATE das_alembic_version SET version_num = '0005'")

    with open_store(place) as store:
        kept = [record.metrics for record in store.studies()]

    assert kept == [registered_metrics()] * 2
    assert select_studies(str(place), ["told"]).unit_of("val_pixel_accuracy") == "%"


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "norms": [
        {"gate.first_norm": one, "gate.second_norm": other}
        for one in ("bn", "in")
        for other in ("bn", "in")
    ],
    "alpha": [{"gate.alpha": 0.1}, {"gate.alpha": 0.2}],
    "placement": [{"placement.stages": [1]}, {"placement.stages": [1, 2]}],
    "pareto": [{"gate": "se"}, {"gate": "das"}],
    "hypervolume": [{"gate": "se"}, {"gate": "das"}],
}


def plotted(kind, metric, known):
    rows = [
        row(
            str(number),
            seed,
            1.0,
            10 + number,
            variant=variant,
            metrics={metric: number + seed / 10 + 1.0},
        )
        for number, variant in enumerate(VARIANTS[kind])
        for seed in range(2)
    ]
    return Selection(name="s", question="?", metric="top1", maximise=True, rows=rows, metrics=known)


def info_of(kind, chosen):
    info = PLOTS[kind].traits.info
    assert info is not None
    return info(chosen)


@pytest.mark.parametrize("kind", ["norms", "alpha", "placement", "pareto"])
def test_a_plot_names_the_unit_that_its_study_keeps(kind, tmp_path):
    chosen = with_metric(plotted(kind, "snr", {"snr": Metric("dB", "max")}), "snr")

    PLOTS[kind].make(info_of(kind, chosen), tmp_path / "x.svg")

    assert "snr (dB)" in (tmp_path / "x.svg").read_text(
        "utf-8"
    )  # letters are drawn as paths, beside them in words


@pytest.mark.parametrize("kind", ["norms", "pareto", "hypervolume"])
def test_a_plot_that_ranks_takes_no_metric_without_a_direction(kind):
    chosen = with_metric(plotted(kind, "odd", known_metrics()), "odd")

    with pytest.raises(UsageError, match="'odd' is not registered"):
        info_of(kind, chosen)


@pytest.mark.parametrize("kind", ["alpha", "placement"])
def test_a_plot_that_ranks_nothing_shows_it(kind, tmp_path):
    chosen = with_metric(plotted(kind, "odd", known_metrics()), "odd")

    PLOTS[kind].make(info_of(kind, chosen), tmp_path / "x.svg")

    assert "<!-- odd," in (tmp_path / "x.svg").read_text("utf-8")
