"""Planned looks at results that are not complete: what each may spend, and when it stops."""

from typing import ClassVar

import numpy as np
import pytest
from few_seeds import GAINS, by_seed
from hypothesis import given
from hypothesis import strategies as st

from dasbench.analysis.looks import spend, take_look
from dasbench.analysis.stats import paired
from dasbench.errors import UsageError

WIDE = np.array([1.27, -1.27, 0.6, -0.6, 0.0])
"""Differences with mean 0 and standard deviation 0.993."""


class TestLooks:
    BASE = by_seed([0.0] * 20)
    LOOKS = (5, 10, 20)
    others: ClassVar[dict[str, dict[int, float]]] = {f"other {i}": {} for i in range(99)}
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
