"""The noise of a study's arms, and the test of pairs by it: worked by hand, and by simulation."""

import json
import sys
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from few_seeds import by_seed
from hypothesis import given
from hypothesis import strategies as st
from power import ALL_PAIRS, Setting, main, plan, rates
from scipy import stats as oracle

from dasbench.analysis.arm_wise import freedom_of, pair_tests
from dasbench.analysis.families import family, rank_intervals, seed_table, significantly_better
from dasbench.analysis.looks import take_look
from dasbench.analysis.moderated import MOST_PRIOR_DF, noise_of
from dasbench.analysis.power import t_power
from dasbench.analysis.standings import standings
from dasbench.analysis.stats import paired

# Levels 10, 13, 20 and seeds 0, 5, -1, plus residuals whose rows and columns sum to 0:
#    1 -1  0
#   -1  0  1
#    0  1 -1
HAND = np.array([[11.0, 14.0, 9.0], [12.0, 18.0, 13.0], [20.0, 26.0, 18.0]])
# Squares of each row sum to 2, so each variance is 2 / ((3 - 1)(1 - 1/3)) = 1.5. They do not
# scatter, so the prior is infinitely certain, cut at 4: s0^2 = exp(log 1.5 - digamma(1) + log 1)
# = 1.5 exp(0.5772157) = 2.671608; moderated (4 * 2.671608 + 2 * 1.5) / (4 + 2) = 2.281072.
MODERATED = 2.281072


def study(arms=6, seeds=4, missing=0.0, seed=0):
    random = np.random.default_rng(seed)
    table = random.normal(size=(arms, seeds)) + random.normal(size=seeds)
    table[random.random(table.shape) < missing] = np.nan
    return table


def as_scores(table):
    scores = {}
    for arm, row in enumerate(table.tolist()):
        scores[arm] = {seed: value for seed, value in enumerate(row) if not np.isnan(value)}
    return scores


def every_pair(table, noise):
    first, second = np.triu_indices(len(table), k=1)
    return pair_tests(table, first, second, noise=noise)


