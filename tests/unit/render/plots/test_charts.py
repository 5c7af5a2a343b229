"""Hypervolume, and the charts of the paper: alpha, norms, placement."""

from dataclasses import replace

import pytest
from fabricated_selections import NORMS, ROWS, selection
from fabricated_studies import row

from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.render.plots.alpha import curve_name
from dasbench.render.plots.placement import place_name
from dasbench.spec.labels import label
from dasbench.views.figures.alpha import info as alpha_info
from dasbench.views.figures.hypervolume import info as hypervolume_info
from dasbench.views.figures.norms import info as norms_info
from dasbench.views.figures.placement import info as placement_info


class TestHypervolume:
    def test_the_curve_follows_the_order_in_which_trials_finished(self):
        rows = [
            row("late", 0, 90, 5, finished="2025-01-01T12:02:00+00:00"),
            row("early", 0, 80, 5, finished="2025-01-01T12:00:00+00:00"),
        ]
        (curve,) = hypervolume_info(selection(rows), reference=(70.0, 10.0)).curves

        assert [step.hypervolume for step in curve.steps] == [50.0, 100.0]

    def test_the_last_value_has_an_interval_over_common_seeds(self):
        (curve,) = hypervolume_info(selection(ROWS), reference=(70.0, 30.0)).curves

        assert curve.steps[-1].hypervolume == pytest.approx(11 * 10 + 21 * 10)
        assert curve.seeds == 3
        assert curve.ci95 > 0

    def test_studies_are_measured_against_one_reference(self):
        other = [row("other", s, 60, 50, study="t", key=f"t{s}") for s in range(3)]
        growth = hypervolume_info(selection([*ROWS, *other]))

        assert [curve.study for curve in growth.curves] == ["s", "t"]
        assert growth.reference[0] < 60
        assert growth.reference[1] > 50


class TestChartsOfThePaper:
    def test_alpha_has_a_curve_for_each_setting_of_the_rest(self):
        rows = [
            row(f"{a}{d}", s, 80 + a, 10, variant={"gate.alpha": a, "gate.design": d})
            for a in (0.5, 0.1) for d in "cf" for s in range(2)
        ]  # fmt: skip
        curves = alpha_info(selection(rows)).curves

        assert {curve_name(curve): [point.alpha for point in curve.points] for curve in curves} == {
            "design=c": [0.1, 0.5],
            "design=f": [0.1, 0.5],
        }

    def test_norms_mark_what_ties_with_the_best(self):
        pairs = norms_info(selection(NORMS))

        assert pairs.first == ["bn", "ln"]
        assert pairs.best[0] == "ln"
        assert {pair[0] for pair in pairs.ties} == {"ln"}

    def test_a_pair_of_norms_without_a_score_has_an_empty_cell(self, tmp_path):
        rows = [
            replace(r, metrics={}, state="failed") if r.variant["gate.second_norm"] == "ln" else r
            for r in NORMS
        ]
        pairs = norms_info(selection(rows))
        PLOTS["norms"].make(pairs, tmp_path / "a.svg")

        assert set(pairs.cells) == {("bn", "bn"), ("ln", "bn")}
        assert "no score" in (tmp_path / "a.svg").read_text()

    def test_norms_of_several_designs_are_not_mixed(self):
        rows = [*NORMS, row("x", 0, 1, 1, variant={**NORMS[0].variant, "gate.design": "f"})]

        with pytest.raises(UsageError, match=r"as gate\.design varies too"):
            norms_info(selection(rows))

    def test_placements_are_in_words_and_in_the_order_of_the_study(self):
        places = [
            {"stages": [4], "after": "stage"},
            {"stages": [1, 2, 3], "after": "block"},
            {"after": "before_add"},
        ]
        rows = [row(label({"placement": p}), 0, 80, 10, variant={"placement": p}) for p in places]

        assert [place_name(place) for place in placement_info(selection(rows)).places] == [
            "stage 4, after stage",
            "stages 1-3, after block",
            "before the addition",
        ]

    def test_placements_with_a_label_are_shown_by_it(self):
        rows = [row("Late", 0, 80, 10, variant={"placement": {"stages": [4]}})]
        several = [
            replace(rows[0], label="s: Late"),
            replace(rows[0], study="t", label="t: placement=(stages=4)"),
        ]

        assert list(map(place_name, placement_info(selection(rows)).places)) == ["Late"]
        assert list(map(place_name, placement_info(selection(several)).places)) == [
            "s: Late",
            "t: stage 4",
        ]

    @pytest.mark.parametrize(("gather", "axis"), [(alpha_info, "alpha"), (norms_info, "first_norm"),
                                                  (placement_info, "placement")])  # fmt: skip
    def test_a_study_without_the_axis_is_told_which_it_has(self, gather, axis):
        with pytest.raises(UsageError, match=f"no axis '{axis}'; it varies gate"):
            gather(selection(ROWS))
