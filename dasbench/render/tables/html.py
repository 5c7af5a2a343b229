"""Tables as a page that holds everything it shows and loads nothing."""

from collections.abc import Sequence

from dasbench.render.tables.table import Table, name_place
from dasbench.render.text.templates import rendered


def html(tables: Sequence[Table]) -> str:
    """A page of tables in ASCII, so that a file is right whatever encoding it is written in."""
    title = next((table.title for table in tables if table.title), "dasbench")
    names = list(map(name_place, tables))
    page = rendered("table.html.j2", title=title, tables=tables, names=names)
    return page.encode("ascii", "xmlcharrefreplace").decode()
