"""The variants that an ablation asks for, part by part: each with the words that say what it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from dasbench.ablation.traits import components_of, sweeps, written
from dasbench.catalog import BACKBONES
from dasbench.errors import UsageError, unknown_name
from dasbench.resolution import resolve
from dasbench.spec.plain import Fields, Params, Record
from dasbench.spec.trial import Choice, Trial

PLACES = ("stage", "block", "before_add", "inside")
"""The kinds of places, in the order in which they are tried."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant, before it is known whether it can be built.

    Args:
        part: the part of the ablation that asks for it (`leave_one_out`).
        says: what it is, in a few words.
        trial: it in full, resolved.
        placement: where its gates stand, as a study writes it; None where the base stands.
        control: whether it is to be held against a gate of the same size.
    """

    part: str
    says: str
    trial: Trial
    placement: Fields | None = None
    control: bool = False


@dataclass(frozen=True)
class Composed:
    """A gate in its network, from which the variants start.

    Args:
        base: the trial as the study writes it, with this gate.
    """

    base: Trial

    @property
    def full(self) -> Trial:
        """The trial in full."""
        return resolve(self.base)

    @property
    def gate(self) -> Choice:
        """The gate, all of its parameters filled in."""
        return self.full.gate

    def with_gate(self, gate: Params) -> Trial:
        """The base with another gate, resolved as the plan of a study resolves it."""
        return resolve(self.base.with_values({"gate": dict(gate)}))

    def changed(self, gate: Choice, changes: Fields) -> Trial:
        """The base with a gate some of whose parameters are set anew."""
        return self.with_gate({"name": gate.name, **gate.params, **changes})

    def placed(self, placement: Fields) -> Trial:
        """The base with its gates elsewhere."""
        return resolve(self.base.with_values({"placement": dict(placement)}))


def list_parts(gate: str) -> tuple[str, ...]:
    """What the ablation of a gate consists of.

    Example:
        >>> list_parts("das")
        ('leave_one_out', 'add_one_in', 'norms', 'alpha', 'count')
    """
    return (
        "leave_one_out",
        "add_one_in",
        *(name for name in sweeps(gate) if name not in PARTS),
        "count",
    )


def list_variants(composed: Composed, parts: Sequence[str]) -> Iterator[Variant]:
    """The composed gate, then the variants of each part: perhaps equal, perhaps not possible.

    Raises:
        UsageError: if a part is unknown, or the gate does not say what it is composed of.
    """
    known = list_parts(composed.gate.name)
    for part in parts:
        if part not in known:
            raise UsageError(f"`only`: {unknown_name('part', part, known)}")
    if {"leave_one_out", "add_one_in"}.intersection(parts):
        components_of(composed.gate)  # a gate without any is refused before anything is counted
    yield Variant(part="full", says="the gate as it is", trial=composed.full)
    for part in known:
        if part not in parts:
            continue
        if part in PARTS:
            yield from PARTS[part](composed)
        else:
            yield from _sweep(composed, part)


def _leave_one_out(composed: Composed) -> Iterator[Variant]:
    for name, changes in components_of(composed.gate).items():
        trial = composed.changed(composed.gate, changes)
        if trial.key != composed.full.key:
            yield Variant(part="leave_one_out", says=f"without {name}", trial=trial, control=True)


def _add_one_in(composed: Composed) -> Iterator[Variant]:
    """The plain backbone, the gate with nothing to leave out, and that with one component each."""
    part = "add_one_in"
    yield Variant(part=part, says="the plain backbone", trial=composed.with_gate({"name": "none"}))
    removed = _removable(composed)
    yield Variant(part=part, says="the simplest gate", trial=_without(composed, removed))
    for name in removed:
        with_it = _without(composed, [other for other in removed if other != name])
        yield Variant(part=part, says=f"the simplest gate and {name}", trial=with_it)


def _removable(composed: Composed) -> list[str]:
    """The components that can be left out one after another, in the gate's order."""
    removed: list[str] = []
    for name in components_of(composed.gate):
        if _without(composed, [*removed, name]).key != _without(composed, removed).key:
            removed.append(name)
    return removed


