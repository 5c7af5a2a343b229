"""Labels that tell which version of its code trained a variant, where several did."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from dasbench.records import Row
from dasbench.views.variants import as_text


def name_codes(rows: Sequence[Row]) -> list[Row]:
    """The same rows; labels tell which version of its code trained a variant, if several did.

    Example:
        >>> def row(code):
        ...     return Row(study="s", key=code, variant={"gate": "freq"}, label="freq", seed=0,
        ...                state="done", code={"gate": code} if code else {})
        >>> [named.label for named in name_codes([row("3f9a2c81d0be"), row("")])]
        ['freq [gate code 3f9a2c]', 'freq [gate code as released]']
    """
    if len({id(row.code) for row in rows}) < 2:
        return list(rows)
    versions: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        versions[as_text(row.variant)].append(row.code)
    fields = {variant: _differing_fields(codes) for variant, codes in versions.items()}
    return [_with_code_in_label(row, fields[as_text(row.variant)]) for row in rows]


def _with_code_in_label(row: Row, fields: Sequence[str]) -> Row:
    """A row whose label tells the code of these fields."""
    if not fields:
        return row
    words = []
    for name in fields:
        version = row.code.get(name, "")[:6] or "as released"
        words.append(f"{name} code {version}")
    return replace(row, label=f"{row.label} [{', '.join(words)}]")


def _differing_fields(codes: Sequence[Mapping[str, str]]) -> list[str]:
    """The fields in which codes are not all the same."""
    differing = []
    for name in sorted(set(chain.from_iterable(codes))):
        hashes = {code.get(name) for code in codes}
        if len(hashes) > 1:
            differing.append(name)
    return differing
