"""Which variants are worth their cost where scores are noisy."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dasbench.analysis.families import significantly_better
from dasbench.analysis.pareto import classify, pareto_front
from dasbench.analysis.standings import standings
from dasbench.analysis.stats import summarise

NAN, INF = float("nan"), float("inf")


def apart(mean, half_width):
    """Whether the interval of i lies above that of j."""
    return (mean - half_width)[:, None] > mean + half_width


class TestStandings:
    COST = np.array([1.0, 1.2, 1.1])
    MEAN = np.array([76.0, 75.9, 70.0])

    def test_only_a_significant_difference_dominates(self):
        better = apart(self.MEAN, np.array([0.3, 0.3, 0.3]))

        assert classify(self.MEAN, self.COST, better) == ["front", "possibly", "dominated"]

    def test_paired_scores_resolve_what_overlapping_intervals_do_not(self):
        luck = np.array([-2.0, 1.0, 2.0, 0.0, -1.0])  # shared by all variants of a seed
        gains = {"cheap": [0.0] * 5, "dear": [-0.5, -0.6, -0.5, -0.4, -0.5]}
        scores = {name: dict(enumerate(70 + luck + gain)) for name, gain in gains.items()}
        summaries = [summarise(list(own.values())) for own in scores.values()]
        mean, half_width = (
            np.array([s.mean for s in summaries]),
            np.array([s.half_width for s in summaries]),
        )
        cost = np.array([1.0, 2.0])

        assert classify(mean, cost, apart(mean, half_width)) == ["front", "possibly"]
        assert classify(mean, cost, significantly_better(scores).better) == ["front", "dominated"]

    def test_one_seed_dominates_nothing(self):
        better = apart(self.MEAN, np.array([NAN, NAN, NAN]))

        assert classify(self.MEAN, self.COST, better) == ["front", "possibly", "possibly"]

    def test_a_better_variant_that_costs_more_dominates_nothing(self):
        better = apart(np.array([70.0, 80.0]), np.array([0.1, 0.1]))

        assert classify(np.array([70.0, 80.0]), np.array([1.0, 2.0]), better) == ["front", "front"]

    def test_costs_of_several_kinds_all_have_to_be_no_more(self):
        mean, better = (
            np.array([80.0, 70.0]),
            apart(np.array([80.0, 70.0]), np.array([0.1, 0.1])),
        )

        assert classify(mean, np.array([[1.0, 5.0], [1.0, 4.0]]), better) == ["front", "front"]
        assert classify(mean, np.array([[1.0, 4.0], [1.0, 4.0]]), better) == ["front", "dominated"]

    def test_less_can_be_better(self):
        loss, half_width = np.array([0.2, 0.9]), np.array([0.01, 0.01])

        better = apart(-loss, half_width)
        assert classify(loss, np.array([1.0, 1.0]), better, direction="min") == [
            "front",
            "dominated",
        ]

    def test_a_variant_without_a_score_or_a_cost_is_unknown(self):
        mean, cost = np.array([NAN, 70.0, 71.0]), np.array([1.0, 1.0, NAN])

        assert classify(mean, cost, np.zeros((3, 3), dtype=bool)) == ["unknown", "front", "unknown"]

    def test_no_variants_have_no_standings(self):
        assert classify(np.empty(0), np.empty(0), np.zeros((0, 0), dtype=bool)) == []

    def test_costs_or_comparisons_of_other_variants_are_refused(self):
        with pytest.raises(ValueError, match="compare all 3 variants"):
            classify(self.MEAN, self.COST, np.zeros((2, 2), dtype=bool))
        with pytest.raises(ValueError, match="3 scores and 2 costs"):
            classify(self.MEAN, self.COST[:2], np.zeros((3, 3), dtype=bool))

    @given(
        hnp.arrays(np.float64, 12, elements=st.integers(0, 9).map(float)),
        hnp.arrays(np.float64, 12, elements=st.integers(0, 4).map(float)),
        st.floats(0, 3),
    )
    def test_a_point_is_dominated_exactly_if_one_that_costs_no_more_is_clearly_better(
        self, mean, cost, half_width
    ):
        better = apart(mean, np.full(12, half_width))
        standings = classify(mean, cost, better)
        beaten = [any(better[j, i] and cost[j] <= cost[i] for j in range(12)) for i in range(12)]
        front = pareto_front(np.column_stack([mean, cost]), ["max", "min"])

        assert [s == "dominated" for s in standings] == beaten
        assert [s == "front" for s in standings] == front.tolist()


class TestManyVariants:
    @staticmethod
    def noisy(num_variants, seeds, rng):
        means = rng.uniform(50, 90, num_variants)
        scores = [dict(enumerate(mean + rng.normal(0, 0.01, seeds))) for mean in means]
        return scores, rng.integers(0, 20, num_variants).astype(float)

    @pytest.mark.parametrize("direction", ["max", "min"])
    @pytest.mark.parametrize("seed", range(5))
    def test_one_test_for_each_variant_never_says_more_than_all_pairs(self, seed, direction):
        scores, costs = self.noisy(60, 6, np.random.default_rng(seed))
        every = standings(scores, costs, direction=direction)
        few = standings(scores, costs, direction=direction, all_pairs_up_to=10)

        assert {i for i, s in enumerate(few) if s == "dominated"} <= {
            i for i, s in enumerate(every) if s == "dominated"
        }
        assert [s == "front" for s in few] == [s == "front" for s in every]
        assert few.count("dominated") > 30

    def test_noise_alone_makes_nobody_dominated(self):
        rng = np.random.default_rng(0)
        called = [
            "dominated"
            in standings(
                [dict(enumerate(rng.normal(0, 1, 3))) for _ in range(60)],
                rng.random(60),
                all_pairs_up_to=10,
            )
            for _ in range(100)
        ]

        assert sum(called) <= 12  # the level is 5 %

    def test_one_seed_each_leaves_everything_open(self):
        rng = np.random.default_rng(0)
        found = standings([{0: float(x)} for x in rng.random(500)], rng.random(500))

        assert set(found) == {"front", "possibly"}

    def test_a_variant_without_a_score_or_a_cost_is_unknown_among_many(self):
        found = standings(
            [{}, {0: 1.0, 1: 1.1}, {0: 1.0, 1: 1.2}],
            np.array([1.0, np.nan, 1.0]),
            all_pairs_up_to=0,
        )

        assert found == ["unknown", "unknown", "front"]

    def test_twenty_thousand_variants_at_five_seeds_are_placed_at_once(self):
        scores, costs = self.noisy(20_000, 5, np.random.default_rng(0))

        began = process_time()
        found = standings(scores, costs)
        assert (
            process_time() - began < 3.0
        )  # a comparison of all pairs would take 20,000 times as long
        assert {"front", "possibly"} <= set(found)
