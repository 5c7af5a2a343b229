"""Which differences a number of seeds can show."""

import numpy as np
import pytest

from dasbench.analysis.power import detectable_effect, planning_floor, seeds_needed, t_power


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
