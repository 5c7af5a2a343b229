"""What can be used in a study, and which studies a database holds."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from dasbench.catalog import GATES, KINDS
from dasbench.results.answers import StudyRecord
from dasbench.results.reading import read_store
from dasbench.spec.plain import Fields


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a component can be given.

    Args:
        name: the parameter's name.
        is_required: whether it has no default.
        default: its default, None also if it has none.
    """

    name: str
    is_required: bool
    default: object


@dataclass(frozen=True, kw_only=True)
class Component:
    """A gate, a backbone, a data set, or whatever else a study names.

    Args:
        kind: a key of `KINDS`.
        name: what a study calls it.
        summary: what it does, in its own words.
        parameters: what it can be given, in its own order.
        placement: where it stands unless a study says otherwise; None of what is no gate.
        source: whom to cite for it.
    """

    kind: str
    name: str
    summary: str
    parameters: Sequence[Parameter]
    placement: Fields | None
    source: str


def list_components(kind: str) -> list[Component]:
    """Every component of a kind, by name.

    Example:
        >>> names = [component.name for component in list_components("metric")]
        >>> [name for name in names if name.startswith("top")]
        ['top1', 'top5']
    """
    return [_component(kind, name) for name in KINDS[kind].names()]


def known_studies(db: str) -> list[StudyRecord]:
    """Every study of a database.

    Raises:
        StoreError: if there is no database.
    """
    with read_store(db) as reader:
        return reader.studies()


def _component(kind: str, name: str) -> Component:
    entry = KINDS[kind][name]
    placement = None
    if kind == "gate":
        placement = GATES[name].traits.placement
    return Component(
        kind=kind,
        name=name,
        summary=entry.summary,
        parameters=list(map(_parameter, entry.parameters)),
        placement=placement,
        source=entry.source,
    )


def _parameter(argument: inspect.Parameter) -> Parameter:
    if argument.default is inspect.Parameter.empty:
        return Parameter(name=argument.name, is_required=True, default=None)
    return Parameter(name=argument.name, is_required=False, default=argument.default)