class TestNoise:
    def test_the_variances_are_those_worked_by_hand(self):
        noise = noise_of(HAND)

        assert noise.own == pytest.approx([1.5] * 3)
        assert noise.df.tolist() == [2, 2, 2]
        assert noise.prior_variance == pytest.approx(2.671608, abs=1e-6)
        assert (noise.prior_df, noise.total_df, noise.ratio) == (4.0, 4, pytest.approx(1.0))
        assert noise.variance == pytest.approx([MODERATED] * 3, abs=1e-6)
        assert not noise.wild.any()

    def test_a_prior_of_variances_that_scatter_is_the_one_of_their_logarithms(self):
        # own = 37/600, 1/600, 37/600; e = log own + 0.577216 = -2.20879, -5.81971, -2.20879; their
        # variance 4.34629 less trigamma(1) = 1.64493 is trigamma(0.72152), so d0 = 1.44305;
        # s0^2 = exp(-3.41243 + digamma(0.72152) - log(0.72152)), where digamma is -1.16047
        noise = noise_of(np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]]))

        assert noise.own == pytest.approx([37 / 600, 1 / 600, 37 / 600])
        assert noise.prior_df == pytest.approx(1.44305, abs=1e-5)
        assert noise.prior_variance == pytest.approx(
            np.exp(-3.41243 - 1.16047 - np.log(0.72152)), rel=1e-4
        )

    @pytest.mark.parametrize("seed", range(5))
    def test_missing_cells_leave_the_residuals_of_a_least_squares_fit(self, seed):
        table = study(arms=7, seeds=5, missing=0.25, seed=seed)
        noise = noise_of(table)

        arms, seeds = np.nonzero(~np.isnan(table))
        design = np.column_stack([arms[:, None] == np.arange(7), seeds[:, None] == np.arange(5)])
        hat = design @ np.linalg.pinv(design.astype(float))
        residuals = table[arms, seeds] - hat @ table[arms, seeds]
        for arm in range(7):
            left = (1 - np.diag(hat))[arms == arm].sum()
            if left < 1e-9:
                assert np.isnan(noise.own[arm])
                continue
            own = (residuals[arms == arm] ** 2).sum() / left
            assert noise.own[arm] == pytest.approx(own)
        assert noise.total_df == len(arms) - np.linalg.matrix_rank(design.astype(float))

    def test_a_seed_of_one_arm_and_an_arm_of_one_seed_say_nothing(self):
        table = np.full((6, 5), np.nan)
        table[:4, :3] = study(4, 3)
        table[0, 3], table[4, 0] = 99.0, -99.0
        noise, alone = noise_of(table), noise_of(table[:4, :3])

        assert noise.own[:4] == pytest.approx(alone.own)
        assert noise.variance[:4] == pytest.approx(alone.variance)
        assert np.isnan(noise.variance[4:]).all()
        assert noise.df.tolist() == [2, 2, 2, 2, 0, 0]
        assert noise.total_df == alone.total_df == 6

    @pytest.mark.parametrize(
        "table",
        [
            study(2, 5),
            study(5, 1),
            np.full((4, 4), np.nan),
            np.where(np.eye(4) > 0, 1.0, np.nan),
            np.zeros((0, 0)),
        ],
    )
    def test_too_little_for_a_prior_is_left_to_the_paired_t_test(self, table):
        assert noise_of(table) is None

    def test_arms_without_spread_are_left_to_the_paired_t_test(self):
        flat = 0.1 + np.arange(4.0)[:, None] + 1e6 * np.array([0.1, 0.2, 0.3])
        one_moves = np.vstack([np.zeros((9, 3)), [[0.0, 0.0, 1e-20]]])

        assert noise_of(flat, step=0.5) is None
        assert noise_of(one_moves * 0) is None

    def test_an_arm_is_never_less_noisy_than_rounding_to_one_example(self):
        # arms 0 and 1 are equal but for a constant, so that next to nothing is left of them
        table = np.vstack([np.zeros((3, 3)), study(30, 3) * 1e-3])

        assert noise_of(table, step=0.6).own.min() == pytest.approx(0.6**2 / 12)
        assert noise_of(table).own.min() < 1e-4

    def test_rounding_alone_makes_no_arm_wild(self):
        noise = noise_of(study(30, 3) * 1e-3, step=0.6)

        assert noise.own == pytest.approx(0.6**2 / 12)
        assert not noise.wild.any()

    def test_seeds_that_nobody_shares_cost_nothing(self):
        table = np.full((40, 3000), np.nan)
        table[:, :3] = study(40, 3)
        table[np.arange(40), 10 + np.arange(40)] = 5.0

        assert noise_of(table).variance == pytest.approx(noise_of(table[:, :3]).variance)

    def test_an_arm_of_five_times_the_spread_is_wild(self):
        table = study(8, 6)
        table[3] += np.array([5.0, -5.0, 5.0, -5.0, 5.0, -5.0])
        noise = noise_of(table)

        assert np.flatnonzero(noise.wild).tolist() == [3]
        assert noise.ratio > 10

    def test_arms_that_are_taken_keep_the_prior_of_all(self):
        noise = noise_of(study())
        taken = noise.take([4, 1])

        assert taken.variance.tolist() == [noise.variance[4], noise.variance[1]]
        assert (
            replace(
                taken,
                **{name: getattr(noise, name) for name in ("n", "own", "df", "variance", "wild")},
            )
            == noise
        )

    def test_twenty_thousand_arms_with_gaps_are_fitted_at_once(self):
        noise = noise_of(study(20_000, 5, missing=0.1))

        assert noise.prior_df == MOST_PRIOR_DF
        assert noise.prior_variance == pytest.approx(1.0, abs=0.02)
        assert np.nanmean(noise.own) == pytest.approx(1.0, abs=0.02)


