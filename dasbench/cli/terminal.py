"""The streams that a command writes to: characters that their encoding lacks become plain ones, closed ones are silent.

Everything goes through here, whoever prints it: `click.echo`, Rich, `print`, a library's warnings.
"""

# ruff: noqa: RUF001 - the table is about characters that look like others

import codecs
import encodings.ascii
import os
import sys
import unicodedata
from io import TextIOWrapper

PLAIN = {
    "±": "+-", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "×": "x", "·": ".", "−": "-", "–": "-", "—": "-", "…": "...",
    "µ": "u", "μ": "u", "α": "alpha", "β": "beta", "°": " deg", "→": "->", "←": "<-", "↑": "^", "↓": "v", "•": "*",
    "✓": "yes", "✗": "no", "‘": "'", "’": "'", "“": '"', "”": '"', "█": "#", "▇": "#", "▆": "=", "▅": "=", "▄": "+",
    "▃": "-", "▂": "_", "▁": "_",
    "─": "-", "━": "=", "│": "|", "┃": "|", "╺": "-", "╸": "-", "╴": "-", "╶": "-",
}  # fmt: skip
"""What stands for a character in an encoding that lacks it."""

HANDLER = "dasbench.plain"
ASCII = "dasbench_ascii"
"""ASCII under a name of ours: click takes a stream that says ASCII for misconfigured and writes UTF-8 into it."""

_KEPT = ("ignore", "replace", "xmlcharrefreplace", "namereplace")
"""What the user may have asked to be done instead (PYTHONIOENCODING=latin-1:replace)."""


def prepare_streams() -> None:
    """Let standard output and standard error take every character; a closed one becomes the null device."""
    codecs.register_error(HANDLER, _plain_of)
    codecs.register(_find_ascii)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif name != "stdin" and isinstance(stream, TextIOWrapper) and stream.errors not in _KEPT:
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=ASCII if is_ascii else None, errors=HANDLER)


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


def _plain_of(error: UnicodeError) -> tuple[str, int]:
    """What a codec writes for the characters that it lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def _find_ascii(name: str) -> codecs.CodecInfo | None:
    if name != ASCII:
        return None
    found = encodings.ascii.getregentry()
    return codecs.CodecInfo(
        found.encode,
        found.decode,
        streamreader=found.streamreader,
        streamwriter=found.streamwriter,
        incrementalencoder=found.incrementalencoder,
        incrementaldecoder=found.incrementaldecoder,
        name=ASCII,
    )
