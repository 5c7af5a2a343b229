r"""The section in LaTeX: to be read with \input, and a document that does so."""

import re

from dasbench.render.formats import latex
from dasbench.render.section.figures import Figure
from dasbench.render.section.section import Section
from dasbench.render.section.tables import Table
from dasbench.render.tex import ascii_tex, tex

_HEAD = r"""% Written by dasbench. In your document:
%   \usepackage{booktabs}
%   \usepackage{graphicx}
%   \newcommand{\dasbenchfigures}{path/to/figures}   % if they are not in figures/
%   \input{section}
\providecommand{\dasbenchfigures}{figures}
\providecommand{\dasbenchfit}[1]{\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}
"""

_DOCUMENT = r"""\documentclass{article}
\usepackage[a4paper, margin=25mm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\begin{document}
\input{section}
\end{document}
"""


def section_tex(section: Section) -> str:
    """The section: words, then tables and figures that float."""
    parts = [_HEAD, rf"\section{{Ablation: {tex(section.study)}}}", rf"\label{{sec:{_label(section.study)}}}"]
    parts += [_paragraph("Question", section.question)] if section.question else []
    parts += [_paragraph("Methods", section.methods), _paragraph("Results", section.results)]
    if section.verdicts:
        items = [rf"  \item {tex(verdict)}" for verdict in section.verdicts]
        parts += ["\n".join([r"\begin{itemize}", *items, r"\end{itemize}"])]
    parts += [_table(table, section.study) for table in section.tables if table.grid is not None]
    parts += [_figure(figure, section.study) for figure in section.figures]
    return "\n".join(parts) + "\n"


def document_tex(section: Section) -> str:
    """A document that holds the section and nothing else."""
    return f"% pdflatex document: the section of the study {_label(section.study)} alone\n{_DOCUMENT}"


def _paragraph(title: str, text: str) -> str:
    return rf"\paragraph{{{title}.}} {{\sloppy {tex(text)}\par}}"


def _table(table: Table, study: str) -> str:
    """A floating table no wider than a line."""
    assert table.grid is not None
    source = ascii_tex(latex(table.grid)).partition("\n")[2]  # its first line names the package that the head names
    source = source.replace(r"\begin{table}", r"\begin{table}[tbp]", 1)
    label = rf"  \label{{tab:{_label(study)}-{table.name}}}"
    source = source.replace(
        r"  \begin{tabular}", f"{label}\n  \\medskip\n\n  \\dasbenchfit{{%\n  \\begin{{tabular}}", 1
    )
    return source.replace(r"\end{tabular}", r"\end{tabular}}", 1)


def _figure(figure: Figure, study: str) -> str:
    size = r"width=\linewidth, height=0.7\textheight, keepaspectratio"
    return "\n".join(
        [
            r"\begin{figure}[tbp]",
            r"  \centering",
            rf"  \includegraphics[{size}]{{\dasbenchfigures/{figure.name}.pdf}}",
            rf"  \caption{{{tex(figure.caption)}}}",
            rf"  \label{{fig:{_label(study)}-{figure.name}}}",
            r"\end{figure}",
        ]
    )


def _label(study: str) -> str:
    """A study's name as a label may have it."""
    return re.sub(r"[^A-Za-z0-9-]", "-", study)
