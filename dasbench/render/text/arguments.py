"""How a message names an argument: `where` between backticks, whoever gives it, and how."""

import re
from collections.abc import Mapping

_NAMED = re.compile(r"`([a-z_]+)`")


def as_flags(text: str, flags: Mapping[str, str]) -> str:
    """A message for somebody who gives arguments as flags.

    Args:
        text: a message; an argument stands between backticks in it, under its name in Python.
        flags: by the name of the argument; what else stands between backticks stays.

    Example:
        >>> as_flags("use `trust_data`, or `dasbench plan STUDY`", {"trust_data": "--trust-data"})
        'use --trust-data, or `dasbench plan STUDY`'
    """
    return _NAMED.sub(lambda named: flags.get(named[1], named[0]), text)
