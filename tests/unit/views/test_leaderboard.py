"""The leaderboard: what is counted, what is ranked, what is said, and how it is printed."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.analysis.families import rank_intervals
from dasbench.errors import UsageError
from dasbench.records import Cost, Row
from dasbench.render.leaderboard import board_records, board_tables
from dasbench.render.tables.printing import print_found
from dasbench.render.tables.table import Layout
from dasbench.views import ranks
from dasbench.views.board import make_board
from dasbench.views.ranks import find_ranks
from dasbench.views.selection import Selection

HOSTILE = "[/] $\\frac{$ =cmd() | \x1b[31m <b> a_b & 5%"


def cost(macs=200, size=(3, 8, 8)):
    return Cost(
        params_full=1000, macs_full=macs, params_paper=900, macs_paper=macs, input_size=size
    )


def row(label, seed, top1=None, **fields):
    metrics = {} if top1 is None else {"top1": top1}
    given = {
        "variant": {"gate": label},
        "label": label,
        "state": "done",
        "metrics": metrics,
        "cost": cost(),
    }
    return Row(study="s", key=f"{label}{seed}", seed=seed, **{**given, **fields})


def rows_of(label, *scores, **fields):
    return [row(label, seed, top1, **fields) for seed, top1 in enumerate(scores)]


def selection(rows, **fields):
    given = {"name": "s", "question": "Which?", "metric": "top1", "maximise": True, "rows": rows}
    return Selection(**{**given, **fields})


def board_of(rows, *, fields=None, **options):
    return make_board(selection(rows, **(fields or {})), **options)


def records(board):
    return {record["label"]: record for record in board_records(board)}


def notes(board):
    return [note for table in board_tables(board) for note in table.notes]


def cells(table, row=0):
    """The cells of one row by the keys of their columns."""
    return dict(zip([column.key for column in table.columns], table.rows[row], strict=True))


def print_board(board, format_):
    print_found(
        Layout(format_=format_),
        tables=lambda: board_tables(board),
        records=lambda: board_records(board),
    )


GOOD, CLOSE, BAD = (
    rows_of("good", 90.0, 90.2, 89.9),
    rows_of("close", 89.8, 90.3, 89.9),
    rows_of("bad", 50.0, 50.3, 49.8),
)


def test_ranks_are_intervals_and_ties_with_the_best_are_marked():
    found = records(board_of([*BAD, *GOOD, *CLOSE]))

    assert [(r["rank_low"], r["rank_high"], r["ties_with_best"]) for r in found.values()] == [
        (1, 2, True),
        (1, 2, True),
        (3, 3, False),
    ]
    assert found["good"]["top1_low"] < found["good"]["top1_mean"] < found["good"]["top1_high"]
    assert found["good"]["top1_worst"] == 89.9
    assert [r["best"] for r in found.values()] == [True, False, False]


def test_failed_stopped_and_waiting_trials_are_counted_and_never_averaged():
    rows = [
        *rows_of("a", 70.0, 72.0),
        row("a", 2, 99.0, state="stopped"),
        row("a", 3, None, state="failed", reason="nan"),
        row("a", 4, None, state="failed", reason="oom"),
        row("a", 5, None, state="pending"),
        row("a", 6, float("nan")),
    ]

    board = board_of(rows)

    record = records(board)["a"]
    assert (record["n"], record["planned"], record["failed"], record["stopped"]) == (2, 7, 3, 1)
    assert (record["top1_mean"], record["seeds"]) == (71.0, [0, 1])
    (table,) = board_tables(board)
    found = cells(table)
    assert (found["n"], found["failed"], found["stopped"]) == (
        "2/7",
        "2 diverged, 1 out of memory",
        "1",
    )


def test_one_seed_has_a_number_and_a_note_and_no_rank():
    board = board_of([row("a", 0, 66.41), row("b", 0, 60.0)], fields={"num_test_examples": 8580})

    assert [line.rank for line in board.lines] == [None, None]
    assert any(
        "sqrt(err/2n) = 0.44 pp, differences under 1.2 pp are within noise" in note
        for note in notes(board)
    )


def test_without_the_size_of_the_test_part_no_floor_is_made_up():
    board = board_of([row("a", 0, 66.41)])

    assert "1 seed: no spread known." in notes(board)


def test_variants_with_unequal_seeds_are_compared_over_common_ones():
    board = board_of([*rows_of("a", 90.0, 90.1, 90.2, 10.0), *rows_of("b", 80.0, 80.1, 80.25)])

    assert records(board)["a"]["rank_high"] == 1
    assert any("different seeds" in note for note in notes(board))


@pytest.mark.parametrize("format_", ["table", "md", "latex", "csv", "json"])
@pytest.mark.parametrize(
    "rows",
    [[], [row("a", 0, None, state="failed", reason="nan")], [row("a", 0, float("inf"))]],
    ids=str,
)
def test_studies_without_a_score_are_shown_in_every_format(capsys, rows, format_):
    print_board(board_of(rows), format_)

    out = capsys.readouterr().out
    assert "Infinity" not in out
    assert not rows or "a" in out


def test_a_loss_is_ranked_from_below_and_has_no_percentage_points():
    rows = [
        row(name, seed, metrics={"loss": value + seed / 10})
        for name, value in (("a", 2.0), ("b", 1.0))
        for seed in (0, 1)
    ]

    board = board_of(rows, fields={"metric": "loss", "maximise": False})

    assert list(records(board)) == ["b", "a"]
    assert records(board)["b"]["loss_worst"] == 1.1
    text = str(board_tables(board))
    assert "pp" not in text
    assert "(%)" not in text


def test_groups_are_means_over_the_other_axes_within_a_seed():
    values = {
        ("in", 0.1): (70, 71),
        ("in", 0.2): (80, 81),
        ("bn", 0.1): (60, 62),
        ("bn", 0.2): (70, None),
    }
    rows = [
        row(f"{norm}{alpha}", seed, score, variant={"gate.first_norm": norm, "gate.alpha": alpha},
            state="done" if score is not None else "failed")
        for (norm, alpha), scores in values.items()
        for seed, score in enumerate(scores)
    ]  # fmt: skip

    board = board_of(rows, group_by=["first_norm"])

    found = records(board)
    assert (
        found["first_norm=in"]["top1_mean"] == (75 + 71) / 2
    )  # at seed 1 alpha 0.2 is missing in bn, so in both
    assert found["first_norm=bn"]["top1_mean"] == (65 + 62) / 2
    assert found["first_norm=bn"]["failed"] == 1
    assert any("Averaged over gate.alpha within each seed" in note for note in notes(board))


def test_an_unknown_field_to_group_by_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown field 'gat'. Did you mean 'gate'"):
        board_of(GOOD, group_by=["gat"])


def test_a_column_sorts_in_the_direction_that_makes_sense():
    rows = [*rows_of("a", 70.0, 71.0, cost=cost(300)), *rows_of("b", 60.0, 65.0, cost=cost(100))]

    assert list(records(board_of(rows, sort="macs"))) == ["b", "a"]
    assert list(records(board_of(rows, sort="macs desc"))) == ["a", "b"]
    assert list(records(board_of(rows, sort="top1"))) == ["a", "b"]
    assert list(records(board_of(rows, sort="top1_sd"))) == ["a", "b"]
    assert list(records(board_of(rows, sort="label desc"))) == ["b", "a"]
    with pytest.raises(UsageError, match=r"unknown column 'marcs'"):
        board_of(rows, sort="marcs")


def test_an_unknown_column_to_sort_by_is_told_the_short_names_too():
    with pytest.raises(UsageError, match=r"unknown column 'mac'. Did you mean 'macs'\?"):
        board_of(GOOD, sort="mac")


def test_top_shows_the_first_and_says_how_many_there_are():
    board = board_of([*BAD, *GOOD, *CLOSE], top=1)

    assert list(records(board)) == ["good"]
    assert records(board)["good"]["rank_high"] == 2
    assert any("1 of 3 variants" in note for note in notes(board))


@given(
    st.lists(st.lists(st.floats(0, 100), min_size=2, max_size=4), min_size=2, max_size=6),
    st.sampled_from(["max", "min"]),
)
def test_ranks_of_many_variants_never_say_more_than_all_pairs_do(values, direction):
    sign = 1 if direction == "max" else -1
    scores = sorted(
        (dict(enumerate(own)) for own in values),
        key=lambda own: -sign * sum(own.values()) / len(own),
    )
    whole = rank_intervals(dict(enumerate(scores)), direction=direction)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "MOST_RANKED_BY_ALL_PAIRS", 1)
        some = find_ranks(scores, direction=direction)

    for place, rank in enumerate(some):
        assert rank.low <= whole[place].low
        assert rank.high >= whole[place].high
        assert rank.ties_with_best or not whole[place].ties_with_best


def test_of_many_variants_the_shown_ones_are_ranked(monkeypatch):
    monkeypatch.setattr(ranks, "MOST_RANKED_BY_ALL_PAIRS", 2)

    found = find_ranks(
        [{0: 9.0, 1: 9.1, 2: 9.05}, {0: 5.0, 1: 5.1, 2: 5.04}, {0: 1.0, 1: 1.1, 2: 1.03}], shown=2
    )

    assert [rank and (rank.low, rank.high) for rank in found] == [(1, 1), (2, 2), None]


def test_a_winner_is_scored_on_fresh_seeds_alone():
    rows = [
        row("a", 0, 99.0, role="search"),
        row("a", 1, 70.0, role="confirm"),
        row("a", 2, 72.0, role="confirm"),
    ]

    board = board_of(rows)

    assert (records(board)["a"]["top1_mean"], records(board)["a"]["top1_selected"]) == (71.0, 99.0)
    assert any("fresh seeds" in note for note in notes(board))


@pytest.mark.parametrize("format_", ["table", "md", "latex", "csv", "json"])
def test_hostile_names_are_escaped_in_every_format(capsys, format_):
    rows = rows_of(HOSTILE, 1.0, 2.0)

    print_board(board_of(rows, fields={"question": HOSTILE}), format_)

    out = capsys.readouterr().out
    assert "\x1b" not in out
    if format_ == "json":
        assert json.loads(out)[0]["label"] == HOSTILE
    if format_ == "md":
        lines = [line for line in out.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
        assert "<b>" not in out
    if format_ == "latex":
        assert r"\textbackslash{}frac\{\$" in out
        assert r"a\_b \& 5\%" in out
    if format_ == "csv":
        formula = print_formula(capsys)
        assert "\n=cmd" not in formula
        assert ",'=cmd()" in formula


def print_formula(capsys):
    print_board(board_of(rows_of("=cmd()", 1.0)), "csv")
    return capsys.readouterr().out


def test_markdown_leaves_a_dollar_no_formula_and_a_caption_of_latex_ends_its_sentences(capsys):
    board = board_of(rows_of("$x$", 1.0, 2.0), fields={"question": "Costs"})

    print_board(board, "md")
    assert r"\$x\$" in capsys.readouterr().out
    print_board(board, "latex")
    assert r"\caption{Costs. $\pm$" in capsys.readouterr().out


def test_latex_sets_the_best_and_its_ties_in_bold(capsys):
    print_board(board_of([*GOOD, *CLOSE, *BAD]), "latex")

    out = capsys.readouterr().out
    assert r"\toprule" in out
    assert r"\textbf{good} & \textbf{90.03 $\pm$ 0.38}" in out
    assert r"\textbf{close}" in out
    assert r"\textbf{bad}" not in out
    assert "t interval of the mean over n seeds" in out


def test_single_seeds_have_no_column_for_a_spread():
    (table,) = board_tables(board_of([row("a", 0, 66.41), row("b", 0, 60.0)]))

    assert [column.title for column in table.columns][:2] == ["variant", "test top1 (%)"]
    assert {"sd", "worst", "rank"}.isdisjoint(column.key for column in table.columns)
    assert not any("±" in note for note in table.notes)


def test_a_score_and_its_interval_are_one_cell():
    (table,) = board_tables(board_of([*GOOD, *BAD]))

    assert cells(table)["score"] == "90.03 ± 0.38"
    assert [column.key for column in table.columns if column.priority == 0] == [
        "variant",
        "score",
        "rank",
        "n",
    ]


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ((86.0, 86.1), "86.05 ± 0.64"),
        ((0.41, 0.42), "0.4150 ± 0.0635"),
        ((1234.0, 1240.0), "1237 ± 38"),
        ((1e-6, 2e-6), "1.500e-06 ± 6.353e-06"),
        ((0.0, 0.0), "0.000 ± 0.000"),
    ],
)
def test_a_score_without_percent_has_as_many_decimals_as_its_interval(scores, shown):
    board = replace(board_of(rows_of("a", *scores)), unit="")

    assert cells(board_tables(board)[0])["score"] == shown


def test_failures_stay_where_a_terminal_is_narrow():
    (table,) = board_tables(board_of([*GOOD, row("good", 3, None, state="failed", reason="oom")]))

    assert next(column.priority for column in table.columns if column.key == "failed") == 0


def test_what_ranks_by_a_cost_has_no_column_of_scores():
    board = board_of([*GOOD, *BAD], fields={"metric": "macs", "maximise": False})

    (table,) = board_tables(board)

    assert [column.key for column in table.columns][:2] == ["variant", "n"]
    assert not any("±" in note or "Rank" in note for note in table.notes)


def test_a_variant_alone_has_no_rank():
    (table,) = board_tables(board_of(GOOD))
    (cut,) = board_tables(board_of([*GOOD, *BAD], top=1))

    assert "rank" not in cells(table)
    assert not any("Rank" in note or "≈" in note for note in table.notes)
    assert cells(cut)["rank"] == "1 ≈"


def test_variants_without_a_score_are_not_counted_among_the_ranked():
    rows = [*GOOD, *BAD, *rows_of("dead", None, None, state="failed")]

    assert any("Holm over all pairs of 2 variants" in note for note in notes(board_of(rows)))


def test_of_variants_of_one_seed_among_others_it_is_said_that_they_are_meant():
    alone = rows_of("alone", 70.0)

    assert "1 seed: no spread known." in notes(board_of(alone))
    assert "Variants of 1 seed: no spread known." in notes(board_of([*GOOD, *alone]))


def test_where_no_trial_is_shown_no_note_explains_numbers():
    assert notes(board_of([])) == ["There is no trial to show."]
    assert notes(board_of([], fields={"where": "top1 > 99"})) == [
        "Only what passes: top1 > 99",
        "There is no trial to show.",
    ]


def test_a_probe_is_marked_once():
    board = board_of(rows_of("a", 1.0, 2.0, task="probe"))

    (table,) = board_tables(board)

    assert table.title == "Which? (probe: a formula, nothing was trained)"
    assert not any("formula" in note for note in table.notes)


def test_another_part_is_not_called_the_test_part():
    rows = [row("a", seed, metrics={"val_top1": 50.0 + seed}) for seed in (0, 1)]

    (table,) = board_tables(board_of(rows, fields={"metric": "val_top1"}))

    assert table.columns[1].title == "val_top1 (%) ± 95 %"