class TestProperties:
    @given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0.01, 100))
    def test_shifts_and_units_change_no_p_value(self, seed, shift, unit):
        table = study(5, 4, missing=0.1, seed=seed)
        noise, moved = noise_of(table), noise_of(unit * table + shift)
        if noise is None:
            assert moved is None
            return

        assert moved.variance == pytest.approx(unit**2 * noise.variance, rel=1e-6, nan_ok=True)
        assert every_pair(unit * table + shift, moved).p == pytest.approx(
            every_pair(table, noise).p, rel=1e-5, nan_ok=True
        )

    @given(st.integers(0, 10**6))
    def test_what_a_seed_or_an_arm_adds_to_all_its_scores_is_no_noise(self, seed):
        table = study(5, 4, seed=seed)
        added = np.random.default_rng(seed).normal(0, 10, 9)
        moved = table + added[:4] + added[4:, None]

        assert noise_of(moved).variance == pytest.approx(noise_of(table).variance, rel=1e-6)

    @given(st.permutations(range(6)), st.permutations(range(4)))
    def test_the_order_of_arms_and_seeds_does_not_matter(self, arms, seeds):
        table = study(6, 4, missing=0.1)
        moved = noise_of(table[arms][:, seeds])

        assert moved.variance == pytest.approx(noise_of(table).variance[arms], nan_ok=True)


class TestPairs:
    def test_the_test_is_the_one_worked_by_hand(self):
        # difference 3, error sqrt(2 * 2.281072 / 3) = 1.233172, t = 2.432752; of (4 + 2) * 2 = 12
        # degrees of freedom all residuals together have 4. With x = t^2 = 5.918282, Student's t of
        # 4 has P(T < t) = 1/2 + 3/8 * t / sqrt(1 + x/4) * (1 - x / (12 (1 + x/4))) = 0.964115;
        # half-width 2.776445 * 1.233172
        c = paired(by_seed(HAND[1]), by_seed(HAND[0]), noise=noise_of(HAND).take([1, 0]))

        assert (c.test, c.wild, c.n, c.difference, c.df) == ("arm-wise", False, 3, 3.0, 4.0)
        assert c.error == pytest.approx(1.233172, abs=1e-6)
        assert c.p == pytest.approx(0.071770, abs=1e-5)
        assert c.half_width == pytest.approx(3.423834, abs=1e-5)

    def test_without_noise_it_is_the_paired_t_test(self):
        # differences 1, 4, 4: mean 3, sd sqrt(3), error 1, t = 3 with 2 degrees of freedom
        c = paired(by_seed(HAND[1]), by_seed(HAND[0]))

        assert (c.test, c.wild, c.df) == ("paired t", False, 2.0)
        assert c.error == pytest.approx(1.0)
        assert c.p == pytest.approx(0.095466, abs=1e-6)

    def test_unequal_variances_have_the_degrees_of_freedom_of_satterthwaite(self):
        table = study(9, 4)
        noise = noise_of(table)
        tests = pair_tests(table, 0, np.array([1]), noise=noise)
        a, b = noise.variance[:2]

        expected = (a + b) ** 2 / (a**2 / (noise.prior_df + 3) + b**2 / (noise.prior_df + 3))
        assert expected < noise.total_df
        assert tests.df[0] == pytest.approx(expected)
        assert tests.p[0] == pytest.approx(
            2 * oracle.t.sf(abs(tests.mean[0]) / sqrt((a + b) / 4), expected)
        )

    def test_a_pair_with_a_wild_arm_has_the_larger_p_and_the_interval_that_goes_with_it(self):
        smooth, rough = np.zeros(5), np.array([9.0, -9.0, 8.0, -9.0, 6.0])
        table = np.vstack([study(7, 5) * 0.1, smooth, rough])
        noise = noise_of(table)
        guarded = pair_tests(table, 8, np.arange(8), noise=noise)
        plain = pair_tests(table, 8, np.arange(8))
        assert noise is not None
        free = pair_tests(table, 8, np.arange(8), noise=replace(noise, wild=noise.wild & False))

        assert guarded.wild.all()
        assert guarded.p == pytest.approx(np.maximum(plain.p, free.p))
        assert ((guarded.p <= 0.05) == (np.abs(guarded.mean) > guarded.half_width)).all()

    @pytest.mark.parametrize("seed", range(20))
    def test_p_and_the_interval_agree(self, seed):
        table = study(8, 3, seed=seed) * np.array([1, 1, 1, 1, 5, 1, 1, 9])[:, None]
        table[:4] += 3.0
        tests = every_pair(table, noise_of(table))

        assert ((tests.p <= 0.05) == (np.abs(tests.mean) > tests.half_width)).all()

    def test_a_difference_that_is_the_same_at_every_seed_is_judged_by_the_noise_of_its_arms(self):
        table = study(6, 3)
        table[1] = table[0] + 5.0
        c = paired(by_seed(table[1]), by_seed(table[0]), noise=noise_of(table).take([1, 0]))

        assert (c.sd, c.test) == (0.0, "arm-wise")
        assert c.half_width > 0
        assert 0 < c.p < 0.05

    def test_a_pair_needs_two_common_seeds(self):
        table = study(6, 4)
        table[0, 2:], table[1, :1], table[1, 2] = np.nan, np.nan, np.nan
        tests = pair_tests(table, 0, np.array([1, 2]), noise=noise_of(table))

        assert tests.n.tolist() == [1, 2]
        assert np.isnan(tests.p[0])
        assert tests.arm_wise.tolist() == [False, True]

    def test_noise_of_other_arms_is_refused(self):
        with pytest.raises(ValueError, match="noise of 6 arms does not fit the 5"):
            pair_tests(study(5), 0, np.array([1]), noise=noise_of(study(6)))


