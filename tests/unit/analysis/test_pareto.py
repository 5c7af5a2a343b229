"""Which points are worth their cost: fronts and hypervolumes against brute force."""

from itertools import product
from time import perf_counter, process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dasbench.analysis.pareto import (
    hypervolume,
    hypervolume_of_means,
    pareto_front,
)

NAN, INF = float("nan"), float("inf")

coarse = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, INF, -INF, NAN])
"""Few values, so that ties, copies, infinities and NaN are common."""


def tables(elements, columns):
    return columns.flatmap(
        lambda k: hnp.arrays(
            np.float64, st.tuples(st.integers(0, 40), st.just(k)), elements=elements
        )
    )


def brute_force(points, directions):
    """The definition, point against point."""
    costs = points * [1 if d == "min" else -1 for d in directions]

    def dominates(a, b):
        return (a <= b).all() and (a < b).any()

    return [not np.isnan(b).any() and not any(dominates(a, b) for a in costs) for b in costs]


class TestParetoFront:
    @given(tables(coarse, st.integers(1, 5)), st.data())
    def test_the_front_is_that_of_the_definition_whatever_ties_or_is_missing(self, points, data):
        directions = data.draw(
            st.lists(
                st.sampled_from(["max", "min"]), min_size=points.shape[1], max_size=points.shape[1]
            )
        )

        assert pareto_front(points, directions).tolist() == brute_force(points, directions)

    @given(tables(st.floats(-1e3, 1e3), st.integers(1, 5)))
    def test_the_front_is_that_of_the_definition_for_arbitrary_numbers(self, points):
        directions = ["min"] * points.shape[1]

        assert pareto_front(points, directions).tolist() == brute_force(points, directions)

    # Large enough that points are divided and divided again, not compared all at once.
    @pytest.mark.parametrize("k", [2, 3, 4, 5])
    @pytest.mark.parametrize(
        "kind", ["spread", "coarse", "all on the front", "a column of equals", "two layers"]
    )
    def test_dividing_many_points_finds_the_same_front(self, k, kind):
        rng = np.random.default_rng(k)
        points = rng.random((1500, k))
        if kind == "coarse":
            points = rng.integers(0, 8, (1500, k)).astype(float)
        elif kind == "all on the front":
            points[:, -1] = -points[:, :-1].sum(axis=1)
        elif kind == "a column of equals":
            points[:, k // 2] = 1.0
        elif (
            kind == "two layers"
        ):  # neither dominates within itself, the first dominates part of the second
            points[:, 1] = points[:, 1].round(1)
            points[:, -1] = -points[:, 1:-1].sum(axis=1)
            points[750:, 2:] += 0.05
            points[750:, 0] += 1.0
        expected = [
            not ((points <= b).all(axis=1) & (points < b).any(axis=1)).any() for b in points
        ]

        front = pareto_front(points, ["min"] * k)
        assert front.tolist() == expected
        assert (kind != "all on the front") or front.all()

    @given(tables(coarse, st.just(3)), st.randoms(use_true_random=False))
    def test_the_order_of_the_points_does_not_matter(self, points, random):
        order = list(range(len(points)))
        random.shuffle(order)
        directions = ["min", "max", "min"]

        assert (
            pareto_front(points[order], directions).tolist()
            == pareto_front(points, directions)[order].tolist()
        )

    @given(tables(st.floats(-1e3, 1e3), st.just(2)))
    def test_every_point_off_the_front_is_dominated_by_one_on_it(self, points):
        front = pareto_front(points, ["min", "min"])

        for point in points[~front]:
            assert (
                (points[front] <= point).all(axis=1) & (points[front] < point).any(axis=1)
            ).any()

    def test_copies_of_a_point_are_all_on_the_front_or_none(self):
        points = np.array([[78.0, 2.0], [78.0, 2.0], [70.0, 2.0], [70.0, 2.0]])

        assert pareto_front(points, ["max", "min"]).tolist() == [True, True, False, False]

    def test_a_tie_in_one_objective_is_broken_by_the_other(self):
        points = np.array([[78.0, 2.0], [78.0, 3.0], [77.0, 2.0]])

        assert pareto_front(points, ["max", "min"]).tolist() == [True, False, False]

    def test_nan_is_never_on_the_front_and_dominates_nothing(self):
        points = np.array([[NAN, 0.0], [78.0, 2.0], [99.0, NAN]])

        assert pareto_front(points, ["max", "min"]).tolist() == [False, True, False]

    def test_infinities_are_ordinary_values(self):
        points = np.array([[INF, INF], [1.0, INF], [INF, 1.0], [-INF, INF]])

        assert pareto_front(points, ["min", "min"]).tolist() == [False, False, True, True]

    def test_one_objective_keeps_every_copy_of_the_best(self):
        assert pareto_front(np.array([[3.0], [1.0], [1.0]]), ["min"]).tolist() == [
            False,
            True,
            True,
        ]

    def test_no_points_have_an_empty_front(self):
        assert pareto_front(np.empty((0, 2)), ["min", "max"]).tolist() == []

    def test_integers_are_points_too(self):
        assert pareto_front(np.array([[1, 2], [2, 1], [2, 2]]), ["min", "min"]).tolist() == [
            True,
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("shape", "directions", "message"),
        [
            ((3,), ["min"], "do not have one column"),
            ((3, 2), ["min"], "do not have one column"),
            ((3, 0), [], "do not have one column"),
            ((3, 1), ["down"], "'max' or 'min', not 'down'"),
        ],
    )
    def test_points_and_directions_that_do_not_fit_are_refused(self, shape, directions, message):
        with pytest.raises(ValueError, match=message):
            pareto_front(np.zeros(shape), directions)

    @pytest.mark.parametrize("kind", ["spread", "all on the front"])
    def test_a_hundred_thousand_points_take_less_than_a_second(self, kind):
        points = np.random.default_rng(0).random((100_000, 2))
        if kind == "all on the front":
            points[:, 1] = -points[:, 0]

        began = perf_counter()
        front = pareto_front(points, ["min", "min"])
        assert perf_counter() - began < 1.0
        assert front.any()


class TestHypervolume:
    @pytest.mark.parametrize("kind", ["spread", "coarse"])
    def test_the_area_and_the_front_are_those_of_moocore(self, kind):
        moocore = pytest.importorskip("moocore")
        rng = np.random.default_rng(0)
        points = rng.random((300, 2)) if kind == "spread" else rng.integers(0, 9, (300, 2)) / 9

        assert hypervolume(points, [1.1, 1.1], ["min", "min"]) == pytest.approx(
            moocore.hypervolume(points, ref=[1.1, 1.1])
        )
        assert (
            pareto_front(points, ["min", "min"]).tolist()
            == moocore.is_nondominated(points, keep_weakly=True).tolist()
        )

    @pytest.mark.parametrize("k", [3, 4])
    def test_the_front_of_more_objectives_is_that_of_moocore_and_no_slower_than_brute_force(
        self, k
    ):
        moocore = pytest.importorskip("moocore")
        points = np.random.default_rng(0).random((4000, k))

        began = process_time()
        front = pareto_front(points, ["min"] * k)
        ours = process_time() - began
        began = process_time()
        brute = [not ((points <= b).all(axis=1) & (points < b).any(axis=1)).any() for b in points]
        assert ours < process_time() - began
        assert front.tolist() == brute == moocore.is_nondominated(points, keep_weakly=True).tolist()

    def test_the_area_of_two_steps_is_worked_out_by_hand(self):
        # 8 points of accuracy from cost 2 to 3, and 6 from 1 to 2
        assert (
            hypervolume(np.array([[78.0, 2.0], [76.0, 1.0]]), [70.0, 3.0], ["max", "min"]) == 14.0
        )

    @given(
        hnp.arrays(
            np.float64,
            st.tuples(st.integers(0, 12), st.just(2)),
            elements=st.integers(-2, 8).map(float),
        ),
        st.integers(0, 6),
        st.integers(0, 6),
    )
    def test_the_area_counts_the_unit_squares_that_some_point_dominates(self, points, right, top):
        squares = [
            (x, y)
            for x, y in product(range(-2, right), range(-2, top))
            if any(px <= x and py <= y for px, py in points)
        ]

        assert hypervolume(points, [right, top], ["min", "min"]) == len(squares)

    @given(hnp.arrays(np.float64, (8, 2), elements=st.floats(0, 10)), st.permutations(range(8)))
    def test_order_copies_and_dominated_points_do_not_matter(self, points, order):
        area = hypervolume(points, [5.0, 5.0], ["min", "max"])
        front = points[pareto_front(points, ["min", "max"])]

        assert hypervolume(points[list(order)], [5.0, 5.0], ["min", "max"]) == pytest.approx(area)
        assert hypervolume(
            np.concatenate([front, front]), [5.0, 5.0], ["min", "max"]
        ) == pytest.approx(area)

    def test_points_that_are_no_better_than_the_reference_add_nothing(self):
        points = np.array([[70.0, 1.0], [90.0, 3.0], [60.0, 9.0], [NAN, 1.0], [90.0, NAN]])

        assert hypervolume(points, [70.0, 3.0], ["max", "min"]) == 0.0
        assert hypervolume(np.empty((0, 2)), [70.0, 3.0], ["max", "min"]) == 0.0

    @pytest.mark.parametrize(
        ("reference", "directions"),
        [([0.0, 0.0, 0.0], ["min"] * 3), ([0.0, NAN], ["min"] * 2), ([INF, 0.0], ["min"] * 2)],
    )
    def test_three_objectives_or_an_endless_reference_are_refused(self, reference, directions):
        with pytest.raises(ValueError, match="two objectives and a finite reference"):
            hypervolume(np.zeros((1, len(reference))), reference, directions)

    def test_a_reference_of_another_length_is_refused(self):
        with pytest.raises(ValueError, match="do not have one column"):
            hypervolume(np.zeros((1, 2)), [0.0], ["min", "min"])


class TestHypervolumeOfMeans:
    def test_one_variant_has_the_interval_of_its_mean_times_the_width(self):
        # The area is linear in the scores here, so the jackknife is the t interval: 2 x 0.7985385
        # (see test_stats).
        area = hypervolume_of_means(np.array([[78.0, 78.5, 77.9]]), np.array([1.0]), [70.0, 3.0])

        assert area.value == pytest.approx(2 * 8.1333333)
        assert area.half_width == pytest.approx(2 * 0.7985385)

    def test_only_seeds_of_every_variant_are_used(self):
        scores = np.array([[78.0, 78.5, 77.9, 50.0], [74.0, 74.5, 73.9, NAN]])
        cost = np.array([2.0, 1.0])

        assert hypervolume_of_means(scores, cost, [70.0, 3.0]) == hypervolume_of_means(
            scores[:, :3], cost, [70.0, 3.0]
        )

    def test_a_single_seed_has_no_interval(self):
        area = hypervolume_of_means(np.array([[78.0]]), np.array([1.0]), [70.0, 3.0])

        assert (area.value, area.half_width) == (16.0, None)

    def test_no_common_seed_is_refused(self):
        with pytest.raises(ValueError, match="no seed has a score from every variant"):
            hypervolume_of_means(
                np.array([[1.0, NAN], [NAN, 1.0]]), np.array([1.0, 2.0]), [0.0, 3.0]
            )
