"""Plain characters for those that an encoding lacks."""

# ruff: noqa: RUF001 - the table is about characters that look like others

import re
import unicodedata

PLAIN = {
    "±": "+-", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "×": "x", "·": ".", "•": "*",
    "−": "-", "–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"',
    "µ": "u", "μ": "u", "α": "alpha", "β": "beta", "°": " deg", "✓": "yes", "✗": "no",
    "→": "->", "←": "<-", "↑": "^", "↓": "v",
    "█": "#", "▇": "#", "▆": "=", "▅": "=", "▄": "+", "▃": "-", "▂": "_", "▁": "_",
    "─": "-", "━": "=", "│": "|", "┃": "|", "╺": "-", "╸": "-", "╴": "-", "╶": "-",
}  # fmt: skip
"""What stands for a character in an encoding that lacks it."""


def plain(text: str) -> str:
    r"""A text in ASCII.

    Example:
        >>> plain("1.5 ± 0.2 µs"), plain("é"), plain("中")
        ('1.5 +- 0.2 us', 'e', '\\u4e2d')
    """
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return PLAIN.get(character) or bare or character.encode("ascii", "backslashreplace").decode()


def fitting(text: str, encoding: str) -> str:
    """A text in which plain characters stand for those that an encoding lacks.

    Example:
        >>> fitting("± ≈ 5", "latin-1"), fitting("± ≈ 5", "ascii"), fitting("± ≈ 5", "utf-8")
        ('± ~ 5', '+- ~ 5', '± ≈ 5')
    """
    if text.isascii():
        return text
    return "".join(_fitting_character(character, encoding) for character in text)


def _fitting_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return plain(character)
    return character


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    r"""A text that does nothing to a terminal.

    Control characters are spelt out, also those that turn its direction.

    Example:
        >>> shown("a\x1b[31mred"), shown("µ")
        ('a\\x1b[31mred', 'µ')
    """
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)
