"""A table in GitHub's Markdown."""

from dasbench.render.tables.table import Table, name_place
from dasbench.render.text.templates import rendered


def markdown(table: Table) -> str:
    r"""A table in Markdown, the names of bold rows in bold.

    What Markdown or HTML would take for its own is escaped.

    Example:
        >>> from dasbench.render.tables.table import Column
        >>> gate = Column(key="gate", title="gate", is_text=True)
        >>> top1 = Column(key="top1", title="top1")
        >>> print(markdown(Table(title="", columns=[gate, top1], rows=[["a|b", "1.0"]])))
        | gate | top1 |
        | --- | ---: |
        | a\|b | 1.0 |
    """
    return rendered("table.md.j2", table=table, name=name_place(table))
