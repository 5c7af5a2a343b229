"""How a table of the paper beside ours is shown: as a table, Markdown, JSON or CSV."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

from dasbench.paper.figures import UNITS, Count, Table
from dasbench.render.formats import Grid, console, print_grid, text_table
from dasbench.render.records import print_records
from dasbench.reproduction.rows import TOLERANCES, CellReport, RowReport, Verdict

ONCE = "A multiply-add counts once."
RULES = {
    "paper": "Rows with DAS are counted by the rule that their printed figures follow (paper), and match if they round "
    "to the printed digits.",
    "module_leaves": "Rows without DAS are counted by ptflops on module leaves, and match within "
    f"{TOLERANCES['params_m']:.1%} of the parameters and {TOLERANCES['flops_g']:.0%} of the FLOPs.",
}
"""Convention -> how its rows are counted and compared."""
FULL = (
    "The printed counts of DAS do not see its own deformable kernel, nor the sampling for it. The columns 'full' "
    "count every parameter and every operator, for all rows alike; docs/counting.md shows how this is known."
)
TRAINED = (
    "Accuracies are means over n seeds ± half of their 95 % t interval, and match if the printed figure lies within it "
    "or is the mean when rounded. The printed figure is itself a single run."
)
STAR = "*"


def print_reproduction(table: Table, reports: Sequence[RowReport], *, format_: str) -> None:
    """Print published figures beside ours as `table`, `md`, `json` or `csv`."""
    if format_ in ("json", "csv"):
        print_records([row_record(table, report) for report in reports], format_=format_)
        return
    grid = make_grid(table, reports)
    if format_ == "md":
        print_grid(grid, format_="md")
        return
    drawn = text_table("", grid.columns)
    drawn.title = None  # above the table: inside it would be broken to the table's width
    drawn.show_edge = drawn.pad_edge = False
    for cells in grid.rows:
        drawn.add_row(*cells)
    console().print(grid.title, drawn, sep="\n")
    for line in grid.lines:
        console().print(line, soft_wrap=True)


def row_record(table: Table, report: RowReport) -> dict[str, Any]:
    """Flat plain data of one row, as JSON and CSV show it."""
    row = report.row
    record: dict[str, Any] = {"table": table.name, "label": row.label, "backbone": row.backbone}
    record |= {"gate": row.gate.name if row.gate else None, "convention": row.convention, "note": row.note}
    for convention in ("full", "paper", "module_leaves"):
        count = report.counts.get(convention, Count())
        record |= {f"params_{convention}": count.params, f"macs_{convention}": count.macs}
    for name, cell in report.cells.items():
        published = cell.published
        record |= {
            f"{name}_published": published.value if published else None,
            f"{name}_unit": published.unit if published else table.columns[name].unit,
            f"{name}_measured": cell.measured,
            f"{name}_ci95": cell.half_width,
            f"{name}_n": cell.n,
            f"{name}_verdict": cell.verdict,
            f"{name}_why": cell.why,
            f"{name}_note": published.note if published else "",
        }
    return record


def make_grid(table: Table, reports: Sequence[RowReport]) -> Grid:
    """Lay out a table: each printed figure, ours with its verdict, and the full counts where there are any.

    A column in which nothing could be compared shows the printed figures alone; the reason stands below the table.
    """
    columns = ["row"]
    compared = {name for name in table.columns if any(_is_compared(report.cells[name]) for report in reports)}
    for name, column in table.columns.items():
        title = "Params" if column.title == "Parameters" else column.title
        columns.append(f"{title} ({column.unit})" if column.unit else title)
        columns += ["here"] if name in compared else []
    with_full = any(report.counts for report in reports)
    if with_full:
        columns += ["full (M)", "full (G)"]
    rows = []
    for report in reports:
        cells = [report.row.label + (STAR if report.row.note else "")]
        for name, cell in report.cells.items():
            cells.append(_printed(cell, table.columns[name].unit))
            cells += [_ours(cell)] if name in compared else []
        rows.append([*cells, *_full(report)] if with_full else cells)
    return Grid(title=f"{table.name}: {table.title}", columns=columns, rows=rows, lines=_lines(table, reports))


def _is_compared(cell: CellReport) -> bool:
    return cell.measured is not None


def _printed(cell: CellReport, unit: str) -> str:
    if cell.published is None:
        return "-"
    return cell.published.text if cell.published.unit == unit else f"{cell.published.text} {cell.published.unit}"


def _ours(cell: CellReport) -> str:
    """Our figure with a digit more than the printed one, and its verdict; there is no verdict on a dash."""
    if cell.published is None:
        return "-" if cell.measured is None else f"{cell.measured:.3f}"
    star = STAR if cell.published.note else ""
    if cell.measured is None:
        return cell.verdict + star
    digits = len(cell.published.text.partition(".")[2]) + (cell.n is None)
    interval = f" ± {cell.half_width:.{digits}f}" if cell.half_width is not None else ""
    seeds = f" (n={cell.n})" if cell.n is not None else ""
    return f"{cell.measured:.{digits}f}{interval}{seeds} {cell.verdict}{star}"


def _full(report: RowReport) -> tuple[str, str]:
    full = report.counts.get("full")
    params, macs = (full.params, full.macs) if full else (None, None)
    return _thousandths(params, "M"), _thousandths(macs, "G")


def _thousandths(count: int | None, unit: str) -> str:
    return "-" if count is None else f"{count / UNITS[unit]:.3f}"


def _lines(table: Table, reports: Sequence[RowReport]) -> list[str]:
    """What stands below the table: a tally, reasons, notes, the rules."""
    lines = [_tally(reports), *_reasons(table, reports)]
    lines += [f"{STAR} {table.note}"] if table.note else []
    for report in reports:
        row = report.row
        lines += [f"{STAR} {row.label}: {row.note}"] if row.note else []
        for name, figure in row.published.items():
            if figure and figure.note:
                lines.append(f"{STAR} {row.label}, {table.columns[name].title}: {figure.note}")
    used = {report.row.convention for report in reports if report.counts}
    lines += [" ".join([ONCE, *(rule for name, rule in RULES.items() if name in used)])] if used else []
    lines += [TRAINED] if any(cell.n for report in reports for cell in report.cells.values()) else []
    return [*lines, FULL] if "paper" in used else lines


def _tally(reports: Sequence[RowReport]) -> str:
    verdicts = Counter(cell.verdict for report in reports for cell in report.cells.values())
    counts = [f"{name} {verdicts[name]}" for name in get_args(Verdict) if verdicts[name]]
    return f"{verdicts.total()} figures: {', '.join(counts)}"


def _reasons(table: Table, reports: Sequence[RowReport]) -> list[str]:
    """Each reason why figures could not be compared, with the figures that it concerns."""
    places: dict[str, dict[str, list[str]]] = {}
    for report in reports:
        for name, cell in report.cells.items():
            if cell.why:
                columns = places.setdefault(f"{cell.verdict}: {cell.why}", {})
                columns.setdefault(table.columns[name].title, []).append(report.row.label)
    lines = []
    for reason, columns in places.items():
        by_rows: dict[str, list[str]] = {}
        for title, labels in columns.items():
            by_rows.setdefault(_named(labels, [report.row.label for report in reports]), []).append(title)
        where = "; ".join(f"{', '.join(titles)} of {rows}" for rows, titles in by_rows.items())
        lines.append(f"{reason} ({where})")
    return lines


def _named(labels: Sequence[str], every: Sequence[str]) -> str:
    """Some rows, by those that are left out if these are fewer.

    Example:
        >>> _named("abc", "abc"), _named("acd", "abcd"), _named("a", "ab")
        ('all rows', 'all rows but b', 'a')
    """
    others = [label for label in every if label not in labels]
    if len(others) >= len(labels):
        return ", ".join(labels)
    return f"all rows but {', '.join(others)}" if others else "all rows"
