"""`compare`: which variants are meant, what is paired with what, and the words for it."""

from dataclasses import replace

import pytest
from few_seeds import GAINS

from dasbench.errors import UsageError
from dasbench.render.comparison import (
    answer_verdict,
    comparison_record,
    comparison_tables,
    print_answer,
    print_family,
)
from dasbench.render.comparison_notes import ADDING_SEEDS, FRACTIONS, answer_notes
from dasbench.render.tables.table import Layout
from dasbench.views.comparisons.comparison import compare, compare_family
from dasbench.views.comparisons.question import Question, in_unit
from dasbench.views.naming import find_variants
from dasbench.views.units import asked_unit
from dasbench.views.variants import VariantScores


def entry(label, scores, variant=None, *, keys=(), failed=0):
    found = dict(enumerate(scores)) if isinstance(scores, list) else scores
    return VariantScores(
        variant=variant or {"gate.design": label},
        label=label,
        planned=len(found) + failed,
        failed=failed,
        scores={"top1": found} if found else {},
        cost=None,
        seconds=0.0,
        peak_memory=0,
        keys=keys,
    )


def question(*entries, **fields):
    return Question(
        **{"entries": entries, "metric": "top1", "unit": "pp", "direction": "max", **fields}
    )


C, F = entry("c", [66 + gain for gain in GAINS]), entry("f", [66.0] * 5)

NORMS = [
    entry(
        f"first_norm={a} second_norm={b}",
        scores,
        {"gate.first_norm": a, "gate.second_norm": b},
        keys=[f"abcde{n}0"],
    )
    for n, ((a, b), scores) in enumerate(
        {
            ("in", "ln"): [70.0, 72.0, 71.0],
            ("in", "bn"): [60.0, 63.0, 61.0],
            ("bn", "ln"): [69.0, 70.0, 70.0],
            ("bn", "bn"): {0: 58.0, 2: 60.0},
        }.items()
    )
]


def test_the_verdict_is_that_of_the_wording():
    answer = compare(question(C, F), "c", "f")

    assert answer_verdict(answer) == (
        "c and f: not resolved; c is 0.30 ± 0.46 pp above f in 5 paired seeds (95% CI), p = 0.14; "
        "about 9 more seeds needed to resolve a difference of this size (80% power)."
    )
    record = comparison_record(answer)
    assert (record["n"], record["more_seeds"], record["resolved"], record["ci95"]) == (
        5,
        9,
        False,
        record["half_width"],
    )


def test_the_direction_turns_the_winner_round_and_not_the_difference():
    far = entry("far", [66.9, 66.8, 67.0, 66.9, 67.1])

    answer = compare(question(far, F, direction="min", unit=""), "far", "f")

    assert answer_verdict(answer).startswith("f beats far by ")
    assert answer.comparison.difference > 0


def test_groups_are_paired_over_seeds_and_the_other_axes():
    answer = compare(question(*NORMS), "first_norm=in", "gate.first_norm=bn")

    assert answer.scores == ({0: 65.0, 1: 72.0, 2: 66.0}, {0: 63.5, 1: 70.0, 2: 65.0})
    assert answer.comparison.n == 3
    assert "Averaged over gate.second_norm within each seed" in answer_notes(answer)[0]
    assert "1 scores without a partner" in answer_notes(answer)[0]


def test_groups_that_share_no_other_values_say_so():
    none = entry("gate=none", [1.0, 2.0], {"gate": "none"})
    designs = [
        entry(f"gate=das(design={d})", [3.0, 4.0], {"gate": {"name": "das", "design": d}})
        for d in "ab"
    ]

    answer = compare(question(none, *designs), "none", "gate=das")

    assert answer.scores == ({0: 1.0, 1: 2.0}, {0: 3.0, 1: 4.0})
    assert "share no values of gate.design" in answer_notes(answer)[0]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("first_norm=bn second_norm=ln", "first_norm=bn second_norm=ln"),
        ("second_norm=ln,first_norm=bn", "first_norm=bn second_norm=ln"),
        ("gate.first_norm = 'bn' and second_norm=ln", "first_norm=bn second_norm=ln"),
        ("abcde2", "first_norm=bn second_norm=ln"),
        ("=bn second_norm=l", "first_norm=bn second_norm=ln"),
    ],
)
def test_a_variant_is_found_by_label_values_key_or_part(name, label):
    assert [found.label for found in find_variants(name, NORMS).entries] == [label]


@pytest.mark.parametrize(
    "name",
    [
        "SE (r=16)",
        "(r=16)",
        "gate=se(reduction=16)",
        "gate=se",
        "se",
        "reduction=16",
        "gate.reduction=16",
    ],
)
def test_a_variant_with_a_label_is_found_by_it_and_without_it(name):
    entries = [
        entry("none", [1.0], {"gate": "none"}),
        entry("SE (r=16)", [1.0], {"gate": {"name": "se", "reduction": 16}}),
    ]

    assert find_variants(name, entries).entries == entries[1:]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "ln",
            "may be any of 2 variants. Candidates: first_norm=in second_norm=ln; first_norm=bn second_norm=ln",
        ),
        ("first_norm=xn", "no variant has first_norm=xn. 'gate.first_norm' is one of in, bn"),
        ("frist_norm=in", "unknown field 'frist_norm'"),
        ("first_norm=bn second_norm=lnn", "no variant has"),
        ("zzz", "no variant is called 'zzz'.*Candidates"),
        ("", "no variant is called ''"),
        ("abcde", "no variant is called"),
    ],
)
def test_an_unknown_or_ambiguous_name_lists_the_candidates(name, complaint):
    with pytest.raises(UsageError, match=complaint):
        find_variants(name, NORMS)


