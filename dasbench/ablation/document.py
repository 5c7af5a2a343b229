"""An ablation as a study file: readable YAML, the same bytes for the same ablation."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dasbench.ablation.lines import Ablation, CountedVariant
from dasbench.ablation.variants import Composed, gate_of, usual_placement
from dasbench.spec.document import parse_scalar
from dasbench.spec.labels import label
from dasbench.spec.plain import Fields, Record, Spec
from dasbench.spec.trial import Choice

HEADINGS = {
    "full": "The gate as it is: the baseline of every comparison.",
    "leave_one_out": "One component left out: its neutral replacement in its place. "
    "Then its control, of equal size.",
    "add_one_in": "One component added: to no gate at all, "
    "and to the gate with nothing left that can be taken away.",
}
"""What stands above a part; above a sweep, what varies."""

PARAMETERS = (
    "# Parameters are all those of the network; in brackets, the difference from the network "
    "with the full gate."
)

CONTROLS = (
    "# A control is the removal at the full gate's size, to be compared with the full gate; "
    "or the full gate",
    "# at the removal's size, to be compared with the removal.",
)

OTHER_BACKBONES = (
    "# They hold for the base. In a profile with another backbone the controls are no longer "
    "matched: write a",
    "# study of its own for it (`dasbench ablate --profile NAME`).",
)

KEPT = ("seeds", "objectives", "resources", "callbacks", "imports", "profiles")
"""What a study of ablations takes over from the study that it starts from."""

OWN = ("gate", "placement")
"""What an ablation decides, whatever a profile says."""

PLAIN = re.compile(r"[A-Za-z][\w./-]*( [\w./-]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where an ablation comes from.

    Args:
        command: what was asked for, in the words of the command line.
        data: the base study as plain data, its base with everything that was set.
        profile: the profile of it that was used, or None.
    """

    command: str
    data: Spec
    profile: str | None = None


def baseline_label(composed: Composed, ablation: Ablation) -> str:
    """How reports call the composed gate: what `dasbench compare --baseline` takes."""
    full: Record = {"gate": gate_of(composed.full)}
    if _placed_variants(ablation):
        full["placement"] = usual_placement(composed)
    return label(full)


def ablation_text(name: str, composed: Composed, ablation: Ablation, origin: Origin) -> str:
    """The text of the study file."""
    gate = Choice.model_validate(gate_of(composed.full))
    question = f"What does each part of the gate {gate} contribute, at equal size?"
    if len(question) > 300:
        question = f"{question[:297]}..."
    taken = _taken_over(origin.data)
    profiles = taken.pop("profiles", None)
    lines = [
        *_head(name, composed, ablation, origin),
        *_field_lines({"name": name, "question": question}),
        "base:",
        *_field_lines({**origin.data["base"], "gate": gate_of(composed.full)}, indent="  "),
        "axes:",
        *_gates(ablation),
        *_placements(composed, ablation),
        *_field_lines({key: taken[key] for key in KEPT if taken.get(key)}),
    ]
    if profiles and origin.profile is None:
        lines += _profiles(profiles)
    return "\n".join(lines) + "\n"


def _field_lines(fields: Fields, *, indent: str = "") -> Iterator[str]:
    for key, value in fields.items():
        yield f"{indent}{key}: {flow(value)}"


def _head(name: str, composed: Composed, ablation: Ablation, origin: Origin) -> Iterator[str]:
    baseline = shlex.quote(baseline_label(composed, ablation))
    yield _comment(f"Written by `{origin.command}`.", indent="")
    yield "# The gate as it is, which stands first, is what every other variant is compared with:"
    yield _comment(f"  dasbench compare --baseline {baseline} {name}", indent="")
    yield PARAMETERS
    if "leave_one_out" in ablation.parts:
        yield from CONTROLS
    if origin.data.get("profiles") and origin.profile is None:
        yield from OTHER_BACKBONES


def _gates(ablation: Ablation) -> Iterator[str]:
    yield "  - key: gate"
    yield "    values:"
    for part in ablation.parts:
        if part == "count":
            continue
        yield _comment(HEADINGS.get(part, f"{part}: what varies, all else as it is."))
        for line in ablation.lines.values():
            if line.part == part:
                yield f"      - {flow(line.gate)}  {_remark(line)}"
        yield from _notes(ablation, part)


def _placements(composed: Composed, ablation: Ablation) -> Iterator[str]:
    """The axis of the places, which only the composed gate is put in."""
    placed = _placed_variants(ablation)
    if not placed:
        return
    yield "  - key: placement"
    yield f"    when: {{gate: {flow(gate_of(composed.full))}}}"
    yield "    values:"
    yield _comment("How many gates, and where. The first is where all gates above stand.")
    yield f"      - {flow(usual_placement(composed))}"
    for line in placed:
        yield f"      - {flow(line.placement)}  {_remark(line)}"
    yield from _notes(ablation, "count")


def _placed_variants(ablation: Ablation) -> list[CountedVariant]:
    return [line for line in ablation.lines.values() if line.placement is not None]


def _notes(ablation: Ablation, part: str) -> Iterator[str]:
    for note in ablation.notes.get(part, ()):
        yield _comment(f"(not listed) {note}")


def _remark(line: CountedVariant) -> str:
    return _comment(f"{line.says}: {line.remark}", indent="")


def _taken_over(fields: Fields) -> Record:
    """Fields of the base study that hold for its ablation too.

    Of its seeds not the baseline, which is one of its own variants.
    """
    taken = {key: value for key, value in fields.items() if key in KEPT}
    if isinstance(taken.get("seeds"), Mapping):
        taken["seeds"] = _without(taken["seeds"], "baseline")
    return taken


def _without(fields: Fields, *names: str) -> Record:
    return {key: value for key, value in fields.items() if key not in names}


def _profiles(profiles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The profiles, without what is an ablation's own.

    That is: its gates, where they stand, how its variants are chosen.
    """
    yield "profiles:"
    for name, changes in profiles.items():
        fields = _taken_over(changes)
        if isinstance(changes.get("base"), Mapping):
            fields = {"base": _without(changes["base"], *OWN), **fields}
        fields = {key: value for key, value in fields.items() if value}
        if not fields:
            yield f"  {flow(name)}: {{}}"
            continue
        yield f"  {flow(name)}:"
        yield from _field_lines(fields, indent="    ")


def flow(value: Any) -> str:
    """Plain data as YAML on one line.

    Example:
        >>> flow({"name": "das", "alpha": 0.2, "mask": False, "stages": [1, 2], "why": "a: b"})
        '{name: das, alpha: 0.2, mask: false, stages: [1, 2], why: "a: b"}'
    """
    if isinstance(value, Mapping):
        inside = [f"{flow(str(key))}: {flow(inner)}" for key, inner in value.items()]
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and parse_scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str, *, indent: str = "      ") -> str:
    """A comment on one line, whatever stands in it."""
    return f"{indent}# " + "".join(letter if letter.isprintable() else " " for letter in text)
