"""What matters is found, what does not is not, and nothing is claimed beyond the noise."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from fabricated_studies import row
from hypothesis import given, settings
from hypothesis import strategies as st

from dasbench.analysis.anova import anova
from dasbench.analysis.fanova import encode, forest_fit, forest_shares
from dasbench.analysis.importance import importance
from dasbench.analysis.levels import Observation, varied_axes
from dasbench.errors import UsageError
from dasbench.render.importance import importance_records, importance_tables
from dasbench.views.figures.importance import info
from dasbench.views.selection import Selection


def grid(sizes, seeds):
    """Every combination of levels at every seed."""
    names = "abc"[: len(sizes)]
    cells = [
        dict(zip(names, cell, strict=True)) for cell in product(*(range(size) for size in sizes))
    ]
    return [(cell, seed) for cell in cells for seed in range(seeds)]


def analyse(trials, scores):
    levels = {axis: [str(variant[axis]) for variant, _ in trials] for axis in trials[0][0]}
    return {
        effect.name: effect
        for effect in anova(levels, np.asarray(scores, dtype=float), [s for _, s in trials])
    }


def explain(trials, scores, **options):
    observations = [
        Observation(variant=variant, seed=seed, score=float(score))
        for (variant, seed), score in zip(trials, scores, strict=True)
        if np.isfinite(score)
    ]
    return importance(observations, trials, **options)


class TestAnova:
    @settings(max_examples=25)
    @given(st.integers(2, 4), st.integers(2, 3), st.integers(2, 4), st.integers(0, 1000))
    def test_a_balanced_study_splits_as_the_textbook_has_it(self, num_a, num_b, seeds, seed):
        y = np.random.default_rng(seed).normal(size=(num_a, num_b, seeds))
        trials = grid([num_a, num_b], seeds)
        mean = y.mean()
        a, b, block, cell = (
            y.mean((1, 2)) - mean,
            y.mean((0, 2)) - mean,
            y.mean((0, 1)) - mean,
            y.mean(2) - mean,
        )
        both = cell - a[:, None] - b
        expected = {
            "a": num_b * seeds * (a**2).sum(),
            "b": num_a * seeds * (b**2).sum(),
            "a x b": seeds * (both**2).sum(),
            "seeds": num_a * num_b * (block**2).sum(),
            "residual": ((y - mean - cell[:, :, None] - block) ** 2).sum(),
        }

        effects = analyse(trials, y.ravel())

        assert {name: effect.sum_squares for name, effect in effects.items()} == pytest.approx(
            expected
        )
        assert sum(effect.share for effect in effects.values()) == pytest.approx(1)
        assert effects["residual"].df == (num_a * num_b - 1) * (seeds - 1)
        assert effects["a"].df == num_a - 1
        f = (expected["a"] / (num_a - 1)) / (expected["residual"] / effects["residual"].df)
        assert effects["a"].f == pytest.approx(f)

    def test_with_missing_trials_an_axis_is_what_it_explains_beyond_the_others(self):
        rng = np.random.default_rng(0)
        trials = [trial for place, trial in enumerate(grid([3, 2], 4)) if place not in (0, 5, 6)]
        y = rng.normal(size=len(trials))

        def dummies(*columns):
            keys = [tuple(column) for column in zip(*columns, strict=True)]
            return np.array(
                [[key == known for known in sorted(set(keys))] for key in keys], dtype=float
            )

        def residual(*parts):
            table = np.column_stack([np.ones(len(y)), *parts])
            return ((y - table @ np.linalg.lstsq(table, y, rcond=None)[0]) ** 2).sum()

        a, b, seeds = (
            [v["a"] for v, _ in trials],
            [v["b"] for v, _ in trials],
            [s for _, s in trials],
        )
        effects = analyse(trials, y)

        assert effects["a"].sum_squares == pytest.approx(
            residual(dummies(seeds), dummies(b)) - residual(dummies(seeds), dummies(a), dummies(b))
        )
        assert effects["residual"].sum_squares == pytest.approx(
            residual(dummies(seeds), dummies(a, b))
        )
        assert effects["residual"].df == len(trials) - 6 - 3

    def test_what_a_seed_adds_to_all_variants_is_no_noise(self):
        trials = grid([2, 2], 5)
        y = [
            variant["a"] + 100 * seed + 0.01 * ((variant["b"] * 3 + seed * 7) % 4)
            for variant, seed in trials
        ]

        assert analyse(trials, y)["a"].resolved

    def test_noise_alone_is_hardly_ever_resolved(self):
        rng = np.random.default_rng(0)
        trials = grid([4, 4], 3)
        false = [
            any(
                effect.resolved for effect in analyse(trials, rng.normal(size=len(trials))).values()
            )
            for _ in range(200)
        ]

        assert sum(false) / len(false) < 0.1  # the level is 0.05

    def test_one_seed_tests_nothing(self):
        effects = analyse(grid([3, 3], 1), range(9))

        assert all(effect.p is None and not effect.resolved for effect in effects.values())

    def test_three_axes_keep_their_higher_interactions_apart_from_noise(self):
        trials = grid([2, 2, 2], 2)
        y = [(-1) ** (v["a"] + v["b"] + v["c"]) for v, _ in trials]

        assert analyse(trials, y)["three or more axes"].share == pytest.approx(1)

    def test_equal_scores_have_nothing_to_share(self):
        effects = analyse(grid([2, 2], 2), [5.0] * 8)

        assert all(effect.share == 0 and effect.p is None for effect in effects.values())

    def test_lengths_and_numbers_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="a score, a seed and a level"):
            anova({"a": ["x"]}, np.zeros(2), [0, 1])
        with pytest.raises(ValueError, match="finite"):
            anova({"a": ["x"]}, np.array([np.nan]), [0])


class TestChoice:
    def test_a_study_of_all_combinations_gets_an_analysis_of_variance(self):
        trials = grid([3, 2], 3)
        found = explain(trials, [v["a"] + 0.01 * ((v["b"] + 2 * s) % 3) for v, s in trials])

        assert (found.method, found.notes) == ("anova", [])
        assert next(one for one in found.marginals if (one.axis, one.level) == ("a", "2")).n == 3

    def test_failed_seeds_are_said(self):
        trials = grid([3, 2], 3)
        scores = [float("nan") if place == 4 else v["a"] + s for place, (v, s) in enumerate(trials)]

        assert "1 of 18 trials have no score" in explain(trials, scores).notes[0]

    def test_a_searched_study_gets_fanova_with_the_fit_of_its_forest(self):
        rng = np.random.default_rng(0)
        rates = 10 ** rng.uniform(-3, 0, 60)
        trials = [
            ({"lr": float(rate), "gate": g}, 0) for rate, g in zip(rates, "xyz" * 20, strict=True)
        ]
        found = explain(trials, list(-((np.log10(rates) + 1.5) ** 2)))

        assert found.method == "fanova"
        assert found.effects[0].name == "lr"
        assert found.effects[0].share > 0.8
        assert found.fit > 0.8

    def test_a_forest_that_learned_nothing_is_not_to_be_read(self):
        rng = np.random.default_rng(0)
        trials = [({"lr": float(u), "width": float(w)}, 0) for u, w in rng.random((30, 2))]

        assert any(
            "do not read its shares" in note for note in explain(trials, rng.normal(size=30)).notes
        )

    def test_an_axis_that_is_not_always_set_has_a_level_for_that(self):
        trials = [({"gate": "none"}, s) for s in range(2)]
        trials += [
            ({"gate": "das", "alpha": a}, s)
            for a in np.linspace(0.1, 1, 14).tolist()
            for s in range(2)
        ]
        found = explain(trials, [(90 if v["gate"] == "das" else 50) + s / 10 for v, s in trials])

        assert found.method == "fanova"
        assert {one.level for one in found.marginals if one.axis == "alpha"} >= {"(not set)"}

    @pytest.mark.parametrize(
        ("trials", "scores", "options", "message"),
        [
            ([({"a": 1}, 0), ({"a": 2}, 0)], [np.nan, np.nan], {}, "no trial has a score"),
            ([({"a": 1}, 0), ({"a": 1}, 1)], [1, 2], {}, "varies nothing"),
            ([({"a": i, "b": i}, 0) for i in range(4)], range(4), {}, "Run at least 10"),
            (
                [({"a": i, "b": i}, 0) for i in range(4)],
                range(4),
                {"method": "anova"},
                "not all combinations of a, b",
            ),
            ([({"a": i, "b": i}, 0) for i in range(12)], [5] * 12, {}, "the same score, 5"),
        ],
    )
    def test_what_cannot_be_explained_is_refused_with_a_reason(
        self, trials, scores, options, message
    ):
        with pytest.raises(UsageError, match=message):
            explain(trials, scores, **options)

    def test_a_value_that_is_not_set_counts_as_a_value(self):
        assert varied_axes([{"gate": "none"}, {"gate": "none", "alpha": 0.1}]) == ["alpha"]


class TestForest:
    def test_a_number_with_few_values_weighs_each_level_the_same(self):
        assert encode([0.001, 0.1, 10.0], ["0.001", "0.1", "10.0"]) == [0.0, 1.0, 2.0]

    def test_a_range_that_is_not_always_set_is_cut_into_fifths(self):
        values = [None, *np.linspace(0, 1, 30).tolist()]
        column = encode(values, ["(not set)" if value is None else str(value) for value in values])

        assert set(column) == {"(not set)", *(f"fifth {number}" for number in range(1, 6))}
        assert column[:2] == ["(not set)", "fifth 1"]

    def test_truth_values_and_text_are_levels(self):
        assert encode([True, False], ["True", "False"]) == ["True", "False"]

    def test_an_axis_of_many_levels_takes_no_time_that_doubles_with_each(self):
        gates = [f"gate{number:02d}" for number in range(40)] * 2
        column = encode(gates, gates)

        assert column == [*map(float, range(40))] * 2
        assert encode(gates[:8], gates[:8]) == gates[:8]
        shares = forest_shares(
            {"gate": column, "other": [0.0, 1.0] * 40}, np.array([n % 7 for n in range(40)] * 2)
        )
        assert shares["gate"] > 0.9

    def test_shares_and_fit_are_the_same_every_time(self):
        rng = np.random.default_rng(0)
        columns, scores = (
            {"[/]": rng.random(30).tolist(), "=x": ["a", "b", "c"] * 10},
            rng.normal(size=30),
        )

        assert forest_shares(columns, scores) == forest_shares(columns, scores)
        assert forest_fit(columns, scores) == forest_fit(columns, scores)


def explained(*, method="auto"):
    """A study in which `a` matters and `b` does not."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=(3, 4, 3))
    rows = [
        row(f"{a}{b}", s, 80 + a + noise[a, b, s], 10, variant={"a": a, "b": b})
        for a, b, s in product(range(3), range(4), range(3))
    ]
    return info(
        Selection(name="s", question="?", metric="top1", maximise=True, rows=rows), method=method
    )


