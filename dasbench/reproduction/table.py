"""A table of the paper beside ours, as a table for people and as records."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import get_args

from dasbench.paper.figures import UNITS, Count, PaperColumn, PaperTable
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import NOTHING, count_text
from dasbench.render.text.words import counted
from dasbench.reproduction.rows import TOLERANCES, CellReport, RowReport, Verdict, count_in
from dasbench.spec.plain import Record

ONCE = "A multiply-add counts once."
RULES = {
    "paper": "Rows with DAS are counted by the rule that their printed figures follow (paper), and "
    "match if they round to the printed digits.",
    "module_leaves": "Rows without DAS are counted by ptflops on module leaves, and match within "
    f"{TOLERANCES['params_m']:.1%} of the parameters and {TOLERANCES['flops_g']:.0%} of the FLOPs.",
}
"""Convention -> how its rows are counted and compared."""
FULL = (
    "The printed counts of DAS do not see its own deformable kernel, nor the sampling for it. "
    "The column 'full' counts every parameter and every operator, for all rows alike; "
    "docs/counting.md shows how this is known."
)
TRAINED = (
    "Accuracies are means over n seeds ± half of their 95 % t interval, and match if the printed "
    "figure lies within it or is the mean when rounded. The printed figure is itself a single run."
)
STAR = "*"
SHORT_TITLES = {"Parameters": "Params"}
"""What a figure is called where the paper's title of its column is long."""

COLUMNS = (
    Column(key="row", title="row", is_text=True),
    Column(key="figure", title="figure", is_text=True),
    Column(key="printed", title="printed"),
    Column(key="here", title="here"),
)
SEEDS = Column(key="n", title="n", priority=2)
VERDICT = Column(key="verdict", title="verdict", is_text=True)
IN_FULL = Column(key="full", title="full", priority=3)


def reproduction_tables(table: PaperTable, reports: Sequence[RowReport]) -> list[Table]:
    """A line for each printed figure: ours beside it, its verdict, and the full count if any."""
    columns = [*COLUMNS, SEEDS, VERDICT, IN_FULL]
    if not any(map(_is_trained, reports)):
        columns.remove(SEEDS)
    if not any(report.counts for report in reports):
        columns.remove(IN_FULL)
    rows = []
    for report in reports:
        name = _with_star(report.row.label, report.row.note)
        for column in table.columns.values():
            cells = _cells(report, column) | {"row": name}
            rows.append([cells[shown.key] for shown in columns])
            name = ""  # it stands beside the first figure of its row alone
    return [
        Table(
            title=f"{table.name}: {table.title}",
            columns=columns,
            rows=rows,
            notes=_notes(table, reports),
        )
    ]


def _cells(report: RowReport, column: PaperColumn) -> dict[str, str]:
    """What each column says of one printed figure."""
    cell = report.cells[column.name]
    texts = {
        "figure": _figure_text(column, cell),
        "printed": _printed_text(cell, column.unit),
        "here": _our_text(cell),
        "n": str(cell.n or ""),
        "verdict": "",
        "full": _full_text(report, column),
    }
    if cell.published is not None:
        texts["verdict"] = cell.verdict
    return texts


def reproduction_records(table: PaperTable, reports: Sequence[RowReport]) -> list[Record]:
    """A record for each row, flat."""
    return [_row_record(table, report) for report in reports]


def _row_record(table: PaperTable, report: RowReport) -> Record:
    """Flat plain data of one row."""
    row = report.row
    record: Record = {"table": table.name, "label": row.label, "backbone": row.backbone}
    record |= {"gate": None, "convention": row.convention, "note": row.note}
    if row.gate:
        record["gate"] = row.gate.name
    for convention in ("full", "paper", "module_leaves"):
        count = report.counts.get(convention, Count())
        record |= {f"params_{convention}": count.params, f"macs_{convention}": count.macs}
    for name, cell in report.cells.items():
        record |= {
            f"{name}_published": None,
            f"{name}_unit": row.unit_of(table.columns[name]),
            f"{name}_measured": cell.measured,
            f"{name}_ci95": cell.half_width,
            f"{name}_n": cell.n,
            f"{name}_verdict": cell.verdict,
            f"{name}_why": cell.why,
            f"{name}_note": cell.note,
        }
        if cell.published:
            record[f"{name}_published"] = cell.published.value
    return record


def _is_trained(report: RowReport) -> bool:
    return any(cell.n for cell in report.cells.values())


