"""Tables as a page that holds everything it shows and loads nothing."""

from collections.abc import Sequence

from dasbench.render.tables.table import Table, name_place
from dasbench.render.text.templates import rendered


def html(tables: Sequence[Table]) -> str:
    """A page of tables; its characters are ASCII, so that a file is right whatever encoding it is written in."""
    titles = [table.title for table in tables if table.title]
    names = [name_place(table) for table in tables]
    page = rendered(
        "table.html.j2", title=titles[0] if titles else "dasbench", tables=tables, names=names
    )
    return page.encode("ascii", "xmlcharrefreplace").decode()
