"""Look up what the DAS paper prints: its tables and figures, and the claims of its text."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import ScalarNode

from dasbench.errors import UsageError, unknown_name
from dasbench.paper.figures import (
    Cell,
    Claim,
    Count,
    Gate,
    PaperColumn,
    PaperRow,
    PaperTable,
    Published,
)

ALIASES: Mapping[str, str] = MappingProxyType({"fig3": "figure3", "fig4": "figure4"})
"""Short names of tables, as the command line takes them."""

_Part = dict[str, Any]
"""A part of the file, by its keys."""

_ARITHMETIC: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "difference": lambda of, against: of - against,
    "saving": lambda of, against: 100 * (1 - of / against),
    "share": lambda of, against: 100 * of / against,
}


def recompute(claim: Claim) -> Decimal:
    """Work a claim out again from the printed tables, in the unit that it is stated in.

    Example:
        >>> recompute(load_claims()["r50_dogs_gain"])
        Decimal('4.47')
    """
    first = published(claim.of.table, claim.of.label, claim.of.column).printed
    second = published(claim.against.table, claim.against.label, claim.against.column).printed
    return _ARITHMETIC[claim.kind](first, second)


def published(table_name: str, label: str, column: str) -> Published:
    """Find one printed figure.

    Raises:
        UsageError: if there is no such table, row or column, or if the paper prints a dash there.

    Example:
        >>> published("table2", "DAS-50", "ap").text
        '39.7'
    """
    row = table(table_name).row(label)
    if column not in row.published:
        raise UsageError(unknown_name(f"column of {table_name}", column, row.published))
    figure = row.published[column]
    if figure is None:
        raise UsageError(f"{table_name}: '{label}': the paper prints no '{column}' for this row")
    return figure


def table(name: str) -> PaperTable:
    """Find a table by its name.

    Raises:
        UsageError: if the paper has no such table; the message names the nearest.

    Example:
        >>> table("table4").title
        'Designs of the gate on Stanford Dogs'
    """
    tables = load_tables()
    if name not in tables:
        raise UsageError(unknown_name("table of the paper", name, tables))
    return tables[name]


def find_table(name: str) -> PaperTable:
    """A table of the paper by its name in the data (`figure3`) or a short form of it (`fig3`).

    Raises:
        UsageError: if there is none; the message names the nearest.

    Example:
        >>> find_table("fig3").name
        'figure3'
    """
    tables = load_tables()
    known = ALIASES.get(name.lower(), name.lower())
    if known not in tables:
        raise UsageError(unknown_name("table of the paper", name, [*tables, *ALIASES]))
    return tables[known]


@cache
def load_tables() -> Mapping[str, PaperTable]:
    """Read every table, figure and passage with figures, by name and in the paper's order.

    Example:
        >>> list(load_tables())[:5]
        ['table1', 'table2', 'table3', 'table4', 'table5']
    """
    return MappingProxyType(
        {name: _table(name, entry) for name, entry in _document()["tables"].items()}
    )


@cache
def load_claims() -> Mapping[str, Claim]:
    """Read every claim of the text that follows from two printed figures, by name.

    Example:
        >>> load_claims()["das50_params_below_gsop"].printed.text
        '1.39'
    """
    return MappingProxyType({entry["name"]: _claim(entry) for entry in _document()["claims"]})


@cache
def load_conventions() -> Mapping[str, str]:
    """Read what each counting convention counts, by name.

    Example:
        >>> list(load_conventions())
        ['full', 'full_gemm', 'paper', 'module_leaves']
    """
    return MappingProxyType(_document()["conventions"])


class _DecimalConstructor(SafeConstructor):
    """Reads numbers with a point as `Decimal`, so that all printed digits (`66.410`) survive."""

    def construct_decimal(self, node: ScalarNode) -> Decimal:
        return Decimal(node.value)


@cache
def _document() -> _Part:
    _DecimalConstructor.add_constructor(
        "tag:yaml.org,2002:float", _DecimalConstructor.construct_decimal
    )
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _DecimalConstructor
    document: _Part = yaml.load(
        resources.files("dasbench.paper").joinpath("tables.yaml").read_text("utf-8")
    )
    return document


def _table(name: str, entry: _Part) -> PaperTable:
    dataset = entry.get("dataset")
    counted = entry.get("counted", {})
    columns = {key: _column(key, column, dataset) for key, column in entry["columns"].items()}
    return PaperTable(
        name=name,
        title=entry["title"],
        caption=entry["caption"],
        task=entry.get("task"),
        dataset=dataset,
        image_size=counted.get("image_size"),
        num_classes=counted.get("num_classes"),
        columns=MappingProxyType(columns),
        rows=_rows(entry, columns),
        note=entry.get("note", ""),
    )


def _column(name: str, entry: _Part, dataset: str | None) -> PaperColumn:
    return PaperColumn(
        name=name,
        title=entry["title"],
        unit=entry["unit"],
        direction=entry["direction"],
        metric=entry.get("metric", name),
        dataset=entry.get("dataset", dataset),
        ticks=tuple(map(float, entry.get("ticks", ()))),
    )


def _rows(entry: _Part, columns: Mapping[str, PaperColumn]) -> tuple[PaperRow, ...]:
    exact, notes = entry.get("exact", {}), entry.get("notes", {})
    stray = {*exact, *notes} - {row["label"] for row in entry["rows"]}
    assert not stray, f"{entry['title']}: counts or notes for rows that are not there: {stray}"
    rows = []
    for row in entry["rows"]:
        defaults = {"convention": entry.get("convention", ""), "exact": exact.get(row["label"], {})}
        rows.append(_row(defaults | row, columns, notes.get(row["label"], {})))
    return tuple(rows)


def _row(entry: _Part, columns: Mapping[str, PaperColumn], notes: Mapping[str, str]) -> PaperRow:
    stray = notes.keys() - {"row", *columns}
    assert not stray, f"{entry['label']}: notes for columns that are not there: {stray}"
    units = {name: column.unit for name, column in columns.items()} | entry.get("units", {})
    figures: dict[str, Published | None] = dict.fromkeys(columns)
    for name, figure in zip(columns, entry["printed"], strict=True):
        if figure is not None:
            figures[name] = Published(figure, units[name], notes.get(name, ""))
    return PaperRow(
        label=entry["label"],
        backbone=entry["backbone"],
        gate=_gate(entry.get("gate")),
        published=MappingProxyType(figures),
        convention=entry["convention"],
        exact=MappingProxyType(
            {convention: Count(**count) for convention, count in entry["exact"].items()}
        ),
        note=notes.get("row", ""),
    )


def _gate(entry: _Part | None) -> Gate | None:
    if entry is None:
        return None
    params = dict(entry)
    name = params.pop("name")
    for key, value in params.items():
        if isinstance(value, Decimal):
            params[key] = float(value)
    return Gate(name, MappingProxyType(params))


def _claim(entry: _Part) -> Claim:
    printed = Published(Decimal(entry["printed"]), entry["unit"])
    return Claim(
        name=entry["name"],
        says=entry["says"],
        where=entry["where"],
        printed=printed,
        kind=entry["kind"],
        of=Cell(*entry["of"]),
        against=Cell(*entry["against"]),
        within=Decimal(entry.get("within", printed.half_step)),
        note=entry.get("note", ""),
    )
