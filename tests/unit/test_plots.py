"""Figures show what they are given, and nothing hides anything else."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from dasbench.errors import UsageError
from dasbench.records import Cost, Row
from dasbench.reports.plots.figure import place_labels, plain_label, save_figure, short_labels, styled_figure
from dasbench.reports.plots.pareto import draw, info
from dasbench.reports.selection import Selection, refuse_mixed


def row(label, seed, top1, macs, **fields):
    cost = Cost(params_full=macs, macs_full=macs, params_paper=1, macs_paper=1, input_size=(3, 8, 8))
    fields = {
        "variant": {"gate": label},
        "label": label,
        "state": "done",
        "metrics": {"top1": top1},
        "cost": cost,
        **fields,
    }
    return Row(study="s", key=f"{label}{seed}", seed=seed, **fields)


def selection(rows):
    return Selection(name="s", question="Which? $x$ [b]", metric="top1", maximise=True, rows=rows)


ROWS = [row("cheap", s, 80 + s, 10) for s in range(3)] + [row("good", s, 90 + s, 20) for s in range(3)]
DOMINATED = [row("bad", s, 70 + s, 30) for s in range(3)]


def test_a_variant_that_costs_more_and_scores_less_is_not_on_the_front():
    points = {point.label: point for point in info(selection(ROWS + DOMINATED)).points}

    assert {label: point.on_front for label, point in points.items()} == {"cheap": True, "good": True, "bad": False}
    assert (points["good"].mean, points["good"].sd, points["good"].n) == (91.0, 1.0, 3)


def test_variants_without_a_result_are_left_out():
    pending = row("new", 0, 0, 1, state="pending", metrics={}, cost=None)

    assert {point.label for point in info(selection([*ROWS, pending])).points} == {"cheap", "good"}


def test_an_empty_study_still_draws(tmp_path):
    draw(info(selection([])), tmp_path / "empty.png")

    assert (tmp_path / "empty.png").stat().st_size > 1000


@pytest.mark.parametrize("seed", range(3))
def test_no_label_lies_on_another(seed):
    rng = np.random.default_rng(seed)
    points = [(float(x), float(y)) for x, y in zip(rng.normal(10, 0.2, 21), rng.normal(97, 1, 21), strict=True)]
    names = [
        "none",
        "das",
        "se",
        "bam",
        "cbam",
        "gsop",
        "a2",
        "gc",
        "gala",
        "abn",
        "srm",
        "triplet",
        "emca",
        "asr",
        "eca",
        "ge",
        "sa",
        "sp",
        "cc",
        "dra",
        "deform_attn",
    ]

    with styled_figure("?") as (figure, axes):
        axes.plot(*zip(*points, strict=True), "o")
        place_labels(axes, points, names, bold=[False] * 21)
        figure.canvas.draw()
        texts = [text for text in axes.texts if isinstance(text, Text) and text.get_text() in names]
        boxes = [text.get_window_extent() for text in texts]

    assert len(boxes) == 21
    assert not [1 for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


def test_mathematics_in_a_name_is_shown_as_text(tmp_path):
    rows = [row(r"$\frac{$ _x", s, 80 + s, 10) for s in range(2)]

    draw(info(selection(rows)), tmp_path / "a.svg")

    assert plain_label("$") == r"\$"
    assert (tmp_path / "a.svg").exists()


def test_a_format_that_nobody_draws_is_refused(tmp_path):
    with styled_figure("?") as (figure, _), pytest.raises(UsageError, match=r"not in '\.docx'"):
        save_figure(figure, tmp_path / "x.docx")


def test_labels_are_values_alone_where_all_variants_vary_the_same_fields():
    assert short_labels([{"gate": {"name": "das", "design": "a"}}, {"gate": "none"}]) == (
        "gate",
        ["das(design=a)", "none"],
    )


def test_scores_on_different_data_are_never_ranked_together():
    with pytest.raises(UsageError, match=r"different data.*cifar10; digits"):
        refuse_mixed([row("a", 0, 1, 1, dataset="digits"), row("a", 1, 1, 1, dataset="cifar10")])
