"""How classes are shown: the worst ones of a trial, what is mistaken for what, the plot and the table."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from fabricated_results import HOSTILE, finish, member
from fabricated_studies import row
from matplotlib.figure import Figure
from matplotlib.image import imread

from dasbench.catalog import PLOTS
from dasbench.confusion import Confusion
from dasbench.errors import UsageError
from dasbench.render.files.export import export
from dasbench.render.plots.confusion import draw
from dasbench.render.tables.printing import print_table
from dasbench.render.tables.table import Layout
from dasbench.render.trial import trial_record, trial_tables
from dasbench.results.store import open_store
from dasbench.views.classes import class_scores, with_confusions
from dasbench.views.figures.confusion import MOST_PANELS, info
from dasbench.views.selection import Selection, select_studies
from dasbench.views.trial import read_trial

SMALL = Confusion.from_places(["cat", "dog", "owl"], [0, 1, 3, 4], [8, 2, 3, 1])
"""No owl is in the test part."""


def confusion_of(classes, *, seed=0, name="class"):
    """Some confusion of some classes, one of which has no example."""
    draws = np.random.default_rng(seed).poisson(3, (classes, classes)) + 40 * np.eye(
        classes, dtype=int
    )
    draws[classes // 2] = 0
    flat = draws.flatten()
    places = flat.nonzero()[0]
    return Confusion.from_places(
        [f"{name} {n}" for n in range(classes)], places.tolist(), flat[places].tolist()
    )


def selection(rows, **confusions):
    return Selection(
        name="s", question="Which?", metric="top1", maximise=True, rows=rows, confusions=confusions
    )  # fmt: skip


def print_trial(trial):
    for table in trial_tables(trial):
        print_table(table, Layout())


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Trials with a small confusion, with a large one, with hostile names, with none; one that was put back."""
    place = tmp_path_factory.mktemp("classes") / "results.db"
    large = confusion_of(150, name="a class of a rather long name")
    hostile = Confusion.from_places([HOSTILE, "=1+1"], [0, 1, 2, 3], [5, 2, 1, 6])
    with open_store(place) as store:
        keys = ("aa0", "aa1", "aa2", "bb0", "cc0")
        store.plan("s", members=[member(key) for key in keys], question="Which?")
        finish(store, "aa0", "s", confusion=SMALL.to_text())
        finish(store, "aa1", "s", confusion=large.to_text())
        finish(store, "aa2", "s", confusion=hostile.to_text())
        finish(store, "bb0", "s")
        finish(store, "cc0", "s", status="stopped", confusion=SMALL.to_text())
        store.retry(["cc0"], ["stopped"])
        store.plan("none", members=[member("bb0")], question="Which?")
    return str(place)


class TestTrials:
    def test_the_worst_class_comes_first_and_one_without_examples_last(self):
        scores = class_scores(SMALL)

        assert [(score.name, score.accuracy) for score in scores] == [
            ("dog", 25.0),
            ("cat", 80.0),
            ("owl", None),
        ]
        assert [score.taken_for for score in scores] == ["cat", "dog", ""]

    def test_a_trial_shows_its_classes_and_what_was_mistaken(self, db, capsys):
        print_trial(read_trial(db, "aa0"))

        out = capsys.readouterr().out
        lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
        assert ["dog", "cat", "25.0", "1", "4"] in lines
        assert ["owl", "", "-", "0", "0"] in lines
        assert ["dog", "cat", "3", "75.0"] in lines

    def test_of_many_classes_the_worst_are_shown_with_their_whole_names(self, db):
        tables = {table.title: table for table in trial_tables(read_trial(db, "aa1"))}

        worst = tables["Classes of the test part, the worst first"]
        assert len(worst.rows) == 12
        assert worst.notes == ["138 more classes, all as good or better: `json` has every one"]
        assert all(row[0].startswith("a class of a rather long name ") for row in worst.rows)
        assert len(tables["Most often taken for another class"].rows) == 12

    def test_names_of_classes_do_nothing_to_a_terminal(self, db, capsys):
        print_trial(read_trial(db, "aa2"))

        assert "\x1b" not in capsys.readouterr().out

    def test_a_trial_without_a_confusion_shows_no_classes(self, db, capsys):
        print_trial(read_trial(db, "bb0"))

        assert "Classes of the test part" not in capsys.readouterr().out
        assert trial_record(read_trial(db, "bb0"))["confusion"] is None

    def test_a_record_has_the_cells_and_every_class(self, db):
        record = json.loads(json.dumps(trial_record(read_trial(db, "aa0"))["confusion"]))

        assert record["classes"][0] == {"class": "cat", "number": 10, "right": 8, "accuracy": 80.0}
        assert record["classes"][2] == {"class": "owl", "number": 0, "right": 0, "accuracy": None}
        assert record["cells"][1] == {"class": "cat", "taken_for": "dog", "number": 2}

    def test_a_trial_that_is_tried_again_forgets_its_confusion(self, db):
        with open_store(db) as store:
            assert store.confusions(["aa0", "cc0"]) == {"aa0": SMALL}