class TestUses:
    def test_a_family_resolves_more_and_its_plan_follows_the_same_error(self):
        table = study(9, 3)
        table[1:5] += 4.0
        noise = noise_of(table)
        moderated, plain = family(as_scores(table), 0, noise=noise), family(as_scores(table), 0)

        assert sum(c.resolved for c in moderated.values()) > sum(c.resolved for c in plain.values())
        c = moderated[1]
        sd, freedom = c.error * sqrt(3), freedom_of(noise.take([1, 0]), 3)
        assert freedom.at(3) == pytest.approx(c.df)
        p_below = sum(other.p < c.p for other in moderated.values())
        assert t_power(
            c.detectable, sd, 3, alpha=0.05 / (8 - p_below), freedom=freedom
        ) == pytest.approx(0.8)

    def test_the_same_prior_holds_after_a_filter(self):
        table = study(9, 3)
        noise, scores = noise_of(table), as_scores(table)
        some = {arm: scores[arm] for arm in (5, 0, 7)}

        filtered = family(some, 0, noise=noise.take([5, 0, 7]))
        assert filtered[7].p == family(scores, 0, noise=noise)[7].p

    def test_ranks_and_standings_use_the_tests_of_all_pairs(self):
        table = study(9, 3)
        table[:4] += 6.0
        noise, scores = noise_of(table), as_scores(table)
        tests = every_pair(table, noise)
        num_resolved = int((np.sort(tests.p) * np.arange(36, 0, -1) <= 0.05).sum())

        better = significantly_better(scores, noise=noise).better
        assert better.sum() == num_resolved > significantly_better(scores).better.sum()
        assert [r.low for r in rank_intervals(scores, noise=noise).values()] == (
            1 + better.sum(axis=0)
        ).tolist()
        standing = standings(list(scores.values()), np.ones(9), noise=noise)
        assert [s == "dominated" for s in standing] == better.any(axis=0).tolist()

    def test_a_look_keeps_the_noise_of_arms_that_have_stopped(self):
        table = study(6, 5)
        table[3:, 3:] = np.nan
        table[1] += 2.0
        scores, settled = as_scores(table), dict.fromkeys((3, 4, 5), "equivalent")
        noise = noise_of(seed_table(scores))
        look = take_look(scores, 0, looks=[3, 5], number=2, settled=settled, noise=noise)

        p = paired(scores[1], scores[0], noise=noise.take([1, 0])).p
        assert p * 5 <= look.level  # two are tested and three were dropped
        assert look.states[1] == "resolved"
        assert take_look(scores, 0, looks=[3, 5], number=2, settled=settled).states[1] == "open"


