"""Which axis matters, as a table, JSON or CSV."""

from typing import Any

from dasbench.analysis.importance import Importance
from dasbench.render.formats import console, text_table
from dasbench.render.plots.importance import headline
from dasbench.render.records import print_records
from dasbench.views.importance import ImportanceInfo


def importance_records(found: Importance) -> list[dict[str, Any]]:
    """One record for each axis, pair and other part of the variance, with the means of each level inside."""
    return [
        {
            "effect": effect.name,
            "axes": list(effect.axes),
            "method": found.method,
            "share": effect.share,
            "df": effect.df,
            "sum_squares": effect.sum_squares,
            "f": effect.f,
            "p": effect.p,
            "p_holm": effect.p_holm,
            "resolved": effect.resolved,
            "fit": found.fit,
            "trials": found.trials,
            "levels": [
                {"level": one.level, "mean": one.mean, "ci95": one.ci95, "variants": one.variants, "n": one.n}
                for one in found.marginals
                if effect.axes == (one.axis,)
            ],
        }
        for effect in found.effects
    ]


def print_importance(explained: ImportanceInfo, *, format_: str) -> None:
    """Print what each axis explains, then the means of its levels."""
    found = explained.found
    if format_ != "table":
        print_records(importance_records(found), format_=format_)
        return
    screen = console()
    columns = ["part", "share (%)"]
    columns += ["df", "F", "p", "p (Holm)", ""] if found.method == "anova" else []
    notes = "; ".join(found.notes)
    caption = f"{headline(found)}." + (f" Note: {notes}." if notes else "")
    table = text_table(explained.question, columns, caption=caption)
    for effect in found.effects:
        cells = (
            effect.name,
            f"{100 * effect.share:.1f}",
            "-" if effect.df is None else str(effect.df),
            "-" if effect.f is None else f"{effect.f:.2f}",
            _p_value(effect.p),
            _p_value(effect.p_holm),
            "" if effect.p is None else "resolved" if effect.resolved else "not resolved",
        )
        table.add_row(*cells[: len(columns)])
    screen.print(table)
    means = text_table("", ["axis", "level", f"mean {explained.metric}", "± (95 %)", "variants", "seeds"], left=2)
    means.caption = "Each mean is over all variants of the level; its interval over seeds that all of them have."
    for one in found.marginals:
        interval = "-" if one.ci95 is None else f"{one.ci95:.2f}"
        means.add_row(one.axis, one.level, f"{one.mean:.2f}", interval, str(one.variants), str(one.n))
    screen.print(means)


def _p_value(p: float | None) -> str:
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
