"""Tests that assume nothing of how scores are spread."""

from itertools import product

import numpy as np
import pytest
from few_seeds import against_zero
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from dasbench.analysis.significance import sign_flip_p


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
