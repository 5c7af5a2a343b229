"""What a search tried is told apart from what it confirmed: on leaderboards, in comparisons, on fronts."""

import pytest

from dasbench.records import Cost, Row
from dasbench.render.comparison import answer_verdict, comparison_record, comparison_tables
from dasbench.render.comparison_notes import answer_notes
from dasbench.render.leaderboard import board_records, board_tables
from dasbench.render.noise import PAIR_BY_PAIR
from dasbench.spec.study import Objective
from dasbench.views.board import make_board
from dasbench.views.comparisons.comparison import compare, compare_family
from dasbench.views.comparisons.question import Question
from dasbench.views.figures.pareto import info
from dasbench.views.selection import Selection
from dasbench.views.variants import leaderboard


def trials(label, *, search=(), confirm=(), listed=(), macs=200):
    """The trials of one variant: the scores that a search saw, those of fresh seeds, those that nobody chose by."""
    cost = Cost(
        params_full=10, macs_full=macs, params_paper=9, macs_paper=macs, input_size=(3, 8, 8)
    )
    plain = {"study": "s", "variant": {"gate": label}, "label": label, "cost": cost}
    scores = [("search", score) for score in search]
    scores += [("confirm", score) for score in confirm]
    scores += [("", score) for score in listed]
    return [
        Row(key=f"{label}{seed}", seed=seed, role=role, state="failed" if score is None else "done",
            metrics={} if score is None else {"top1": score}, **plain)
        for seed, (role, score) in enumerate(scores)
    ]  # fmt: skip


def selection(*variants, **fields):
    rows = [row for rows in variants for row in rows]
    return Selection(
        **{
            "name": "s",
            "question": "Which?",
            "metric": "top1",
            "maximise": True,
            "rows": rows,
            **fields,
        }
    )


def question(*variants):
    entries = leaderboard(selection(*variants).rows)
    return Question(entries=entries, metric="top1", unit="pp", direction="max")


LUCKY = trials("lucky", search=[99.0], macs=100)
WINNER = trials("winner", search=[95.0], confirm=[90.0, 90.2, 89.9], macs=300)
BASE = trials("base", confirm=[80.0, 80.3, 79.8], macs=200)
LOST = trials("lost", search=[94.0], confirm=[None, None])
SEARCH = (LUCKY, WINNER, BASE, LOST)


def test_confirmed_winners_come_first_and_alone_have_ranks():
    records = board_records(make_board(selection(*SEARCH)))

    assert [(record["label"], record["confirmed"]) for record in records] == [
        ("winner", True),
        ("base", True),
        ("lucky", False),
        ("lost", False),
    ]
    assert [record["rank_high"] for record in records] == [1, 2, None, None]


def test_what_was_tried_is_a_table_of_its_own():
    confirmed, tried = board_tables(make_board(selection(*SEARCH)))

    assert [[row[0] for row in table.rows] for table in (confirmed, tried)] == [
        ["winner", "base"],
        ["lucky", "lost"],
    ]
    assert confirmed.title == "Which? Confirmed on fresh seeds:"
    assert tried.title == "Tried, not confirmed:"
    assert "selected" in [column.key for column in confirmed.columns]
    assert "rank" not in [column.key for column in tried.columns]
    assert tried.bold == []
    assert "2 failed" in next(row for row in tried.rows if row[0] == "lost")


def test_a_search_without_a_confirmation_has_one_table_without_ranks():
    seeds = trials("a", search=[70.0, 70.1, 70.2]), trials("b", search=[50.0, 50.1, 50.2])

    (table,) = board_tables(make_board(selection(*seeds)))

    assert table.title == "Which? Tried, not confirmed:"
    assert "rank" not in [column.key for column in table.columns]
    assert any("carry no ranks" in note for note in table.notes)


def test_a_study_without_a_search_is_one_table_as_ever():
    board = make_board(
        selection(trials("a", listed=[70.0, 70.1]), trials("b", listed=[50.0, 50.1]))
    )

    (table,) = board_tables(board)

    assert table.title == "Which?"
    assert [record["confirmed"] for record in board_records(board)] == [None, None]


