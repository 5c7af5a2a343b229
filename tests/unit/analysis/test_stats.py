"""What is said of a few seeds: summaries, paired comparisons, families of them, planned looks, and the words for it."""

import subprocess
import sys
from itertools import product
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from dasbench.analysis.families import family, holm, rank_intervals, significantly_better
from dasbench.analysis.looks import spend, take_look
from dasbench.analysis.power import detectable_effect, planning_floor, seeds_needed, t_power
from dasbench.analysis.significance import sign_flip_p, t_tests
from dasbench.analysis.stats import Comparison, paired, summarise
from dasbench.errors import UsageError
from dasbench.render.verdicts import one_seed_note, verdict

GAINS = [0.80, -0.10, 0.55, 0.05, 0.20]
"""Differences of c minus f whose statistics were worked out by hand: mean 1.5 / 5, squares about it sum to 0.545."""

WIDE = np.array([1.27, -1.27, 0.6, -0.6, 0.0])
"""Differences with mean 0 and standard deviation 0.993."""


def by_seed(values, first=0):
    return {first + i: float(value) for i, value in enumerate(values)}


def against_zero(differences, **options):
    return paired(by_seed(differences), by_seed([0.0] * len(differences)), **options)


class TestSummary:
    def test_mean_spread_and_interval_match_the_t_distribution(self):
        summary = summarise([78.0, 78.5, 77.9], failed=2)

        assert (summary.n, summary.failed, summary.worst) == (3, 2, 77.9)
        assert summary.mean == pytest.approx(78.1333333)
        assert summary.sd == pytest.approx(0.3214550)  # sqrt((0.1333^2 + 0.3667^2 + 0.2333^2) / 2)
        assert summary.half_width == pytest.approx(
            0.7985385
        )  # t(.975, 2) = 4.302653, times sd / sqrt(3)

    def test_one_seed_has_no_spread(self):
        summary = summarise([78.0])

        assert (summary.mean, summary.worst) == (78.0, 78.0)
        assert summary.sd is None
        assert summary.half_width is None

    def test_a_variant_whose_seeds_all_failed_has_no_mean(self):
        summary = summarise([], failed=3)

        assert (summary.n, summary.failed) == (0, 3)
        assert summary.mean is None
        assert summary.worst is None

    def test_the_worst_loss_is_the_largest(self):
        assert summarise([0.3, 0.9, 0.5], direction="min").worst == 0.9

    def test_rounding_is_no_spread(self):
        assert summarise([0.1 + 0.2, 0.3, 0.3]).sd == 0.0

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_score_that_is_not_finite_is_refused(self, value):
        with pytest.raises(ValueError, match="count the seed as failed"):
            summarise([1.0, value])


