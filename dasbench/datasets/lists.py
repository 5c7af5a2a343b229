"""Complaints that may be many: the first in a message, all of them in a file."""

from collections.abc import Sequence
from hashlib import sha256

from dasbench.data_access import cache_folder

SHOWN = 10
"""Complaints that a message names."""


def named_in_file(complaints: Sequence[str], kind: str) -> str:
    r"""A message of one line for each complaint; where they are many, of the first, and of the file that has all.

    Args:
        complaints: one line each.
        kind: what they are about, for the name of the file (`damaged`).

    Example:
        >>> named_in_file(["a.jpg: is empty", "b.jpg: is empty"], "damaged")
        'a.jpg: is empty\nb.jpg: is empty'
    """
    if len(complaints) <= SHOWN:
        return "\n".join(complaints)
    content = "\n".join(complaints) + "\n"
    written = content.encode(errors="surrogateescape")
    file = cache_folder() / "lists" / f"{kind}-{sha256(written).hexdigest()[:8]}.txt"
    rest = f"... and {len(complaints) - SHOWN} more"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written)
        rest += f"; all {len(complaints)} are listed in {file}"
    except OSError as error:
        rest += f" ({file} cannot be written: {error.strerror})"
    return "\n".join([*complaints[:SHOWN], rest])
