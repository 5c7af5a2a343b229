"""Many comparisons at once: what is corrected, and the ranks that are left open."""

from typing import ClassVar

import numpy as np
import pytest
from few_seeds import GAINS, by_seed
from hypothesis import given
from hypothesis import strategies as st

from dasbench.analysis.families import family, holm, rank_intervals, significantly_better
from dasbench.analysis.power import seeds_needed
from dasbench.analysis.stats import paired
from dasbench.errors import UsageError


class TestFamily:
    def test_holm_adjusts_as_r_does(self):
        # what p.adjust of R returns for method "holm"
        assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
        # By hand: sorted .005 x 4, .01 x 3, .03 x 2, .04 x 1, then kept in order
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_a_test_that_was_not_made_does_not_count(self):
        assert holm([0.03, np.nan, 0.9]) == pytest.approx([0.06, np.nan, 0.9], nan_ok=True)
        assert holm([]).tolist() == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    def test_holm_lies_between_the_p_value_and_bonferroni_and_keeps_the_order(self, p):
        p = np.array(p)
        adjusted = holm(p)

        assert (adjusted >= p).all()
        assert (adjusted <= np.minimum(1, p * len(p)) + 1e-12).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()

    def test_variants_are_resolved_by_their_adjusted_p_values(self):
        noise = np.array([0.3, -0.2, 0.1, -0.3, 0.1])  # mean 0, sd sqrt(0.24 / 4) = 0.245
        scores = {"f": by_seed([0.0] * 5)} | {f"v{i}": by_seed(noise + 0.35) for i in range(3)}
        c = family(scores, "f")["v1"]

        assert c.p == pytest.approx(0.0331, abs=5e-5)  # t = 0.35 / 0.10954 = 3.195
        assert c.p_holm == pytest.approx(3 * c.p)
        assert (c.family_size, c.resolved) == (3, False)
        assert paired(scores["v1"], scores["f"]).resolved

    def test_seeds_are_planned_at_the_level_of_the_place_in_the_family(self):
        scores = {
            "f": by_seed([0.0] * 5),
            "c": by_seed(GAINS),
            "g": by_seed([9.0, 9.1, 9.2, 9.1, 8.9]),
        }
        scores["h"] = by_seed([0.81, -0.3, 0.1, 0.0, 0.1])  # the largest p value of three
        c, h = (family(scores, "f")[name] for name in "ch")

        assert c.more_seeds == seeds_needed(c.difference, c.sd, alpha=0.05 / 2) - 5 > 9
        assert h.more_seeds == seeds_needed(h.difference, h.sd, alpha=0.05) - 5

    def test_a_variant_without_pairs_is_listed_and_not_tested(self):
        scores = {"f": by_seed([0.0] * 5), "c": by_seed(GAINS), "lost": {}, "single": {0: 1.0}}
        comparisons = family(scores, "f")

        assert list(comparisons) == ["c", "lost", "single"]
        assert comparisons["c"].family_size == 1
        assert comparisons["lost"].p_holm is None
        assert comparisons["single"].difference == 1.0

    def test_an_unknown_baseline_names_the_nearest(self):
        with pytest.raises(UsageError, match=r"unknown baseline 'nobe'.*Did you mean 'none'"):
            family({"none": {}, "das": {}}, "nobe")


class TestRankIntervals:
    FOUR: ClassVar = {
        "low": by_seed([1.0, 1.1, 0.9, 1.2, 1.0]),
        "mid": by_seed([5.0, 5.2, 4.9, 5.1, 5.1]),
        "also_mid": by_seed([5.1, 5.0, 5.0, 5.2, 5.0]),
        "high": by_seed([9.0, 9.2, 9.1, 9.0, 8.9]),
    }

    def test_resolved_neighbours_bound_the_rank(self):
        ranks = {name: (r.low, r.high) for name, r in rank_intervals(self.FOUR).items()}

        assert ranks == {"low": (4, 4), "mid": (2, 3), "also_mid": (2, 3), "high": (1, 1)}

    def test_less_is_better_turns_the_ranks_round(self):
        ranks = rank_intervals(self.FOUR, direction="min")

        assert (ranks["low"].low, ranks["low"].high, ranks["low"].best) == (1, 1, True)
        assert (ranks["high"].low, ranks["high"].high) == (4, 4)

    def test_those_that_are_not_resolved_from_the_best_tie_with_it(self):
        ranks = rank_intervals({name: self.FOUR[name] for name in ("low", "mid", "also_mid")})

        assert [name for name, r in ranks.items() if r.best] == ["also_mid"]
        assert [name for name, r in ranks.items() if r.ties_with_best] == ["mid", "also_mid"]

    def test_single_seeds_leave_every_rank_open(self):
        ranks = rank_intervals({"a": {0: 1.0}, "b": {0: 9.0}, "c": {0: 5.0}})

        assert {(r.low, r.high) for r in ranks.values()} == {(1, 3)}
        assert all(r.ties_with_best for r in ranks.values())

    def test_a_variant_without_a_score_keeps_every_rank_but_ties_with_none(self):
        lost = rank_intervals({**self.FOUR, "lost": {}})["lost"]

        assert (lost.low, lost.high, lost.best, lost.ties_with_best) == (1, 5, False, False)

    def test_superiority_agrees_with_comparing_every_pair_by_itself(self):
        rng = np.random.default_rng(3)
        scores = {v: by_seed(rng.normal(v / 2, 1, 9)) for v in range(6)}
        for seed in range(4):
            del scores[2][seed]
        pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
        alone = [paired(scores[i], scores[j]) for i, j in pairs]
        expected = {
            (i, j) if c.difference > 0 else (j, i)
            for (i, j), c, p in zip(pairs, alone, holm([float(c.p) for c in alone]), strict=True)
            if p <= 0.05
        }

        better = significantly_better(scores).better
        assert expected
        assert {(int(i), int(j)) for i, j in np.argwhere(better)} == expected

    def test_two_hundred_variants_are_ranked(self):
        rng = np.random.default_rng(1)
        ranks = rank_intervals({v: by_seed(rng.normal(v, 1.0, 5)) for v in range(200)})

        assert len(ranks) == 200
        assert ranks[0].low > 100
        assert ranks[199].high < 100

    @pytest.mark.parametrize("scores", [{}, {"only": {0: 1.0}}])
    def test_too_few_to_compare_are_no_error(self, scores):
        assert [(r.low, r.high) for r in rank_intervals(scores).values()] == [(1, 1)] * len(scores)

    def test_a_score_that_is_not_finite_is_refused(self):
        with pytest.raises(ValueError, match="not inf at seed 3"):
            rank_intervals({"a": {3: float("inf")}, "b": {3: 1.0}})