class TestPairedComparison:
    def test_the_worked_example_has_the_values_of_the_t_distribution(self):
        c = against_zero(GAINS)

        assert c.n == 5
        assert c.difference == pytest.approx(0.30)
        assert c.sd == pytest.approx(0.3691206)  # sqrt(0.545 / 4)
        assert c.half_width == pytest.approx(0.4583237)  # 2.776445 * 0.3691206 / sqrt(5)
        assert c.p == pytest.approx(0.1433181)  # t = 1.817348 with 4 degrees of freedom
        assert c.detectable == pytest.approx(
            0.6208598, abs=1e-6
        )  # by integrating the power and a root search
        assert (c.more_seeds, c.resolved, c.equivalent) == (9, False, False)

    @given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=9))
    def test_the_p_value_and_interval_are_those_of_scipy(self, pairs):
        a, b = np.array(pairs).T
        c = paired(by_seed(a), by_seed(b))
        if not c.sd or c.sd < 1e-6:
            return  # scipy divides by rounding errors here

        expected = oracle.ttest_rel(a, b)
        interval = expected.confidence_interval(0.95)
        assert c.p == pytest.approx(expected.pvalue, abs=1e-9)
        assert c.difference - c.half_width == pytest.approx(interval.low, rel=1e-6, abs=1e-6)
        assert c.difference + c.half_width == pytest.approx(interval.high, rel=1e-6, abs=1e-6)

    def test_only_common_seeds_count_and_the_others_are_reported(self):
        c = paired({0: 1.0, 1: 2.0, 2: 3.0, 7: 99.0}, {0: 0.5, 1: 1.0, 2: 2.7, 8: -99.0})

        assert (c.n, c.left_out) == (3, 2)
        assert c.difference == pytest.approx(0.6)

    def test_swapping_the_variants_changes_the_sign_alone(self):
        a, b = by_seed([3.0, 4.5, 5.0, 2.0, 4.0, 4.4]), by_seed([2.5, 4.6, 4.0, 1.0, 3.9, 4.1])
        forth, back = paired(a, b), paired(b, a)

        assert back.difference == -forth.difference
        assert (back.p, back.p_sign_flip, back.half_width) == (
            forth.p,
            forth.p_sign_flip,
            forth.half_width,
        )

    def test_no_common_seed_says_nothing(self):
        c = paired({0: 1.0}, {1: 1.0})

        assert (c.n, c.left_out) == (0, 2)
        assert [
            c.difference,
            c.sd,
            c.half_width,
            c.p,
            c.p_sign_flip,
            c.more_seeds,
            c.detectable,
        ] == [None] * 7
        assert not c.resolved

    def test_one_common_seed_gives_the_number_alone(self):
        c = paired({0: 1.5}, {0: 1.0})

        assert c.difference == 0.5
        assert [c.sd, c.half_width, c.p, c.more_seeds, c.detectable] == [None] * 5
        assert not c.resolved

    @pytest.mark.parametrize("n", [2, 3, 4, 5])
    def test_a_few_equal_differences_resolve_nothing(self, n):
        c = paired(by_seed([91.5 + 0.1] * n), by_seed([91.5] * n), min_effect=5.0)

        assert c.sd == 0.0
        assert c.half_width is None
        assert c.p is None
        assert not c.resolved
        assert not c.equivalent

    def test_equal_differences_are_judged_by_the_sign_flip_test_from_six_on(self):
        c = against_zero([0.3] * 6)

        assert c.p == c.p_sign_flip == 2 / 2**6
        assert c.half_width == 0.0
        assert c.resolved

    def test_equal_scores_over_six_seeds_are_equivalent_not_resolved(self):
        c = against_zero([0.0] * 6, min_effect=0.5)

        assert c.p == 1.0
        assert c.equivalent
        assert not c.resolved

    def test_an_interval_inside_the_smallest_effect_is_equivalent(self):
        differences = [0.1, -0.1, 0.05, 0.0, -0.05]  # 0.0 +- 0.098

        assert against_zero(differences, min_effect=0.1).equivalent
        assert not against_zero(differences, min_effect=0.09).equivalent

    @pytest.mark.parametrize("min_effect", [0.0, -0.5, float("nan"), float("inf")])
    def test_a_smallest_effect_that_is_none_is_refused(self, min_effect):
        with pytest.raises(ValueError, match="min_effect has to be above 0"):
            against_zero(GAINS, min_effect=min_effect)

    def test_a_score_that_is_not_finite_is_refused(self):
        with pytest.raises(ValueError, match="not nan; leave the seed out"):
            against_zero([1.0, float("nan")])

    def test_missing_seeds_in_a_table_are_left_out_row_by_row(self):
        tests = t_tests(np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 4.0], [np.nan, np.nan, 3.0]]))

        assert tests.n.tolist() == [3, 2, 1]
        assert tests.p[:2] == pytest.approx(
            [oracle.ttest_1samp(x, 0).pvalue for x in ([1, 2, 4], [1, 4])]
        )
        assert np.isnan(tests.p[2])