def test_a_variant_is_not_compared_with_itself():
    with pytest.raises(UsageError, match="both mean first_norm=in second_norm=ln"):
        compare(question(*NORMS), "first_norm=in", "second_norm=ln")


def test_a_metric_that_nobody_measured_is_refused():
    with pytest.raises(UsageError, match=r"unknown metric 'top2'\. Did you mean 'top1'"):
        compare(question(C, F, metric="top2"), "c", "f")


def test_a_cost_is_no_matter_of_chance():
    with pytest.raises(UsageError, match="counted exactly"):
        compare(question(C, F, metric="macs"), "c", "f")


def test_a_family_is_corrected_and_sorted_by_gain():
    better = entry("g", [70.0, 70.2, 70.1, 70.3, 70.0])

    answers = compare_family(question(F, C, better, min_effect=0.5), "f")

    assert [answer.a for answer in answers] == ["g", "c"]
    assert all("Holm over 2" in answer_verdict(answer) for answer in answers)
    (table,) = comparison_tables(answers)
    place = [column.key for column in table.columns].index("verdict")
    assert [row[place] for row in table.rows] == ["resolved", "not resolved"]
    assert table.bold == [0]


def test_whoever_is_asked_for_seeds_is_told_of_looks_once():
    close = entry("d", [66.2, 66.1, 65.8, 66.4, 66.3])
    far = entry("g", [70.0, 70.2, 70.1, 70.3, 70.0])

    (table,) = comparison_tables(compare_family(question(F, C, close, far), "f"))

    assert [note for note in table.notes if "until: resolved" in note] == [ADDING_SEEDS]
    assert ADDING_SEEDS in answer_notes(compare(question(F, C), "c", "f"))
    assert ADDING_SEEDS not in answer_notes(compare(question(F, far), "g", "f"))


def test_a_search_takes_no_looks_so_nobody_is_told_of_them():
    confirmed = [replace(each, confirmed=True) for each in (C, F)]

    answer = compare(question(*confirmed), "c", "f")

    assert "more seeds needed" in answer_verdict(answer)
    assert ADDING_SEEDS not in answer_notes(answer)


def test_scores_of_a_formula_are_marked():
    probe = replace(C, probe=True)

    (answer,) = compare_family(question(probe, F), "f")

    assert "Probe: scores are a formula's, nothing was trained." in answer_notes(answer)


def test_a_group_is_no_baseline():
    with pytest.raises(UsageError, match="a baseline is one"):
        compare_family(question(*NORMS), "first_norm=in")


def test_one_shared_seed_tells_of_no_spread():
    answer = compare(
        question(entry("a", [66.41]), entry("b", [60.0]), num_test_examples=8580), "a", "b"
    )

    assert "1 seed: no spread known; with the planning floor" in answer_verdict(answer)


def test_variants_without_a_score_have_nothing_to_compare():
    answer = compare(question(entry("a", [], failed=3), C), "a", "c")

    assert answer_verdict(answer) == "a and c share no seed: nothing to compare."
    assert "a: 3 failed" in answer_notes(answer)[-1]
    assert comparison_record(answer)["mean_a"] is None


@pytest.mark.parametrize("format_", ["table", "json", "csv", "md", "latex"])
def test_hostile_names_are_escaped(capsys, format_):
    hostile = "=cmd() [/] \x1b[31m $\\frac{$ |"
    asked = question(entry(hostile, [1.0, 2.0]), F)

    print_answer(compare(asked, hostile, "f"), Layout(format_=format_))
    print_family(compare_family(asked, "f"), Layout(format_=format_))

    assert "\x1b" not in capsys.readouterr().out


def test_scores_of_a_study_can_be_fractions_too():
    asked = question(entry("a", [0.7, 0.71]), entry("b", [0.6, 0.62]), unit="")

    answer = compare(in_unit(asked, asked_unit("fraction")), "a", "b")

    assert answer.comparison.difference == pytest.approx(9.5)
    assert answer.question.unit == "pp"
    assert FRACTIONS in answer_notes(answer)
    with pytest.raises(UsageError, match=r"a top1 of 66\.8 is no fraction"):
        in_unit(question(C, F), asked_unit("fraction"))


def test_a_small_difference_keeps_its_digits_in_a_table():
    asked = question(entry("a", [0.371, 0.374, 0.369]), entry("b", [0.412, 0.409, 0.418]), unit="")

    (table,) = comparison_tables(compare_family(asked, "b"))

    assert table.rows[0][1] == "-0.042 ± 0.017"


def test_a_small_half_width_and_its_difference_have_the_same_decimals():
    (table,) = comparison_tables(
        compare_family(question(entry("a", [60.25, 60.2, 60.28]), entry("b", [60.0] * 3)), "b")
    )

    difference, half = table.rows[0][1].removeprefix("+").split(" ± ")
    assert len(difference) == len(half)


def test_failed_trials_of_all_variants_are_one_note_that_names_the_baseline_once():
    entries = [
        entry("a", [60.0, 61.0], failed=1),
        entry("b", [60.0, 62.0]),
        entry("c", [61.0, 62.5], failed=2),
    ]

    (table,) = comparison_tables(compare_family(question(*entries), "c"))

    assert [note for note in table.notes if "ailed" in note] == [
        "Failed trials give no score (c: 2 failed; a: 1 failed)."
    ]