def _without(composed: Composed, names: Iterable[str]) -> Trial:
    """The gate with several components left out; what has gone with another one is passed over."""
    trial = composed.full
    for name in names:
        trial = composed.changed(trial.gate, components_of(trial.gate).get(name, {}))
    return trial


def _sweep(composed: Composed, part: str) -> Iterator[Variant]:
    """All combinations of the values of those parameters of a set that act in this gate."""
    gate, values = composed.gate, sweeps(composed.gate.name)[part]
    acting = {name: given for name, given in values.items() if acts(composed, gate, name, given)}
    if not acting:
        return
    for combination in product(*acting.values()):
        changes = dict(zip(acting, combination, strict=True))
        says = ", ".join(f"{name} {value}" for name, value in changes.items())
        yield Variant(part=part, says=says, trial=composed.changed(gate, changes))


def acts(composed: Composed, gate: Choice, parameter: str, values: Sequence[Any]) -> bool:
    """Whether a parameter makes a difference in a gate.

    A norm whose slot a design lacks does not.
    """
    ends = (values[0], values[-1])
    return len({composed.changed(gate, {parameter: value}).key for value in ends}) > 1


def _count(composed: Composed) -> Iterator[Variant]:
    """Fewer gates, from the last stages backwards; one stage alone; other places."""
    usual = usual_placement(composed)
    for says, placement in _placements(composed, usual):
        trial = composed.placed(placement)
        yield Variant(part="count", says=says, trial=trial, placement=placement)


def usual_placement(composed: Composed) -> Record:
    """Where the gates stand, as a study writes it: in the base's words, else the gate's default."""
    given = composed.base.placement.model_dump(mode="json", exclude_none=True)
    if given:
        return given
    usual = composed.full.placement.model_dump(mode="json", exclude_none=True)
    if usual.get("blocks") == "all":
        del usual["blocks"]
    return usual


def _placements(composed: Composed, usual: Fields) -> Iterator[tuple[str, Record]]:
    """Other places than the usual one, each with what it is in words."""
    chosen = composed.full.placement
    if chosen.sites:
        for number in range(1, len(chosen.sites)):
            yield f"the last {number} of the sites", {"sites": list(chosen.sites[-number:])}
        return
    sites = BACKBONES[composed.full.backbone.name].make(2, **composed.full.backbone.params).sites
    yield from _fewer_stages(chosen.stages or sorted({site.stage for site in sites}), usual)
    stages = {}
    if "stages" in usual:
        stages["stages"] = usual["stages"]
    for after in PLACES:
        if after != chosen.after and any(site.after == after for site in sites):
            yield f"after: {after}", {**stages, "after": after}


def _fewer_stages(stages: Sequence[int], usual: Fields) -> Iterator[tuple[str, Record]]:
    """The last stages, then each of the others alone."""
    for number in range(1, len(stages)):
        yield _at_stages(stages[-number:], usual)
    for stage in stages[:-1]:
        yield _at_stages([stage], usual)


def _at_stages(stages: Sequence[int], usual: Fields) -> tuple[str, Record]:
    """The usual placement, but at these stages alone, with what it is in words."""
    says = f"stages {', '.join(map(str, stages))}"
    if len(stages) == 1:
        says = f"stage {stages[0]} alone"
    return says, {"stages": [], **usual} | {"stages": list(stages)}


PARTS: Mapping[str, Callable[[Composed], Iterator[Variant]]] = {
    "leave_one_out": _leave_one_out,
    "add_one_in": _add_one_in,
    "count": _count,
}
"""The parts that every gate has; its sweeps come between."""


def gate_of(trial: Trial) -> Record | str:
    """The gate of a trial as a study writes it."""
    if trial.gate.name == "none":
        return "none"
    return written(trial.gate)