def _figure_text(column: PaperColumn, cell: CellReport) -> str:
    """What the figure is, with its unit; a star sends the reader to its note."""
    text = SHORT_TITLES.get(column.title, column.title)
    if column.unit:
        text += f" ({column.unit})"
    return _with_star(text, cell.note)


def _with_star(text: str, note: str) -> str:
    """A text with a star if there is a note on it."""
    if note:
        text += STAR
    return text


def _printed_text(cell: CellReport, unit: str) -> str:
    if cell.published is None:
        return NOTHING
    if cell.published.unit == unit:
        return cell.published.text
    return f"{cell.published.text} {cell.published.unit}"


def _our_text(cell: CellReport) -> str:
    """Our figure with a digit more than the printed one, and half of its interval if it has one."""
    if cell.measured is None:
        return NOTHING
    if cell.published is None:
        return f"{cell.measured:.3f}"
    digits = len(cell.published.text.partition(".")[2]) + (cell.n is None)
    text = f"{cell.measured:.{digits}f}"
    if cell.half_width is not None:
        text += f" ± {cell.half_width:.{digits}f}"
    return text


def _full_text(report: RowReport, column: PaperColumn) -> str:
    """The full count beside a printed count, in the column's unit; nothing beside a score."""
    if column.name not in TOLERANCES:
        return ""
    full = report.counts.get("full", Count())
    return count_text(count_in(column, full), UNITS[column.unit])


def _notes(table: PaperTable, reports: Sequence[RowReport]) -> list[str]:
    """What stands below the table: a tally, reasons, notes, the rules."""
    notes = [_tally(reports), *_reasons(table, reports)]
    if table.note:
        notes.append(f"{STAR} {table.note}")
    for report in reports:
        notes += _row_notes(table, report)
    used = {report.row.convention for report in reports if report.counts}
    if used:
        notes.append(" ".join([ONCE, *(rule for name, rule in RULES.items() if name in used)]))
    if any(map(_is_trained, reports)):
        notes.append(TRAINED)
    if "paper" in used:
        notes.append(FULL)
    return notes


def _row_notes(table: PaperTable, report: RowReport) -> list[str]:
    """What is known of a row of the paper, and of single figures in it."""
    row = report.row
    notes = []
    if row.note:
        notes.append(f"{STAR} {row.label}: {row.note}")
    for name, figure in row.published.items():
        if figure and figure.note:
            notes.append(f"{STAR} {row.label}, {table.columns[name].title}: {figure.note}")
    return notes


def _tally(reports: Sequence[RowReport]) -> str:
    verdicts: Counter[str] = Counter()
    for report in reports:
        for cell in report.cells.values():
            verdicts[cell.verdict] += 1
    counts = [f"{name} {verdicts[name]}" for name in get_args(Verdict) if verdicts[name]]
    return f"{counted(verdicts.total(), 'figure')}: {', '.join(counts)}"


def _reasons(table: PaperTable, reports: Sequence[RowReport]) -> list[str]:
    """Each reason why figures could not be compared, with the figures that it concerns."""
    places: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for report in reports:
        for name, cell in report.cells.items():
            if cell.why:
                title = table.columns[name].title
                places[f"{cell.verdict}: {cell.why}"][title].append(report.row.label)
    every = [report.row.label for report in reports]
    return [f"{reason} ({_where(labels, every)})" for reason, labels in places.items()]


def _where(labels: Mapping[str, Sequence[str]], every: Sequence[str]) -> str:
    """Some figures, by their columns and rows; columns of the same rows are named together.

    Args:
        labels: of the rows, by the column's title.
        every: labels of all rows.

    Example:
        >>> _where({"Top-1": ["a"], "Top-5": ["a"], "FLOPs": ["a", "b", "c"]}, ["a", "b", "c"])
        'Top-1, Top-5 of a; FLOPs of all rows'
    """
    titles: dict[str, list[str]] = {}
    for title, some in labels.items():
        titles.setdefault(_row_names(some, every), []).append(title)
    return "; ".join(f"{', '.join(columns)} of {rows}" for rows, columns in titles.items())


def _row_names(labels: Sequence[str], every: Sequence[str]) -> str:
    """Some rows, by those that are left out if these are fewer.

    Example:
        >>> _row_names("abc", "abc"), _row_names("acd", "abcd"), _row_names("a", "ab")
        ('all rows', 'all rows but b', 'a')
    """
    others = [label for label in every if label not in labels]
    if len(others) >= len(labels):
        return ", ".join(labels)
    if not others:
        return "all rows"
    return f"all rows but {', '.join(others)}"
