"""Fields of a trial that are set beside its file, as `KEY=VALUE`."""

from collections.abc import Callable, Collection, Sequence

from dasbench.errors import Complaint
from dasbench.spec.document import parse_scalar
from dasbench.spec.fields import set_field
from dasbench.spec.plain import Record
from dasbench.spec.space import SETTABLE


def set_fields(
    data: Record,
    overrides: Sequence[str],
    *,
    fields: Collection[str] = SETTABLE,
    wanted: str = f"a dotted field of the trial ({', '.join(SETTABLE)})",
    refusal: Callable[[str], str] = lambda _: "",
) -> list[Complaint]:
    """Set dotted fields in plain data; returns what is wrong with those that cannot be set.

    Args:
        data: what is changed.
        overrides: `key=value`, each value as a study file has it.
        fields: what a key may begin with.
        wanted: what a key is, in words.
        refusal: why a key of the right form may not be set, `""` if it may.

    Example:
        >>> data = {"gate": "das"}
        >>> set_fields(data, ["gate.alpha=0.1"])
        []
        >>> data
        {'gate': {'name': 'das', 'alpha': 0.1}}
    """
    complaints = []
    for text in overrides:
        key, equals, value = text.partition("=")
        is_field = key.partition(".")[0] in fields and all(key.split("."))
        fault = f"write KEY=VALUE with {wanted}"
        if equals and is_field:
            fault = refusal(key)
        if fault:
            complaints.append(Complaint(f"`set` {text}", 0, "", fault))
        else:
            set_field(data, key, parse_scalar(value))
    return complaints
