"""The streams that a command writes to, whatever their encoding lacks, and be they closed.

Everything goes through here, whoever prints it: `click.echo`, Rich, `print`, a library's warnings.
"""

import codecs
import encodings.ascii
import os
import sys
from io import TextIOWrapper

from dasbench.render.text.plain import plain

HANDLER = "dasbench.plain"
ASCII = "dasbench_ascii"
"""ASCII under a name of ours: click writes UTF-8 into a stream that says ASCII."""

_KEPT = ("ignore", "replace", "xmlcharrefreplace", "namereplace")
"""What the user may have asked to be done instead (PYTHONIOENCODING=latin-1:replace)."""


def prepare_streams() -> None:
    """Let standard output and error take every character; a closed one becomes the null device."""
    codecs.register_error(HANDLER, _plain_of)
    codecs.register(_find_ascii)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
        elif mode == "w" and isinstance(stream, TextIOWrapper):
            _let_take_everything(stream)


def _let_take_everything(stream: TextIOWrapper) -> None:
    errors = HANDLER
    if stream.errors in _KEPT:
        errors = stream.errors
    encoding = None
    if codecs.lookup(stream.encoding).name == "ascii":
        encoding = ASCII
    stream.reconfigure(encoding=encoding, errors=errors)


def leave_output() -> None:
    """Send what is still to be written to the null device: standard output has no reader."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())


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
