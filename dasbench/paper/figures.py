"""What a printed table, row and figure of the paper are, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from dasbench.errors import UsageError, unknown_name

UNITS: Mapping[str, int] = MappingProxyType(
    {"M": 10**6, "G": 10**9, "Mi": 2**20, "Gi": 2**30, "%": 1, "pp": 1, "": 1}
)


@dataclass(frozen=True)
class Published:
    """One figure as the paper prints it.

    Args:
        printed: the figure, with the paper's own digits.
        unit: what it is counted in, a key of `UNITS`: `M`, `G`, `Mi` (2^20), `Gi` (2^30), `%`, `pp`
            or none.
        note: what is known to be wrong or special about it; empty for most.

    Example:
        >>> figure = Published(Decimal("66.410"), "%")
        >>> figure.value, figure.text
        (66.41, '66.410')
    """

    printed: Decimal
    unit: str
    note: str = ""

    @property
    def value(self) -> float:
        """The figure in its unit."""
        return float(self.printed)

    @property
    def text(self) -> str:
        """The figure's digits, without its unit."""
        return str(self.printed)

    @property
    def half_step(self) -> Decimal:
        """Half of the last printed digit, in the figure's unit: as far as rounding may move it."""
        num_decimals = len(self.text.partition(".")[2])
        return Decimal(5).scaleb(-1 - num_decimals)

    def rounds(self, exact: float) -> bool:
        """Tell whether a count, in units of 1, would be printed as this figure.

        Example:
            >>> Published(Decimal("11.82"), "M").rounds(11_816_764)
            True
            >>> Published(Decimal("44.46"), "M").rounds(44_549_160)
            False
        """
        return abs(Decimal(exact) / UNITS[self.unit] - self.printed) <= self.half_step


@dataclass(frozen=True)
class Count:
    """The integers behind printed counts, as recounted under one convention.

    `None` where they are not known.

    Args:
        params: parameters.
        macs: multiply-adds for one image.
    """

    params: int | None = None
    macs: int | None = None


@dataclass(frozen=True)
class Gate:
    """A gate as a row names it.

    Args:
        name: the gate's name; `none` for a plain backbone.
        params: its parameters where they are not the defaults.
    """

    name: str
    params: Mapping[str, str | int | float]


@dataclass(frozen=True)
class PaperColumn:
    """One column of a table.

    Args:
        name: the key of its figures (`params_m`, `top1`).
        title: its heading in the paper.
        unit: the unit of its figures, unless a figure says otherwise.
        direction: whether less (`min`) or more (`max`) is better.
        metric: what it measures; the column's name unless several columns measure the same.
        dataset: the dataset that it is measured on.
        ticks: the labels of a figure's axis.
    """

    name: str
    title: str
    unit: str
    direction: Literal["min", "max"]
    metric: str
    dataset: str | None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class PaperRow:
    """One row of a table: what was measured, and the figures printed for it.

    Args:
        label: its name, unique in the table.
        backbone: the backbone's name.
        gate: the gate; `None` where the paper's text no longer says which it was.
        published: a figure for each column, `None` where the paper prints a dash.
        convention: the rule that its printed counts follow: `paper`, `module_leaves`, or none
            without counts.
        exact: recounted integers by convention.
        note: what is known to be wrong or special about the row; empty for most.

    Example:
        >>> from dasbench.paper.tables import table
        >>> row = table("table4").row("c")
        >>> row.published["params_m"].text, row.exact["paper"].params, row.exact["full"].params
        ('11.817', 11816764, 12448636)
    """

    label: str
    backbone: str
    gate: Gate | None
    published: Mapping[str, Published | None]
    convention: str
    exact: Mapping[str, Count]
    note: str = ""

    @property
    def params_exact(self) -> int | None:
        """The parameters that the printed figure counts: all, unless the convention is `paper`."""
        return self.exact.get("paper" if self.convention == "paper" else "full", Count()).params

    @property
    def macs_exact(self) -> int | None:
        """The multiply-adds that the printed figure counts, if recounted by its convention."""
        return self.exact.get(self.convention, Count()).macs

    def unit_of(self, column: PaperColumn) -> str:
        """The unit of the figure in a column; the column's own where the paper prints a dash."""
        figure = self.published[column.name]
        if figure is None:
            return column.unit
        return figure.unit

    def trial_fields(self) -> dict[str, dict[str, str | int | float]]:
        """Give the fields of a trial that reproduces the row, in the words of a study file.

        Raises:
            UsageError: if the paper's text no longer says which gate the row is.

        Example:
            >>> from dasbench.paper.tables import table
            >>> table("table1").row("ResNet-18 + Triplet Attention").trial_fields()
            {'backbone': {'name': 'resnet18'}, 'gate': {'name': 'triplet', 'kernel': 7}}
        """
        if self.gate is None:
            raise UsageError(
                f"'{self.label}': the paper's text no longer says which gate this row is"
            )
        return {
            "backbone": {"name": self.backbone},
            "gate": {"name": self.gate.name, **self.gate.params},
        }


@dataclass(frozen=True)
class PaperTable:
    """One table, figure or passage of the paper with its figures.

    Args:
        name: the key it is found by: `table1` to `table5`, `figure3`, `figure4`, `section4_4`.
        title: a heading, in our own words.
        caption: what it shows, in our own words.
        task: the task of its trials; `None` for saliency.
        dataset: the dataset of its trials; `None` where each column has its own.
        image_size: the side of the square images that its counts are for, in pixels.
        num_classes: the number of classes that its counts are for.
        columns: its columns by name, in the paper's order.
        rows: its rows, in the paper's order.
        note: what is known to be wrong or special about it; empty for most.
    """

    name: str
    title: str
    caption: str
    task: str | None
    dataset: str | None
    image_size: int | None
    num_classes: int | None
    columns: Mapping[str, PaperColumn]
    rows: tuple[PaperRow, ...]
    note: str = ""

    def row(self, label: str) -> PaperRow:
        """Find a row by its label.

        Raises:
            UsageError: if the table has no such row; the message names the nearest.

        Example:
            >>> from dasbench.paper.tables import table
            >>> table("table1").row("ResNet-50 + DAS").published["top1"].text
            '78.04'
        """
        for row in self.rows:
            if row.label == label:
                return row
        raise UsageError(
            unknown_name(f"row of {self.name}", label, (row.label for row in self.rows))
        )


@dataclass(frozen=True)
class Cell:
    """The place of one figure: a table, the label of a row, the name of a column."""

    table: str
    label: str
    column: str


@dataclass(frozen=True)
class Claim:
    """A figure that the paper's text derives from two figures of its tables.

    Args:
        name: the key it is found by.
        says: the claim, in our own words.
        where: the section that states it.
        printed: the figure as stated.
        kind: how it follows: `difference` (of - against), `saving` (100 * (1 - of / against)) or
            `share` (100 * of / against).
        of: the first figure.
        against: the second figure.
        within: how far the stated figure may be off, in its unit.
        note: what is known to be wrong or special about it; empty for most.
    """

    name: str
    says: str
    where: str
    printed: Published
    kind: Literal["difference", "saving", "share"]
    of: Cell
    against: Cell
    within: Decimal
    note: str = ""
