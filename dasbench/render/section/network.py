"""The networks of a study in sentences: the backbone, the gates, and where they stand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dasbench.render.section.words import component_in_words, enumerate_names, is_range
from dasbench.render.text.words import agreeing, counted, in_brackets
from dasbench.spec.plain import Record
from dasbench.views.evidence import Evidence
from dasbench.views.sources import name_of, num_stages

Fields = Mapping[str, Any]

BLOCKS = {
    None: "every block",
    "all": "every block",
    "first": "the first block",
    "last": "the last block",
    "alternate": "every other block",
}
"""In which blocks of a stage gates stand."""

PLACES = {"block": "after", "before_add": "before the addition in", "inside": "inside"}
"""Where in a block gates stand."""

MOST_GATES = 40
"""Gates that are described, each with its parameters."""


def network(evidence: Evidence) -> Iterator[str]:
    """Backbone, gates and their places, as far as the trials say."""
    backbone = shared_part(evidence.specs, "backbone")
    if backbone.get("name"):
        yield f"The backbone is {component_in_words(backbone)}."
    gates = _specs_by_gate(evidence)
    plain = gates.pop("none", None)
    if gates:
        texts = [component_in_words(shared_part(specs, "gate")) for specs in gates.values()]
        subject = agreeing(len(texts), "gate is", "gates are")
        yield f"The {subject} {enumerate_names(texts, most=MOST_GATES)}."
        yield from _places(gates, num_stages(str(backbone.get("name"))))
    if plain and gates:
        yield "Beside them stands the backbone alone, with the gate none."
    elif plain:
        yield "The networks have no attention gate."


def _specs_by_gate(evidence: Evidence) -> dict[str, list[Fields]]:
    """The trials' specs by the names of their gates; those that name none are left out."""
    gates: dict[str, list[Fields]] = {}
    for spec in evidence.specs:
        gates.setdefault(name_of(spec.get("gate")), []).append(spec)
    gates.pop("", None)
    return gates


def shared_part(specs: Iterable[Fields], part: str) -> Record:
    """What the specs of trials have in common in one of their parts.

    Example:
        >>> specs = [{"gate": {"name": "das", "alpha": 0.1}}, {"gate": {"name": "das", "alpha": 2}}]
        >>> shared_part(specs, "gate")
        {'name': 'das'}
    """
    common: Record | None = None
    for spec in specs:
        own = spec.get(part)
        if not isinstance(own, Mapping):
            return {}
        if common is None:
            common = dict(own)
        common = {name: value for name, value in common.items() if _has_value(own, name, value)}
    return common or {}


def _has_value(fields: Fields, name: str, value: Any) -> bool:
    return name in fields and bool(fields[name] == value)


def place_in_words(placement: Fields, stages: int | None = None) -> str:
    """Where gates stand, with their number where it can be told; `""` where nothing is said.

    Args:
        placement: as a resolved trial has it; no `stages` are all of them.
        stages: how many the backbone has, if that is known.

    Example:
        >>> place_in_words({"after": "stage"}, 4)
        'at the end of each of the 4 stages (4 sites)'
        >>> place_in_words({"after": "before_add", "blocks": "last", "stages": [1, 2]})
        'before the addition in the last block of stages 1 and 2'
        >>> place_in_words({"sites": ["layer1.0", "layer4"]})
        'at layer1.0 and layer4 (2 sites)'
    """
    if sites := placement.get("sites"):
        return f"at {enumerate_names(sites)}{_num_sites(len(sites))}"
    after = placement.get("after")
    if not after:
        return ""
    chosen = placement.get("stages") or ()
    where = _stages(chosen, stages)
    if after == "stage":
        return f"at the end of {where}{_num_sites(len(chosen) or stages)}"
    blocks = placement.get("blocks")
    block = BLOCKS.get(blocks, f"the {blocks} blocks")
    return f"{PLACES.get(after, f'{after} in')} {block} of {where}"


def _places(gates: Mapping[str, Sequence[Fields]], stages: int | None) -> Iterator[str]:
    """Where the gates stand; for each place those that stand there, unless all stand alike."""
    by_place = _gates_by_place(gates, stages)
    unsaid = by_place.pop("", None)
    if not by_place:
        return
    places = list(by_place)
    if len(gates) > 1 and (len(by_place) > 1 or unsaid):
        places = [f"{place} ({enumerate_names(names)})" for place, names in by_place.items()]
    text = f"{agreeing(len(gates), 'It stands', 'They stand')} {enumerate_names(places)}"
    if len(gates) == 1 and len(places) > 1:
        text += ", by variant"
    yield f"{text}."


def _gates_by_place(
    gates: Mapping[str, Sequence[Fields]], stages: int | None
) -> dict[str, dict[str, None]]:
    """The names of the gates that stand in each place, in words; those of `""` do not say where."""
    by_place: dict[str, dict[str, None]] = {}
    for name, specs in gates.items():
        for spec in specs:
            place = place_in_words(spec.get("placement") or {}, stages)
            by_place.setdefault(place, {})[name] = None
    return by_place


def _stages(chosen: Sequence[int], stages: int | None) -> str:
    if not chosen and not stages:
        return "every stage"
    if not chosen:
        return f"each of the {stages} stages"
    if is_range(chosen):
        return f"stages {chosen[0]} to {chosen[-1]}"
    names = enumerate_names(chosen, most=len(chosen))
    return f"{agreeing(len(chosen), 'stage', 'stages')} {names}"


def _num_sites(sites: int | None) -> str:
    if not sites:
        return ""
    return in_brackets(counted(sites, "site"))
