"""Which axis matters, as tables and as records."""

from dasbench.analysis.anova import Effect
from dasbench.analysis.importance import Importance
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import number_text, p_text
from dasbench.render.text.words import counted
from dasbench.spec.plain import Record
from dasbench.views.figures.importance import ImportanceInfo

SHARE_COLUMNS = (
    Column(key="part", title="part", is_text=True),
    Column(key="share", title="share (%)"),
)
TEST_COLUMNS = (
    Column(key="df", title="df", priority=4),
    Column(key="f", title="F", priority=3),
    Column(key="p", title="p", priority=3),
    Column(key="p_holm", title="p (Holm)", priority=2),
    Column(key="resolved", title="verdict", is_text=True, priority=1),
)

MEANS = (
    "Each mean is over all variants of the level; its interval over seeds that all of them have."
)


def importance_records(found: Importance) -> list[Record]:
    """One record for each axis, pair and other part of the variance; the levels' means inside."""
    return [_effect_record(effect, found) for effect in found.effects]


def _effect_record(effect: Effect, found: Importance) -> Record:
    return {
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
        "levels": _level_records(effect, found),
    }


def _level_records(effect: Effect, found: Importance) -> list[Record]:
    """The means of an axis' levels; none for an effect that is no single axis."""
    records = []
    for one in found.marginals:
        if effect.axes == (one.axis,):
            record = {"level": one.level, "mean": one.mean, "ci95": one.ci95}
            records.append({**record, "variants": one.variants, "n": one.n})
    return records


def importance_tables(explained: ImportanceInfo) -> list[Table]:
    """What each axis explains, then the means of its levels."""
    return [_effect_table(explained), _level_table(explained)]


def headline(found: Importance) -> str:
    """What was analysed, and how."""
    seeds = counted(found.seeds, "seed")
    if found.method == "anova":
        return f"Analysis of variance: {found.variants} variants, {seeds}, {found.trials} trials"
    fit = f"the forest's R^2 out of bag is {found.fit:.2f}"
    return f"fANOVA: {found.variants} variants, {seeds}; {fit}"


def _effect_table(explained: ImportanceInfo) -> Table:
    found = explained.found
    tested = found.method == "anova"
    columns = list(SHARE_COLUMNS)
    if tested:
        columns += TEST_COLUMNS
    rows = []
    for effect in found.effects:
        cells = [effect.name, f"{100 * effect.share:.1f}"]
        if tested:
            cells += _test(effect)
        rows.append(cells)
    notes = [f"{headline(found)}.", *(f"Note: {note}." for note in found.notes)]
    return Table(title=explained.question, columns=columns, rows=rows, notes=notes)


def _level_table(explained: ImportanceInfo) -> Table:
    columns = (
        Column(key="axis", title="axis", is_text=True),
        Column(key="level", title="level", is_text=True),
        Column(key="mean", title=f"mean {explained.metric}"),
        Column(key="ci95", title="± (95 %)"),
        Column(key="variants", title="variants", priority=2),
        Column(key="seeds", title="seeds", priority=1),
    )
    rows = []
    for one in explained.found.marginals:
        scores = (f"{one.mean:.2f}", number_text(one.ci95, ".2f"))
        rows.append((one.axis, one.level, *scores, str(one.variants), str(one.n)))
    return Table(title="", columns=columns, rows=rows, notes=[MEANS])


def _test(effect: Effect) -> tuple[str, ...]:
    """What the analysis of variance says of a part."""
    tests = (number_text(effect.df, ""), number_text(effect.f, ".2f"))
    return (*tests, p_text(effect.p), p_text(effect.p_holm), _verdict(effect))


def _verdict(effect: Effect) -> str:
    """Whether a part was resolved; `""` of one that has no test."""
    if effect.p is None:
        return ""
    if effect.resolved:
        return "resolved"
    return "not resolved"