def test_the_script_prints_a_line_for_each_row_that_it_writes(tmp_path, monkeypatch, capsys):
    told = tmp_path / "rates.json"
    monkeypatch.setattr(
        sys, "argv", ["power.py", "gaps", "looks", "--draws", "2", "--json", str(told)]
    )
    main()

    rows, printed = json.loads(told.read_text()), capsys.readouterr().out.strip().splitlines()
    assert [row["table"] for row in rows] == ["gaps"] * 30 + ["looks"] * 12
    assert len([line for line in printed if " 0." in line or " 1." in line]) == len(rows)
    assert rows[0]["arm-wise"].keys() == {"error", "partial_error", "power", "coverage"}


DRAWS = 10_000
SE = sqrt(0.05 * 0.95 / DRAWS)


class TestRates:
    @pytest.mark.parametrize("family", ["against a baseline", ALL_PAIRS])
    @pytest.mark.parametrize("arms", [3, 9])
    def test_few_studies_err_and_more_is_resolved_than_by_paired_t_tests(self, family, arms):
        setting = Setting(family=family, arms=arms, seeds=3)
        found = rates(setting, 500, "arm-wise")

        assert max(found.error, found.partial_error) < 0.05 + 3 * sqrt(0.05 * 0.95 / 500)
        assert found.power > rates(setting, 500, "paired t").power + 0.15
        assert 0.93 < found.coverage < 0.98

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("setting", "most", "power"),
        [
            (Setting(arms=3, seeds=3), 0.05, 0.50),
            (Setting(arms=4, seeds=3, family=ALL_PAIRS), 0.05, 0.45),
            (Setting(arms=9, seeds=3), 0.05, 0.54),
            (Setting(arms=9, seeds=5, noise="lognormal .3"), 0.054, 0.80),
            (Setting(arms=9, seeds=3, noise="lognormal .7"), 0.074, 0.36),
            (Setting(arms=4, seeds=3, step=0.8), 0.05, 0.50),
            (Setting(arms=9, seeds=5, missing=0.1), 0.05, 0.75),
            (Setting(arms=9, seeds=10, stopped=True), 0.05, 0.75),
        ],
    )
    def test_ten_thousand_studies_err_no_more_than_they_may(self, setting, most, power):
        found = rates(setting, DRAWS, "arm-wise", seed=1)

        assert max(found.error, found.partial_error) < most + 2 * SE
        assert found.power > power
        assert found.coverage == pytest.approx(0.95, abs=0.015)

    @pytest.mark.slow
    @pytest.mark.parametrize("noise", ["equal", "lognormal .5"])
    def test_looks_need_a_third_of_the_runs(self, noise):
        found = plan((3, 5, 8, 12, 20), noise, 1000, "arm-wise", seed=1)

        assert found.runs < 0.42 * 160
        assert found.error < 0.05 + 3 * sqrt(0.05 * 0.95 / 1000)
        assert found.wrong <= 0.002


def test_a_whole_table_is_fitted_as_one_with_an_empty_seed():
    table = np.random.default_rng(3).normal(70.0, 1.0, (7, 4))

    whole = noise_of(table)
    padded = noise_of(np.column_stack([table, np.full(7, np.nan)]))

    assert whole.own == pytest.approx(padded.own)
    assert (whole.prior_df, whole.total_df) == (pytest.approx(padded.prior_df), padded.total_df)