def place_of(table, key):
    return [column.key for column in table.columns].index(key)


def test_a_table_holds_the_tests_of_an_analysis_of_variance_and_the_means_of_levels():
    effects, levels = importance_tables(explained())

    p, verdict = (place_of(effects, key) for key in ("p", "resolved"))
    parts = {cells[0]: (cells[p], cells[verdict]) for cells in effects.rows}
    assert parts["a"] == ("< 0.001", "resolved")
    assert parts["b"][1] == "not resolved"
    assert parts["residual"] == ("-", "")
    assert effects.notes[0] == "Analysis of variance: 12 variants, 3 seeds, 36 trials."
    assert len(levels.rows) == 3 + 4


def test_a_forest_has_shares_and_no_tests():
    effects, _ = importance_tables(explained(method="fanova"))

    assert [column.key for column in effects.columns] == ["part", "share"]
    assert effects.notes[0].startswith("fANOVA: 12 variants")


def test_records_hold_every_number_of_the_table():
    found = explained().found
    records = {record["effect"]: record for record in importance_records(found)}

    assert set(records) == {"a", "b", "a x b", "seeds", "residual"}
    assert records["a"]["resolved"]
    assert records["a"]["df"] == 2
    assert [one["level"] for one in records["a"]["levels"]] == ["0", "1", "2"]
    assert records["seeds"]["p"] is None


def test_a_study_that_varies_nothing_is_named():
    chosen = Selection(
        name="plain", question="", metric="top1", maximise=True, rows=[row("a", 0, 70.0, 1)]
    )

    with pytest.raises(UsageError, match=r"study 'plain': all trials are of one variant"):
        info(replace(chosen, rows=[replace(one, variant={}) for one in chosen.rows]))
