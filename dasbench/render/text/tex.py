r"""Text inside of LaTeX, for every engine and every font encoding."""

import re
import unicodedata
from collections.abc import Mapping

from dasbench.render.text.plain import shown

_SPECIAL = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "[": "{[}",
        "*": "{*}",
        '"': "''",
        "\N{PLUS-MINUS SIGN}": r"$\pm$",
        "\N{ALMOST EQUAL TO}": r"$\approx$",
    }
)
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
    "GREEK SMALL LETTER (ALPHA|BETA|GAMMA|DELTA|EPSILON|ZETA|ETA|THETA|IOTA|KAPPA|LAMB?DA|MU|NU"
    "|XI|PI|RHO|SIGMA|TAU|UPSILON|PHI|CHI|PSI|OMEGA)"
    "|GREEK CAPITAL LETTER (GAMMA|DELTA|THETA|LAMB?DA|XI|PI|SIGMA|UPSILON|PHI|PSI|OMEGA)"
)
"""Names of the letters that LaTeX has a command for, which it spells lambda."""


def tex(text: str) -> str:
    r"""Text for LaTeX, taken literally, in characters that every engine and font encoding has.

    Example:
        >>> print(tex("50 % of é, β_1 and 中 --all"))
        50 \% of \'{e}, $\beta$\_1 and \texttt{U+4E2D}\allowbreak{} -{}-all
    """
    return ascii_tex(latex_text(text))


def latex_text(text: str) -> str:
    r"""Text inside of LaTeX; a bracket or an asterisk after the end of a row is no argument of it.

    Example:
        >>> print(latex_text("[a_b] 5%"))
        {[}a\_b] 5\%
    """
    return shown(text).translate(_SPECIAL)


def ascii_tex(source: str) -> str:
    """LaTeX in ASCII: other characters are commands, or written by their number."""
    # no dashes of two hyphens, no Spanish question marks
    plain = re.sub("-(?=-)", "-{}", source).replace("`", "{}`")
    return re.sub(r"[^\x00-\x7f]", lambda match: _command(match[0]), plain)


def _command(character: str) -> str:
    """What LaTeX calls a character, or its number."""
    if character in _COMMANDS:
        return _COMMANDS[character]
    if letter := _GREEK.fullmatch(unicodedata.name(character, "")):
        small, capital = letter.groups(default="")
        name = small.lower() or capital.capitalize()
        return rf"$\{name.replace('amda', 'ambda')}$"
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"\texttt{{U+{ord(character):04X}}}\allowbreak{{}}"
