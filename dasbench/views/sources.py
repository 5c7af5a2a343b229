"""The components that a study used: where each comes from, and the commit of one's own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dasbench.catalog import BACKBONES, COMPONENTS, KINDS
from dasbench.spec.plain import Spec

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class UsedComponent:
    """A component that trials used.

    Args:
        kind: what it is, a key of `KINDS`.
        name: what studies call it.
        trials: how many trials used it so.
        source: where it comes from, as it is registered; `""` where nobody said or recorded it.
        is_own: whether it is somebody's own and not dasbench's.
        git_commit: of somebody's own, the commit of the repository that its file lay in; None
            outside of one.
        git_dirty: whether there were changes beside that commit; None where that is not known.
    """

    kind: str
    name: str
    trials: int
    source: str = ""
    is_own: bool = False
    git_commit: str | None = None
    git_dirty: bool | None = None


def used_components(
    specs: Mapping[str, Mapping[str, Any]],
    environments: Mapping[str, Mapping[str, Any]],
    document: Spec,
) -> list[UsedComponent]:
    """What the trials of a study used, and what proposed and ended them; nothing is imported.

    Args:
        specs: all that decides the outcome of each trial, by key.
        environments: with what each ran, by key, as far as that was recorded.
        document: the study as plain data.
    """
    used = Counter(_component_records(specs, environments))
    recorded = {(kind, name) for kind, name, own in used if own}
    found = []
    for (kind, name, own), trials in used.items():
        # a trial that waits tells nothing of what others recorded
        if own or (kind, name) not in recorded:
            found.append(_component(kind, name, own, trials))
    for kind in ("sampler", "scheduler"):
        name = name_of(document.get(kind))
        if name not in ("", "none"):
            found.append(_component(kind, name, (), len(specs)))
    order = [*COMPONENTS, "sampler", "scheduler"]
    return sorted(
        found,
        key=lambda one: (order.index(one.kind), one.name, str(one.git_commit), str(one.git_dirty)),
    )


def name_of(choice: Any) -> str:
    """The name of a component as a study writes it: alone, or with parameters beside it.

    Example:
        >>> name_of("tpe"), name_of({"name": "tpe", "startup": 5}), name_of(None)
        ('tpe', 'tpe', '')
    """
    if isinstance(choice, Mapping):
        choice = choice.get("name", "")
    return str(choice or "")


def num_stages(backbone: str) -> int | None:
    """How many stages a backbone of dasbench has.

    None where its registration does not write the number out.

    Example:
        >>> num_stages("resnet18"), num_stages("of_somebody_else")
        (4, None)
    """
    stages = BACKBONES.written_in_text(backbone).stages
    if callable(stages) or stages == 0:
        return None
    return stages


def _component_records(
    specs: Mapping[str, Mapping[str, Any]], environments: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, tuple[tuple[str, Any], ...]]]:
    """Kind, name and record of each trial's components; no record of what is dasbench's."""
    for key, spec in specs.items():
        own = environments.get(key, NOTHING).get("components") or NOTHING
        for kind in COMPONENTS:
            if name := name_of(spec.get(kind)):
                yield kind, name, tuple(sorted(own.get(kind, NOTHING).items()))


def _component(kind: str, name: str, own: Iterable[tuple[str, Any]], trials: int) -> UsedComponent:
    """A component with what was recorded of it, or with what its registration writes out."""
    record = dict(own)
    if record:
        return UsedComponent(
            kind=kind,
            name=name,
            trials=trials,
            source=record.get("source", ""),
            is_own=True,
            git_commit=record.get("git_commit"),
            git_dirty=record.get("git_dirty"),
        )
    return UsedComponent(
        kind=kind, name=name, trials=trials, source=KINDS[kind].written_source(name)
    )