class TestSignFlip:
    def test_the_exact_p_value_is_that_of_scipy(self):
        differences = np.array([1.2, -0.4, 0.7, 0.9, 0.3, 1.1, -0.2])

        assert (
            sign_flip_p(differences) == 12 / 128
        )  # scipy.stats.permutation_test over all samples: 0.09375

    @given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
    def test_the_exact_p_value_counts_every_pattern_of_signs(self, differences):
        sums = [
            abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
            for signs in product((-1, 1), repeat=len(differences))
        ]

        assert sign_flip_p(np.array(differences) * 0.1) == np.mean(
            [s >= abs(sum(differences)) for s in sums]
        )

    def test_many_differences_are_drawn_the_same_way_every_time(self):
        differences = np.random.default_rng(5).normal(0.3, 1.0, 40)

        first, second = sign_flip_p(differences), sign_flip_p(differences)
        assert first == second == pytest.approx(oracle.ttest_1samp(differences, 0).pvalue, abs=0.01)

    def test_it_is_reported_from_six_seeds_on(self):
        assert against_zero([1, 2, 3, 4, 5]).p_sign_flip is None
        assert against_zero([1, 2, 3, 4, 5, 6]).p_sign_flip == 0.03125


class TestPower:
    # Golden values: the integral over s of P(Z > t s - effect sqrt(n) / sd) under the density of a
    # sample's sd.
    @pytest.mark.parametrize(
        ("effect", "sd", "n", "alpha", "power"),
        [
            (0.5, 0.369120576505835, 5, 0.05, 0.6271085693),
            (0.5, 0.369120576505835, 6, 0.05, 0.7553084845),
            (3.0, 1.0, 2, 0.05, 0.2607705653),
            (1.0, 1.0, 10, 0.001, 0.1598497194),
            (3.0, 1.0, 5, 0.05 / 19900, 0.0018455560),
        ],
    )
    def test_the_power_is_that_of_the_noncentral_t(self, effect, sd, n, alpha, power):
        assert t_power(effect, sd, n, alpha=alpha) == pytest.approx(power, abs=1e-7)

    def test_the_seeds_are_the_first_with_enough_power(self):
        sd = 0.369120576505835

        assert t_power(0.3, sd, 13) == pytest.approx(0.7673380, abs=1e-6)
        assert t_power(0.3, sd, 14) == pytest.approx(0.8024890, abs=1e-6)
        assert seeds_needed(0.3, sd) == seeds_needed(-0.3, sd) == 14

    @pytest.mark.parametrize("alpha", [0.05, 0.001, 0.05 / 19900])
    @pytest.mark.parametrize("n", [2, 3, 5, 20, 200])
    def test_the_detectable_effect_needs_exactly_these_seeds(self, n, alpha):
        effect = detectable_effect(0.4, n, alpha=alpha)

        assert t_power(effect, 0.4, n, alpha=alpha) == pytest.approx(0.8, abs=1e-6)
        assert seeds_needed(effect * 1.0001, 0.4, alpha=alpha) == n

    @pytest.mark.parametrize("n", [2, 3, 30, 1000])
    @pytest.mark.parametrize("alpha", [0.05, 1e-7])
    def test_power_grows_with_the_effect_however_large(self, n, alpha):
        powers = [t_power(effect, 1.0, n, alpha=alpha) for effect in np.geomspace(1e-3, 1e8, 60)]

        assert np.isfinite(powers).all()
        assert (np.diff(powers) >= -1e-5).all()
        assert powers[-1] == pytest.approx(1.0)

    def test_nothing_is_planned_without_an_effect_or_spread_or_end(self):
        assert seeds_needed(0.0, 1.0) is None
        assert seeds_needed(1.0, 0.0) is None
        assert seeds_needed(1e-6, 1.0) is None
        assert detectable_effect(0.0, 5) is None
        assert detectable_effect(1.0, 1) is None

    def test_the_planning_floor_is_the_one_of_the_test_set(self):
        assert planning_floor(66.41, 8580) == pytest.approx(
            0.4424, abs=1e-4
        )  # 100 sqrt(0.3359 / 17160)

    @pytest.mark.parametrize(("top1", "num_examples"), [(101.0, 10), (-1.0, 10), (50.0, 0)])
    def test_a_floor_without_a_percentage_or_a_test_set_is_refused(self, top1, num_examples):
        with pytest.raises(ValueError, match="a floor needs"):
            planning_floor(top1, num_examples)

    def test_power_without_spread_is_refused(self):
        with pytest.raises(ValueError, match="sd above 0"):
            t_power(1.0, 0.0, 5)