def test_listed_variants_stand_beside_the_confirmed_ones_of_another_study():
    tables = board_tables(make_board(selection(*SEARCH, trials("grid", listed=[85.0, 85.1, 84.9]))))

    assert [row[0] for row in tables[0].rows] == ["winner", "grid", "base"]
    assert tables[0].title == "Which?"


@pytest.mark.parametrize(
    ("sort", "labels"), [("label", "base winner lost lucky"), ("macs", "base winner lucky lost")]
)
def test_sorting_leaves_what_was_tried_below(sort, labels):
    board = make_board(selection(*SEARCH), sort=sort)

    assert [line.entry.label for line in board.lines] == labels.split()


def test_the_top_is_taken_of_the_confirmed_ones_first():
    board = make_board(selection(*SEARCH), top=3)

    assert [line.entry.label for line in board.lines] == ["winner", "base", "lucky"]
    assert any("3 of 4 variants" in note for note in board_tables(board)[-1].notes)


def test_a_group_with_scores_that_a_search_chose_by_has_no_rank():
    board = make_board(selection(*SEARCH), group_by=["gate"])

    assert {record["label"]: record["confirmed"] for record in board_records(board)} == {
        "gate=winner": True,
        "gate=base": True,
        "gate=lucky": False,
        "gate=lost": False,
    }


def test_a_comparison_with_what_was_tried_is_exploratory():
    tried = trials("tried", search=[70.0, 70.1, 70.2]), trials("other", search=[50.0, 50.2, 50.1])

    answer = compare(question(*tried), "tried", "other")

    assert answer_verdict(answer).endswith(
        "resolved (exploratory: a search chose by these scores)."
    )
    assert any("Tried, not confirmed: tried; other." in note for note in answer_notes(answer))
    assert (comparison_record(answer)["confirmed_a"], comparison_record(answer)["confirmed_b"]) == (
        False,
        False,
    )


def test_one_tried_variant_is_named_even_where_there_is_no_verdict():
    answer = compare(question(trials("a", listed=[70.0]), trials("b", search=[60.0])), "a", "b")

    assert "1 seed: no spread known" in answer_verdict(answer)
    assert answer_notes(answer)[-1].startswith(
        "Tried, not confirmed: b. A search chose by these scores"
    )


def test_confirmed_winners_are_compared_without_a_doubt():
    answer = compare(
        question(WINNER, trials("grid", listed=[0.0, 80.3, 80.1, 79.8])), "winner", "grid"
    )

    assert "exploratory" not in answer_verdict(answer)
    assert answer_notes(answer) == [PAIR_BY_PAIR]


def test_in_a_family_what_was_tried_is_neither_bold_nor_named_a_hundred_times():
    many = [trials(f"v{n}", search=[50.0 + n, 50.1 + n, 50.25 + n]) for n in range(1, 101)]
    base = trials("base", search=[50.0, 50.3, 50.1])

    (table,) = comparison_tables(compare_family(question(base, *many), "base"))

    assert table.bold == []
    assert "resolved (exploratory)" in {row[2] for row in table.rows}
    assert [note for note in table.notes if "not confirmed" in note] == [
        "Tried, not confirmed: 101 variants. A search chose by these scores, so no test on them keeps its level; "
        "`confirm` in the study trains winners on fresh seeds."
    ]


def standings(*variants, **options):
    return {
        point.label: (point.standing, point.on_front)
        for point in info(selection(*variants), **options).points
    }


def test_no_point_that_was_tried_is_on_the_front():
    found = standings(LUCKY, WINNER, BASE)

    assert found == {"lucky": ("tried", False), "winner": ("front", True), "base": ("front", True)}


def test_a_search_without_a_confirmation_has_no_front():
    found = standings(LUCKY, trials("b", search=[60.0]))

    assert found == {"lucky": ("tried", False), "b": ("tried", False)}


def test_counted_objectives_alone_make_a_front_of_whatever_was_tried():
    exact = [
        Objective(metric="macs_full", direction="min"),
        Objective(metric="params_full", direction="min"),
    ]

    assert standings(LUCKY, WINNER, objectives=exact)["lucky"] == ("front", True)
