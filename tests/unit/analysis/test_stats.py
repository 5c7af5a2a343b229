"""What is said of a few seeds: summaries and paired comparisons."""

import subprocess
import sys

import numpy as np
import pytest
from few_seeds import GAINS, against_zero, by_seed
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from dasbench.analysis.significance import t_tests
from dasbench.analysis.stats import paired, summarise


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
