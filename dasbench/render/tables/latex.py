"""A table in LaTeX."""

from collections.abc import Sequence

from dasbench.render.tables.table import Table
from dasbench.render.text.templates import rendered
from dasbench.render.text.words import sentence


def latex(table: Table) -> str:
    r"""A table for LaTeX with the package booktabs; the title and the notes become its caption.

    Of the bold rows the name is bold and the first number, which is the one that was tested. Notes
    without a table are a paragraph.

    Example:
        >>> from dasbench.render.tables.table import Column
        >>> columns = [Column(key="gate", title="gate", is_text=True)]
        >>> print(latex(Table(title="Which?", columns=columns, rows=[["a_b"]], bold=[0])))
        % needs \usepackage{booktabs}
        \begin{table}
          \centering
          \caption{Which?}
          \begin{tabular}{l}
            \toprule
            gate \\
            \midrule
            \textbf{a\_b} \\
            \bottomrule
          \end{tabular}
        \end{table}
    """
    caption = list(map(sentence, filter(None, (table.title, *table.notes))))
    return rendered("table.tex.j2", table=table, caption=caption, strong=_strong_places(table))


def _strong_places(table: Table) -> Sequence[int]:
    """Of the columns up to the first number."""
    for place, column in enumerate(table.columns):
        if not column.is_text:
            return range(place + 1)
    return range(len(table.columns))
