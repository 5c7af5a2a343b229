"""The words for a paired comparison."""

import re

import pytest
from few_seeds import GAINS, against_zero, by_seed
from hypothesis import given
from hypothesis import strategies as st

from dasbench.analysis.families import family
from dasbench.analysis.power import planning_floor
from dasbench.analysis.stats import Comparison, paired
from dasbench.render.verdicts import one_seed_note, verdict


class TestVerdict:
    def test_the_worked_example_reads_word_for_word(self):
        assert verdict("c", "f", against_zero(GAINS)) == (
            "c and f: not resolved; c is 0.30 ± 0.46 pp above f in 5 paired seeds (95% CI), p = 0.14; "
            "about 9 more seeds needed to resolve a difference of this size (80% power)."
        )

    @pytest.mark.parametrize("direction", ["max", "min", None])
    def test_the_undecided_keeps_the_order_of_the_question_and_names_no_winner(self, direction):
        text = verdict("c", "f", against_zero([-d for d in GAINS]), direction=direction)

        assert text.startswith("c and f: not resolved; f is 0.30 ± 0.46 pp above c in 5 paired")

    @pytest.mark.parametrize(
        ("direction", "lead"),
        [
            ("max", "a beats c by 1.20 ± 0.20 pp (95% CI)"),
            ("min", "c beats a by 1.20 ± 0.20 pp (95% CI)"),
            (None, "a is 1.20 ± 0.20 pp above c (95% CI)"),
        ],
    )
    def test_who_beats_whom_depends_on_the_direction(self, direction, lead):
        c = against_zero([-1.1, -1.3, -1.2, -1.0, -1.4])

        assert verdict("c", "a", c, direction=direction) == (
            f"{lead}, p < 0.001, 5 paired seeds: resolved."
        )

    def test_a_resolved_difference_says_so_and_no_more(self):
        assert verdict("c", "a", against_zero([1.1, 1.3, 1.2, 1.0, 1.4])) == (
            "c beats a by 1.20 ± 0.20 pp (95% CI), p < 0.001, 5 paired seeds: resolved."
        )

    def test_an_equivalent_difference_names_the_margin(self):
        assert verdict("c", "f", against_zero([0.2, -0.1, 0.1, 0.0, -0.1], min_effect=0.5)) == (
            "c and f: equivalent within ±0.50 pp; "
            "c is 0.02 ± 0.16 pp above f in 5 paired seeds (95% CI), p = 0.75."
        )

    def test_a_resolved_difference_too_small_to_matter_is_both(self):
        text = verdict("c", "f", against_zero([0.11, 0.13, 0.12, 0.10, 0.14], min_effect=0.5))

        assert text.startswith("c beats f by 0.120 ± 0.020 pp (95% CI)")
        assert text.endswith(": resolved, but equivalent within ±0.50 pp.")

    def test_seeds_are_planned_for_the_effect_that_matters(self):
        # power for 0.50 at sd 0.369: 0.755 with 6 seeds, 0.845 with 7
        assert verdict("c", "f", against_zero(GAINS, min_effect=0.5)).endswith(
            "p = 0.14; about 2 more seeds needed to resolve a difference of 0.50 pp (80% power)."
        )
        assert verdict("c", "f", against_zero(GAINS, min_effect=0.7)).endswith(
            "p = 0.14; these seeds already resolve a difference of 0.70 pp (80% power)."
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
            "c and f: not resolved; they differ by 0.00 ± 6.35 pp in 2 paired seeds (95% CI), p = 1.00; "
            "without a difference or a spread no number of seeds can be planned."
        )

    def test_one_seed_gives_a_number_and_the_planning_floor(self):
        assert verdict(
            "c", "f", paired({0: 66.41}, {0: 66.11}), floor=planning_floor(66.41, 8580)
        ) == (
            "c and f: not resolved; c is 0.30 pp above f on the seed they share. "
            "1 seed: no spread known; with the planning floor "
            "sqrt(err/2n) = 0.44 pp, differences under 1.2 pp are within noise."
        )
        assert verdict("c", "f", paired({0: 1.0}, {0: 1.0})) == (
            "c and f: not resolved; they differ by 0.00 pp on the seed they share. 1 seed: no spread known."
        )

    def test_the_note_on_one_seed_reads_word_for_word(self):
        assert one_seed_note(0.4426) == (
            "1 seed: no spread known; with the planning floor sqrt(err/2n) = 0.44 pp, "
            "differences under 1.2 pp are within noise"
        )

    def test_equal_differences_claim_no_interval(self):
        assert verdict("c", "f", against_zero([-0.3] * 3)) == (
            "c and f: not resolved; f is 0.30 pp above c on each of 3 paired seeds: no spread seen."
        )

    def test_no_common_seed_is_said(self):
        assert (
            verdict("c", "f", paired({0: 1.0}, {1: 1.0}))
            == "c and f share no seed: nothing to compare."
        )

    def test_seeds_without_a_partner_are_counted(self):
        c = paired(by_seed(GAINS), by_seed([0.0] * 8))

        assert "in 5 paired seeds, 3 without a partner left out (95% CI)" in verdict("c", "f", c)

    def test_the_p_values_of_a_family_and_of_sign_flips_stand_in_brackets(self):
        base = by_seed([0.0] * 6)
        c = family({"f": base, "c": by_seed([*GAINS, 0.3]), "d": by_seed([*GAINS, 0.31])}, "f")["c"]

        assert "in 6 paired seeds (95% CI), p = 0.077 (Holm over 2: 0.15, sign flip: 0.094);" in (
            verdict("c", "f", c)
        )

    def test_small_units_keep_two_digits_of_the_half_width(self):
        c = against_zero([d / 100 for d in GAINS])

        assert "c is 0.0030 ± 0.0046 above f in 5 paired seeds (95% CI)" in verdict("c", "f", c, "")

    @pytest.mark.parametrize(
        ("p", "shown"), [(0.0496, "0.050"), (0.0504, "0.0504"), (0.0502, "0.0502")]
    )
    def test_rounding_never_moves_a_p_value_across_the_level(self, p, shown):
        c = Comparison(
            n=5, left_out=0, difference=1.0, sd=1.0, half_width=1.0, p=p, p_sign_flip=None, min_effect=None,
            more_seeds=3, detectable=2.0, resolved=p <= 0.05, equivalent=False,
        )  # fmt: skip

        assert f"p = {shown}" in re.split("[,;] ", verdict("c", "f", c))

    def test_an_unplanned_look_is_called_exploratory(self):
        text = verdict(
            "c",
            "a",
            against_zero([1.1, 1.3, 1.2, 1.0, 1.4]),
            exploratory="a look that was not planned",
        )

        assert text.endswith(": resolved (exploratory: a look that was not planned).")

    def test_the_undecided_can_be_exploratory_too(self):
        text = verdict("c", "f", against_zero(GAINS), exploratory="looked at with 3 seeds before")

        assert text.startswith(
            "c and f: not resolved (exploratory: looked at with 3 seeds before); c is 0.30 ± 0.46 pp"
        )

    @given(
        st.lists(st.integers(-3, 3).map(lambda d: d / 10), max_size=9),
        st.sampled_from([None, 0.2, 1.0]),
    )
    def test_no_verdict_ever_says_more_than_the_seeds(self, differences, min_effect):
        c = against_zero(differences, min_effect=min_effect)
        text = verdict("c", "f", c, floor=0.4)

        assert ("beats" in text) == c.resolved
        assert "no difference" not in text
        assert "nan" not in text
        assert "None" not in text
        assert text.endswith(".")
