r"""The section in LaTeX: to be read with \input, and a document that does so."""

import re
import unicodedata
from collections.abc import Mapping

from dasbench.render.formats import latex, latex_text
from dasbench.render.section.figures import Figure
from dasbench.render.section.section import Section
from dasbench.render.section.tables import Table

_COMMANDS: Mapping[str, str] = {
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{NOT EQUAL TO}": r"$\neq$",
    "\N{MINUS SIGN}": "$-$",
    "\N{INFINITY}": r"$\infty$",
    "\N{DEGREE SIGN}": r"$^{\circ}$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
    "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"\O{}",
    "\N{LATIN SMALL LETTER AE}": r"\ae{}",
    "\N{LATIN CAPITAL LETTER AE}": r"\AE{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"\L{}",
}
_ACCENTS: Mapping[str, str] = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING CEDILLA}": "c",
}
_GREEK = re.compile(
    "GREEK SMALL LETTER (ALPHA|BETA|GAMMA|DELTA|EPSILON|ZETA|ETA|THETA|IOTA|KAPPA|LAMB?DA|MU|NU|XI|PI|RHO|SIGMA|TAU"
    "|UPSILON|PHI|CHI|PSI|OMEGA)|GREEK CAPITAL LETTER (GAMMA|DELTA|THETA|LAMB?DA|XI|PI|SIGMA|UPSILON|PHI|PSI|OMEGA)"
)
"""Names of the letters that LaTeX has a command for, which it spells lambda."""

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


def tex(text: str) -> str:
    r"""Text for LaTeX, taken literally, in characters that every engine and every font encoding has.

    Example:
        >>> print(tex("50 % of é, β_1 and 中 --all"))
        50 \% of \'{e}, $\beta$\_1 and \texttt{U+4E2D} -{}-all
    """
    return ascii_tex(latex_text(text))


def ascii_tex(source: str) -> str:
    """LaTeX whose characters beyond ASCII are written as commands; those without one by their number."""
    plain = re.sub("-(?=-)", "-{}", source).replace("`", "{}`")  # no dashes of two hyphens, no Spanish question marks
    return re.sub(r"[^\x00-\x7f]", lambda match: _command(match[0]), plain)


def _command(character: str) -> str:
    """What LaTeX calls a character, or its number."""
    if character in _COMMANDS:
        return _COMMANDS[character]
    if letter := _GREEK.fullmatch(unicodedata.name(character, "")):
        name = (letter[1] or letter[2].capitalize()).replace("AMDA", "AMBDA").replace("amda", "ambda")
        return rf"$\{name.lower() if letter[1] else name}$"
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"\texttt{{U+{ord(character):04X}}}"


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
