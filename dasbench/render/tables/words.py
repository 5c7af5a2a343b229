"""Text in lines that end between words, measured as a terminal shows it."""

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

LONGEST_WORD = 40
"""Words up to this width are never cut."""

PIECE = 16
"""The least width of the pieces that a longer word is cut into."""


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """A text in lines of a width.

    A line ends at a space. A word of up to 40 characters is never cut, even if it is wider than a
    line; a longer one is, where it does not fit.

    Args:
        text: one paragraph.
        width: of a line, in the cells of a terminal.
        indent: of all lines but the first.

    Example:
        >>> wrapped("gate.first_norm=in gate.second_norm=in", 24, indent=2)
        ['gate.first_norm=in', '  gate.second_norm=in']
    """
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _words(text, max(1, width - indent)):
        longer = f"{line}{word}"
        if line.strip():
            longer = f"{line} {word}"
            if cell_len(longer) > width:
                lines.append(line)
                longer = " " * indent + word
        line = longer
    return [*lines, line]


def longest_word(text: str) -> int:
    """The least width of a line that cuts no word of up to 40 characters.

    Example:
        >>> longest_word("1-16 of 16"), longest_word(60 * "a")
        (4, 16)
    """
    return max(map(_least_width, text.split(" ")))


def _least_width(word: str) -> int:
    """The width that a word needs: its own, or that of a piece where it may be cut."""
    width = cell_len(word)
    if width > LONGEST_WORD:
        return PIECE
    return width


def _words(text: str, width: int) -> Iterator[str]:
    for word in text.split(" "):
        if cell_len(word) > max(width, LONGEST_WORD):
            yield from chop_cells(word, width)
        elif word:
            yield word
