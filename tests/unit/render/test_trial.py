"""All that is known of a trial, what differs between two, and its curve."""

import json
import math

import pytest
from fabricated_results import HOSTILE, fill
from hypothesis import given
from hypothesis import strategies as st

from dasbench.errors import UsageError
from dasbench.records import Epoch
from dasbench.render.plots.curve import draw, figure_title
from dasbench.render.tables.printing import print_table
from dasbench.render.tables.table import Layout
from dasbench.render.text.sparkline import sparkline
from dasbench.render.trial import difference_tables, failure_text, trial_record, trial_tables
from dasbench.results.store import open_store
from dasbench.views.figures.curve import info
from dasbench.views.trial import curves, differences, read_trial


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """A filled database."""
    place = tmp_path_factory.mktemp("trials") / "results.db"
    with open_store(place) as store:
        fill(store)
    return str(place)


def print_tables(tables):
    for table in tables:
        print_table(table, Layout())


@pytest.mark.parametrize("key", ["aa0", "cc1", "dd0", "dd1", "dd2", "dd3"])
def test_a_trial_of_any_state_can_be_told(db, key, capsys):
    trial = read_trial(db, key)

    record = trial_record(trial)
    print_tables(trial_tables(trial))

    assert json.loads(json.dumps(record))["key"] == key
    assert key in capsys.readouterr().out


def test_a_record_holds_everything(db):
    record = trial_record(read_trial(db, "aa0"))

    assert [study["study"] for study in record["studies"]] == ["first", "second"]
    assert [study["reused"] for study in record["studies"]] == [False, True]
    assert record["spec"]["backbone"] == {"name": "resnet18", "width": 2}
    assert record["cost"]["macs_full"] == 34_000
    assert [point["epoch"] for point in record["epochs"]] == [1, 2, 3]
    assert record["attempts"][0]["how"] == "done"
    assert record["environment"]["torch"] == "2.6"


def test_a_failure_shows_its_traceback_and_its_reason(db):
    trial = read_trial(db, "dd0")

    assert ("state", "failed (oom)") in trial_tables(trial)[0].rows
    assert "RuntimeError: boom" in failure_text(trial)
    assert failure_text(read_trial(db, "aa0")) == ""


def test_a_trial_that_was_started_twice_lists_both_attempts(db, capsys):
    print_tables(trial_tables(read_trial(db, "cc1")))

    assert "interrupted" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["bb0", "dd0"])
def test_hostile_text_does_nothing_to_a_terminal(db, key, capsys):
    trial = read_trial(db, key)

    print_tables(trial_tables(trial))

    out = capsys.readouterr().out + failure_text(trial)
    assert "\x1b" not in out
    assert "[/] \\x1b[31m $\\frac{$" in out


def test_two_trials_differ_in_what_was_asked_and_what_came_out(db):
    found = {
        (one.part, one.field): one
        for one in differences(read_trial(db, "aa0"), read_trial(db, "bb1"))
    }

    assert found["spec", "gate.design"].second == "b"
    assert found["spec", "seed"].difference == 1
    assert found["metrics", "top1"].difference == pytest.approx(18.75)
    assert ("metrics", "val_loss") not in found  # both are infinite
    assert ("environment", "torch") not in found


def test_a_trial_differs_from_one_that_never_ran_in_all_that_was_measured(db):
    found = {
        (one.part, one.field): one
        for one in differences(read_trial(db, "dd3"), read_trial(db, "cc0"))
    }

    assert (found["state", "state"].first, found["state", "state"].second) == ("pending", "done")
    assert found["costs", "macs_full"].first is None
    assert math.isnan(found["metrics", "top1"].second)
    assert found["metrics", "top1"].difference is None


def test_a_trial_differs_from_itself_in_nothing(db, capsys):
    trial = read_trial(db, "cc0")

    found = differences(trial, trial)
    print_tables(difference_tables(trial, trial, found))

    assert found == []
    assert "differ in nothing" in capsys.readouterr().out


def test_differences_of_hostile_labels_are_printed_as_text(db, capsys):
    first, second = read_trial(db, "aa0"), read_trial(db, "bb0")

    print_tables(difference_tables(first, second, differences(first, second)))

    assert "\x1b" not in capsys.readouterr().out


def test_an_unknown_key_names_the_nearest(db):
    with pytest.raises(
        UsageError, match=r"no trial's key begins with 'aa9'. Did you mean 'aa\d'\?"
    ):
        read_trial(db, "aa9")


def test_several_trials_that_begin_so_are_listed(db):
    with pytest.raises(UsageError, match="several trials' keys begin with 'bb': bb0, bb1"):
        read_trial(db, "bb")


@given(st.lists(st.floats(), max_size=200), st.integers(1, 60))
def test_a_sparkline_is_as_long_as_its_curve_or_as_wide_as_allowed(values, widest):
    line = sparkline(values, widest=widest)

    assert len(line) == min(len(values), widest)
    assert set(line) <= set(" ▁▂▃▄▅▆▇█")
    if len(values) <= widest:
        assert [char == " " for char in line] == [not math.isfinite(value) for value in values]


def test_a_rising_curve_rises():
    assert sparkline(list(range(8))) == "▁▂▃▄▅▆▇█"


def test_curves_are_gathered_by_metric():
    found = curves([Epoch(1, {"loss": 1.0}), Epoch(2, {"loss": 0.5, "top1": 3.0})])

    assert found["loss"] == [1.0, 0.5]
    assert math.isnan(found["top1"][0])


@pytest.mark.parametrize("key", ["aa0", "bb0", "cc1", "dd3"])
@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_a_curve_is_drawn_also_of_a_hostile_label_and_of_no_epoch(db, tmp_path, key, ending):
    file = tmp_path / f"curve{ending}"

    draw(info(read_trial(db, key)), file)

    assert file.stat().st_size > 1000


def test_the_same_curve_gives_the_same_bytes(db, tmp_path):
    for name in ("one.svg", "two.svg"):
        draw(info(read_trial(db, "aa0")), tmp_path / name)

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_scores_losses_and_resources_are_kept_apart(db):
    shown = info(read_trial(db, "aa0"))

    assert (set(shown.scores), set(shown.losses)) == ({"val_top1"}, {"train_loss"})
    assert HOSTILE in figure_title(info(read_trial(db, "bb0")))
