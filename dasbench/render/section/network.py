"""The networks of a study in sentences: the backbone, the gates with their parameters, and where they stand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dasbench.render.section.words import listed, named
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

MOST_GATES = 40
"""Gates that are described, each with its parameters."""


def network(evidence: Evidence) -> Iterator[str]:
    """Backbone, gates and their places, as far as the trials say."""
    backbone = shared(spec.get("backbone") for spec in evidence.specs)
    if backbone.get("name"):
        yield f"The backbone is {named(backbone)}."
    gates = _specs_by_gate(evidence)
    plain = gates.pop("none", None)
    if gates:
        texts = [named(shared(spec["gate"] for spec in specs)) for specs in gates.values()]
        yield f"The {'gate is' if len(texts) == 1 else 'gates are'} {listed(texts, most=MOST_GATES)}."
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


def shared(parts: Iterable[Any]) -> dict[str, Any]:
    """What mappings have in common.

    Example:
        >>> shared([{"name": "das", "alpha": 0.1}, {"name": "das", "alpha": 0.2}])
        {'name': 'das'}
    """
    every = [part if isinstance(part, Mapping) else {} for part in parts]
    first = every[0] if every else {}
    return {
        name: value
        for name, value in first.items()
        if all(name in p and p[name] == value for p in every)
    }


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
        return f"at {listed(sites)}{_count(len(sites))}"
    after = placement.get("after")
    if not after:
        return ""
    chosen = placement.get("stages") or ()
    where = _stages(chosen, stages)
    if after == "stage":
        return f"at the end of {where}{_count(len(chosen) or stages)}"
    block = BLOCKS.get(placement.get("blocks"), f"the {placement.get('blocks')} blocks")
    how = {"block": "after", "before_add": "before the addition in", "inside": "inside"}.get(
        after, f"{after} in"
    )
    return f"{how} {block} of {where}"


def _places(gates: Mapping[str, Sequence[Fields]], stages: int | None) -> Iterator[str]:
    """Where the gates stand: once where all stand alike, else for each place those that stand there."""
    by_place: dict[str, dict[str, None]] = {}
    for name, specs in gates.items():
        for spec in specs:
            by_place.setdefault(place_in_words(spec.get("placement") or {}, stages), {})[name] = (
                None
            )
    unsaid = by_place.pop("", None)
    if not by_place:
        return
    verb = "It stands" if len(gates) == 1 else "They stand"
    if len(gates) == 1 or (len(by_place) == 1 and not unsaid):
        by_variant = ", by variant" * (len(by_place) > 1)
        yield f"{verb} {listed(by_place)}{by_variant}."
        return
    texts = [f"{place} ({listed(names)})" for place, names in by_place.items()]
    yield f"{verb} {listed(texts)}."


def _stages(chosen: Sequence[int], stages: int | None) -> str:
    if not chosen:
        return f"each of the {stages} stages" if stages else "every stage"
    if len(chosen) > 2 and list(chosen) == list(range(chosen[0], chosen[0] + len(chosen))):
        return f"stages {chosen[0]} to {chosen[-1]}"
    return f"stage{'s' * (len(chosen) > 1)} {listed(chosen, most=len(chosen))}"


def _count(sites: int | None) -> str:
    return f" ({sites} site{'s' * (sites != 1)})" if sites else ""