class TestVerdict:
    def test_the_worked_example_reads_word_for_word(self):
        assert verdict("c", "f", against_zero(GAINS)) == (
            "c beats f by 0.30 ± 0.46 pp (95% CI), p = 0.14, 5 paired seeds: not resolved; "
            "about 9 more seeds needed to resolve a difference of this size (80% power)."
        )

    def test_the_one_that_is_ahead_comes_first(self):
        assert verdict("c", "f", against_zero([-d for d in GAINS])).startswith(
            "f beats c by 0.30 ± 0.46 pp"
        )
        assert verdict("c", "f", against_zero(GAINS), "", direction="min").startswith(
            "f beats c by 0.30 ± 0.46 (95%"
        )

    def test_a_resolved_difference_says_so_and_no_more(self):
        assert verdict("c", "a", against_zero([1.1, 1.3, 1.2, 1.0, 1.4])) == (
            "c beats a by 1.20 ± 0.20 pp (95% CI), p < 0.001, 5 paired seeds: resolved."
        )

    def test_an_equivalent_difference_names_the_margin(self):
        assert verdict("c", "f", against_zero([0.2, -0.1, 0.1, 0.0, -0.1], min_effect=0.5)) == (
            "c beats f by 0.02 ± 0.16 pp (95% CI), p = 0.75, 5 paired seeds: equivalent within ±0.50 pp."
        )

    def test_a_resolved_difference_too_small_to_matter_is_both(self):
        text = verdict("c", "f", against_zero([0.11, 0.13, 0.12, 0.10, 0.14], min_effect=0.5))

        assert text.endswith("resolved, but equivalent within ±0.50 pp.")

    def test_seeds_are_planned_for_the_effect_that_matters(self):
        # power for 0.50 at sd 0.369: 0.755 with 6 seeds, 0.845 with 7
        assert verdict("c", "f", against_zero(GAINS, min_effect=0.5)).endswith(
            "not resolved; about 2 more seeds needed to resolve a difference of 0.50 pp (80% power)."
        )
        assert verdict("c", "f", against_zero(GAINS, min_effect=0.7)).endswith(
            "not resolved; these seeds already resolve a difference of 0.70 pp (80% power)."
        )

    def test_one_more_seed_is_in_the_singular(self):
        # power for 0.55 at sd 0.369: 0.705 with 5 seeds, 0.828 with 6
        assert "about 1 more seed needed to resolve" in verdict(
            "c", "f", against_zero(GAINS, min_effect=0.55)
        )

    def test_a_difference_out_of_all_reach_has_a_bound(self):
        assert "more than 10,000 more seeds needed" in verdict(
            "c", "f", against_zero([1.0, -1.0, 1.0, -0.9999])
        )

    def test_an_exact_tie_of_means_plans_nothing(self):
        assert verdict("c", "f", against_zero([0.5, -0.5])) == (
            "c and f differ by 0.00 ± 6.35 pp (95% CI), p = 1.00, 2 paired seeds: not resolved; "
            "without a difference or a spread no number of seeds can be planned."
        )

    def test_one_seed_gives_a_number_and_the_planning_floor(self):
        assert verdict(
            "c", "f", paired({0: 66.41}, {0: 66.11}), floor=planning_floor(66.41, 8580)
        ) == (
            "c is 0.30 pp above f on the seed they share. 1 seed: no spread known; with the planning floor "
            "sqrt(err/2n) = 0.44 pp, differences under 1.2 pp are within noise."
        )
        assert verdict("c", "f", paired({0: 1.0}, {0: 1.0})) == (
            "c is level with f on the seed they share. 1 seed: no spread known."
        )

    def test_the_note_on_one_seed_reads_word_for_word(self):
        assert one_seed_note(0.4426) == (
            "1 seed: no spread known; with the planning floor sqrt(err/2n) = 0.44 pp, "
            "differences under 1.2 pp are within noise"
        )

    def test_equal_differences_claim_no_interval(self):
        assert verdict("c", "f", against_zero([-0.3] * 3)) == (
            "c is 0.30 pp below f on each of 3 paired seeds: no spread seen, so not resolved."
        )

    def test_no_common_seed_is_said(self):
        assert (
            verdict("c", "f", paired({0: 1.0}, {1: 1.0}))
            == "c and f share no seed: nothing to compare."
        )

    def test_seeds_without_a_partner_are_counted(self):
        c = paired(by_seed(GAINS), by_seed([0.0] * 8))

        assert "5 paired seeds (3 without a partner left out): not resolved" in verdict("c", "f", c)

    def test_the_p_values_of_a_family_and_of_sign_flips_stand_in_brackets(self):
        base = by_seed([0.0] * 6)
        c = family({"f": base, "c": by_seed([*GAINS, 0.3]), "d": by_seed([*GAINS, 0.31])}, "f")["c"]

        assert "p = 0.077 (Holm over 2: 0.15, sign flip: 0.094), 6 paired seeds" in verdict(
            "c", "f", c
        )

    def test_small_units_keep_two_digits_of_the_half_width(self):
        c = against_zero([d / 100 for d in GAINS])

        assert verdict("c", "f", c, "").startswith("c beats f by 0.0030 ± 0.0046 (95% CI)")

    @pytest.mark.parametrize(
        ("p", "shown"), [(0.0496, "0.050"), (0.0504, "0.0504"), (0.0502, "0.0502")]
    )
    def test_rounding_never_moves_a_p_value_across_the_level(self, p, shown):
        c = Comparison(
            n=5, left_out=0, difference=1.0, sd=1.0, half_width=1.0, p=p, p_sign_flip=None, min_effect=None,
            more_seeds=3, detectable=2.0, resolved=p <= 0.05, equivalent=False,
        )  # fmt: skip

        assert f"p = {shown}, 5" in verdict("c", "f", c)

    def test_an_unplanned_look_is_called_exploratory(self):
        text = verdict(
            "c",
            "a",
            against_zero([1.1, 1.3, 1.2, 1.0, 1.4]),
            exploratory="a look that was not planned",
        )

        assert text.endswith(": resolved (exploratory: a look that was not planned).")

    @given(
        st.lists(st.integers(-3, 3).map(lambda d: d / 10), max_size=9),
        st.sampled_from([None, 0.2, 1.0]),
    )
    def test_no_verdict_ever_says_that_there_is_no_difference(self, differences, min_effect):
        text = verdict("c", "f", against_zero(differences, min_effect=min_effect), floor=0.4)

        assert "no difference" not in text
        assert "nan" not in text
        assert "None" not in text
        assert text.endswith(".")


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
            for (i, j), c, p in zip(pairs, alone, holm([c.p for c in alone]), strict=True)
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


