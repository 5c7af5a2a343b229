"""The ablation of a gate, counted: every distinct variant once, with a remark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from dasbench.ablation.controls import TOLERANCE, Control, control_of, num_params
from dasbench.ablation.variants import Composed, Variant, gate_of, list_variants
from dasbench.errors import ModelError
from dasbench.spec.plain import Fields, Params


@dataclass(frozen=True, kw_only=True)
class CountedVariant:
    """A variant as a study lists it.

    Args:
        part: the part of the ablation that asks for it, `full` for the composed gate.
        says: what it is, in a few words.
        gate: the gate as a study writes it.
        placement: where its gates stand; None where the base stands.
        remark: its size, and of a control how well it is matched.
    """

    part: str
    says: str
    gate: Params | str
    placement: Fields | None = None
    remark: str


@dataclass
class Ablation:
    """The variants of an ablation in order, and what was left out of it.

    Args:
        lines: by the trial's key.
        notes: what is to be said about a part: trials that another one is already, networks that
            cannot be built.
    """

    lines: dict[str, CountedVariant] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def parts(self) -> Sequence[str]:
        """The parts that list a variant or have a note, in order."""
        listed = map(attrgetter("part"), self.lines.values())
        return list(dict.fromkeys([*listed, *self.notes]))

    def note(self, part: str, text: str) -> None:
        """Say something about a part."""
        self.notes.setdefault(part, []).append(text)


def ablate(
    composed: Composed, parts: Sequence[str], *, told: Callable[[str], None] | None = None
) -> Ablation:
    """List, build and count the variants of an ablation, equal trials once.

    Args:
        composed: the gate in its network.
        parts: which of `list_parts`.
        told: called with what is counted next.

    Raises:
        UsageError: if a part is unknown, or the gate does not say what it is composed of.
        ModelError: if the gate as it is cannot be built.
    """
    found = Ablation()
    full = composed.full
    for variant in list_variants(composed, parts):
        if told:
            told(variant.says)
        twin = found.lines.get(variant.trial.key)
        if twin:
            found.note(variant.part, f"{variant.says}: the same trial as '{twin.says}'")
            continue
        try:
            params = num_params(variant.trial)
        except ModelError as error:
            if variant.trial.key == full.key:
                raise
            found.note(variant.part, f"{variant.says}: cannot be built ({error})")
            continue
        size = f"{params:,} parameters ({params - num_params(full):+,})"
        found.lines[variant.trial.key] = _counted_variant(variant, size)
        if variant.control:
            _add_control(found, composed, variant)
    return found


def _counted_variant(variant: Variant, remark: str) -> CountedVariant:
    return CountedVariant(
        part=variant.part,
        says=variant.says,
        gate=gate_of(variant.trial),
        placement=variant.placement,
        remark=remark,
    )


def _add_control(found: Ablation, composed: Composed, removal: Variant) -> None:
    """List the control of a removal, or say why there is none."""
    part, name = removal.part, f"control of '{removal.says}'"
    if num_params(removal.trial) == num_params(composed.full):
        needless = "not needed, it has exactly as many parameters as the full gate"
        found.note(part, f"{name}: {needless}")
        return
    control = control_of(composed, removal.trial)
    if control is None:
        nothing = "none, no parameter of the gate brings it nearer to the full gate's size"
        found.note(part, f"{name}: {nothing}")
        return
    twin = found.lines.get(control.trial.key)
    if twin:
        found.note(part, f"{name}: the nearest in size is '{twin.says}', {_fit(control)}")
        return
    resized = "the full gate"
    if control.of_removal:
        resized = "itself"
    says = f"{name}: {resized} with {control.changed}"
    variant = Variant(part=part, says=says, trial=control.trial)
    found.lines[control.trial.key] = _counted_variant(variant, _fit(control))


def _fit(control: Control) -> str:
    """How well a control is matched, in exact counts."""
    surplus = control.params - control.target
    whose = "removal"
    if control.of_removal:
        whose = "full gate"
    text = (
        f"{control.params:,} parameters, {surplus:+,} against the {whose} "
        f"({control.difference:+.2%} of its gates)"
    )
    if not control.matched:
        text += f"; CANNOT BE MATCHED within {TOLERANCE:.0%}"
    return text
