"""What figures show: selections of fabricated trials, and names that might do harm."""

import itertools

from fabricated_studies import row

from dasbench.views.selection import Selection

HOSTILE = [
    r"$\frac{$", "_x", "<script>alert(1)</script>", "[/]", "=cmd()", "\x1b[31mred", "a\nb", "x" * 300, "$$", "</script>"
]  # fmt: skip


def selection(rows, **changes):
    """The trials of a study that a figure is drawn of."""
    return Selection(
        **{
            "name": "s",
            "question": "Which? $x$ [b]",
            "metric": "top1",
            "maximise": True,
            "rows": rows,
            **changes,
        }
    )


ROWS = [row("cheap", s, 80 + s, 10) for s in range(3)] + [
    row("good", s, 90 + s, 20) for s in range(3)
]

DOMINATED = [row("bad", s, 70 + s, 30) for s in range(3)]

NORMS = [
    row(f"{a} {b}", s, 90 + (a == "ln") * 3 + s / 10 + (i * 7 + s * 3) % 5 / 50, 10,
        variant={"gate.first_norm": a, "gate.second_norm": b})
    for i, (a, b) in enumerate(itertools.product(["bn", "ln"], repeat=2)) for s in range(5)
]  # fmt: skip