class TestLooks:
    BASE = by_seed([0.0] * 20)
    LOOKS = (5, 10, 20)
    others: ClassVar = {f"other {i}": {} for i in range(99)}
    dropped: ClassVar = dict.fromkeys(others, "out of reach")

    def look(self, number=1, **variants):
        options = {
            name: variants.pop(name) for name in ("min_effect", "settled") if name in variants
        }
        return take_look(
            {"base": self.BASE, **variants}, "base", looks=self.LOOKS, number=number, **options
        )

    def test_three_looks_spend_a_fifth_three_tenths_and_half(self):
        assert spend(3) == pytest.approx((0.01, 0.015, 0.025))
        assert spend(1) == pytest.approx((0.05,))
        assert spend(2) == pytest.approx((0.02, 0.03))

    @given(st.integers(1, 12), st.floats(0.001, 0.5))
    def test_the_looks_spend_exactly_the_level_and_ever_more(self, looks, alpha):
        levels = spend(looks, alpha)

        assert sum(levels) == pytest.approx(alpha)
        assert list(levels) == sorted(levels)

    def test_a_plan_without_looks_is_refused(self):
        with pytest.raises(ValueError, match="at least 1 look"):
            spend(0)

    def test_a_large_difference_is_resolved_and_a_small_one_stays_open(self):
        look = self.look(c=by_seed(GAINS), g=by_seed([5.0, 5.1, 4.9, 5.2, 5.0]))

        assert look.states == {"c": "open", "g": "resolved"}
        assert look.open == ("c",)
        assert (look.level, look.next_seeds, look.exploratory) == (pytest.approx(0.01), 10, False)

    def test_an_interval_inside_the_smallest_effect_stops_a_variant(self):
        look = self.look(c=by_seed([0.1, -0.1, 0.05, 0.0, -0.05]), min_effect=0.5)

        assert look.states == {"c": "equivalent"}
        assert look.next_seeds is None

    def test_noise_that_twenty_seeds_cannot_beat_is_out_of_reach(self):
        look = self.look(c=by_seed([9.0, -8.0, 7.0, -9.0, 1.5]), min_effect=0.5)

        assert look.states == {"c": "out of reach"}

    def test_a_larger_family_puts_small_differences_out_of_reach(self):
        # 0.35 at a spread of 0.99: a fifth of a chance at the last look at level .025, next to none
        # at .025 / 100
        c = by_seed(WIDE + 0.35)

        assert self.look(c=c).states["c"] == "open"
        assert self.look(c=c, **self.others, settled=self.dropped).states["c"] == "out of reach"

    def test_a_variant_that_may_still_turn_out_equivalent_is_in_reach(self):
        # twenty seeds at a spread of 0.99 make a half-width of 0.46
        c = by_seed(WIDE)

        assert (
            self.look(c=c, **self.others, settled=self.dropped, min_effect=0.50).states["c"]
            == "open"
        )
        assert (
            self.look(c=c, **self.others, settled=self.dropped, min_effect=0.45).states["c"]
            == "out of reach"
        )

    def test_what_was_settled_stays_settled_and_keeps_its_place(self):
        settled = {"g": "resolved", "e": "equivalent", "c": "open"}
        look = self.look(
            2,
            e=by_seed([9.0] * 5),
            c=by_seed([1.0, 1.1, 0.9, 1.0, 1.2] * 2),
            g=by_seed([0.0] * 5),
            settled=settled,
        )

        assert list(look.states.items()) == [
            ("e", "equivalent"),
            ("c", "resolved"),
            ("g", "resolved"),
        ]
        assert look.next_seeds is None

    def test_variants_that_were_dropped_still_count_in_holms_correction(self):
        # mean 0.85, sd 0.79 over 10 seeds: p = 0.008, below .015 alone and above .015 / 2
        c = by_seed(np.array([1.0, -1.0, 0.5, -0.5, 0.0] * 2) + 0.80)
        p = paired(c, self.BASE).p
        assert 0.0075 < p < 0.015

        assert self.look(2, c=c, d={}, settled={"d": "resolved"}).states["c"] == "resolved"
        assert self.look(2, c=c, d={}, settled={"d": "out of reach"}).states["c"] == "open"

    def test_what_is_open_at_the_last_look_has_no_next(self):
        look = self.look(3, c=by_seed(GAINS * 4))

        assert look.next_seeds is None

    def test_a_look_beyond_the_plan_is_exploratory(self):
        look = self.look(4, c=by_seed([0.1, -0.1] * 10))

        assert look.exploratory
        assert look.next_seeds is None

    def test_a_variant_with_too_few_seeds_stays_open(self):
        assert self.look(c={0: 5.0}, d={}).states == {"c": "open", "d": "open"}

    @pytest.mark.parametrize("looks", [(), (1, 5), (5, 5), (10, 5)])
    def test_a_plan_that_does_not_ascend_is_refused(self, looks):
        with pytest.raises(ValueError, match="looks are ascending numbers of seeds"):
            take_look({"base": self.BASE}, "base", looks=looks, number=1)

    def test_looks_are_numbered_from_one(self):
        with pytest.raises(ValueError, match="numbered from 1"):
            self.look(0)

    def test_an_unknown_baseline_names_the_nearest(self):
        with pytest.raises(UsageError, match="Did you mean 'base'"):
            take_look({"base": self.BASE}, "bass", looks=self.LOOKS, number=1)


def test_importing_the_analysis_loads_nothing_slow():
    modules = ", ".join(
        f"dasbench.analysis.{name}" for name in ("stats", "families", "looks", "pareto")
    )
    slow = "{'torch', 'pandas', 'matplotlib', 'sqlalchemy', 'scipy'}"
    script = f"import sys, {modules}; print(sorted({slow} & set(sys.modules)))"

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