class TestTables:
    def test_cells_are_exported_trial_by_trial(self, db, tmp_path):
        export(db, tmp_path / "cells.csv", what="confusion")

        with (tmp_path / "cells.csv").open(newline="") as file:
            records = list(csv.DictReader(file))
        first = [record for record in records if record["key"] == "aa0" and record["study"] == "s"]
        assert [(record["class"], record["taken_for"], int(record["number"])) for record in first] == [
            ("cat", "cat", 8), ("cat", "dog", 2), ("dog", "cat", 3), ("dog", "dog", 1)
        ]  # fmt: skip
        assert {record["class"][0] for record in records if record["key"] == "aa2"} == {"'", "["}

    @pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
    def test_a_study_without_any_confusion_is_an_empty_table(self, db, tmp_path, ending):
        export(db, tmp_path / f"cells.{ending}", studies=["none"], what="confusion")

        assert (tmp_path / f"cells.{ending}").exists()

    def test_a_copy_of_a_study_keeps_its_confusions(self, db, tmp_path):
        export(db, tmp_path / "copy.db", studies=["s"])

        with open_store(tmp_path / "copy.db") as store:
            assert store.confusions(["aa0"]) == {"aa0": SMALL}


class TestPlot:
    def test_seeds_are_added_up_and_each_class_is_its_own_hundred_percent(self):
        rows = [row("a", 0, 80, 10), row("a", 1, 80, 10)]
        other = Confusion.from_places(SMALL.classes, [0, 4], [10, 4])

        [panel] = info(selection(rows, a0=SMALL, a1=other)).panels

        assert panel.shares[0].tolist() == [90.0, 10.0, 0.0]
        assert panel.shares[1].tolist() == [37.5, 62.5, 0.0]
        assert np.isnan(panel.shares[2]).all()
        assert (panel.seeds, panel.accuracy) == (2, 76.25)

    def test_a_search_winner_is_shown_by_its_fresh_seeds(self):
        rows = [row("a", 0, 80, 10, role="search"), row("a", 1, 70, 10, role="confirm")]
        fresh = Confusion.from_places(SMALL.classes, [0, 4], [1, 1])

        [panel] = info(selection(rows, a0=SMALL, a1=fresh)).panels

        assert (panel.seeds, panel.accuracy) == (1, 100.0)

    def test_variants_without_a_confusion_are_left_out(self):
        rows = [row("a", 0, 80, 10), row("b", 0, 80, 10)]

        assert [panel.label for panel in info(selection(rows, b0=SMALL)).panels] == ["b"]

    def test_more_variants_than_fit_are_refused(self):
        rows = [row(f"v{number}", 0, 80, 10) for number in range(MOST_PANELS + 1)]

        with pytest.raises(
            UsageError,
            match=f"{MOST_PANELS + 1} variants are more than the {MOST_PANELS} that fit; use `where`",
        ):
            info(selection(rows, **{each.key: SMALL for each in rows}))

    def test_other_classes_are_refused(self):
        rows = [row("a", 0, 80, 10), row("b", 0, 80, 10)]

        with pytest.raises(UsageError, match="not all of these trials have the same classes"):
            info(selection(rows, a0=SMALL, b0=confusion_of(3)))

    def test_a_study_whose_results_say_nothing_of_classes_is_refused(self, db):
        with pytest.raises(
            UsageError, match=r"study 'none': no result says which classes.*--again"
        ):
            with_confusions(db, select_studies(db, ["none"]))

    def test_the_confusions_of_a_study_are_read_for_the_plot_alone(self, db):
        bare = select_studies(db, ["s"])

        assert bare.confusions == {}
        assert set(with_confusions(db, bare).confusions) == {"aa0", "aa1", "aa2"}
        assert PLOTS["confusion"].traits.needs == "confusions"

    @pytest.mark.parametrize(
        ("classes", "variants"), [(1, 1), (2, 1), (2, 4), (10, 1), (10, 5), (30, 2), (100, 2)]
    )
    def test_nothing_of_a_figure_is_cut_off(self, tmp_path, classes, variants):
        rows = [
            row(f"variant {number}", seed, 80, 10)
            for number in range(variants)
            for seed in range(2)
        ]
        confusions = {
            each.key: confusion_of(classes, name="a name that is long", seed=each.seed)
            for each in rows
        }
        what = info(selection(rows, **confusions)) if classes > 1 else info(selection(rows, **dict.fromkeys(
            confusions, Confusion.from_places(["only"], [0], [3]))))  # fmt: skip

        with warnings.catch_warnings():
            warnings.simplefilter("error")  # matplotlib warns where a layout has no room
            draw(what, tmp_path / "a.png")

        pixels = imread(tmp_path / "a.png")[..., :3]
        border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
        assert all((edge == 1).all() for edge in border)

    @pytest.mark.parametrize(("classes", "variants"), [(2, 1), (10, 2)])
    def test_no_empty_strip_is_left_between_the_title_and_the_matrices(
        self, monkeypatch, classes, variants
    ):
        figures = []
        monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
        rows = [row(f"variant {number}", 0, 80, 10) for number in range(variants)]

        draw(
            info(selection(rows, **{each.key: confusion_of(classes) for each in rows})),
            Path("a.png"),
        )

        [figure] = figures
        figure.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in figure.axes]
        title = min(text.get_window_extent().y0 for text in figure.texts)
        above, below = title - max(box.y1 for box in boxes), min(box.y0 for box in boxes)
        assert 0 <= above / figure.dpi < 0.3
        assert 0 <= below / figure.dpi < 0.3

    def test_equal_results_give_equal_bytes(self, tmp_path):
        what = info(selection([row("a", 0, 80, 10)], a0=SMALL))
        for name in ("a.svg", "b.svg"):
            draw(what, tmp_path / name)

        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()

    def test_names_of_classes_are_taken_literally(self, tmp_path):
        names = [HOSTILE, r"$\frac{$", "_x", "x" * 300, ""]
        confusion = Confusion.from_places(names, [0, 6, 8, 12], [1, 2, 3, 4])

        draw(info(selection([row("a", 0, 80, 10)], a0=confusion)), tmp_path / "a.svg")

        assert b"\x1b" not in (tmp_path / "a.svg").read_bytes()
