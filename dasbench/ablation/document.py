"""An ablation as a study file: YAML that a person can read, the same bytes for the same ablation."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dasbench.ablation.lines import Ablation, Line
from dasbench.ablation.variants import Composed, gate_of, usual_placement
from dasbench.spec.document import parse_scalar
from dasbench.spec.labels import label
from dasbench.spec.trial import Choice

HEADINGS = {
    "full": "The gate as it is: the baseline of every comparison.",
    "leave_one_out": "One component left out: its neutral replacement in its place. Then its control, of equal size.",
    "add_one_in": "One component added: to no gate at all, and to the gate with nothing left that can be taken away.",
}
"""What stands above a part; above a sweep, what varies."""

KEPT = ("seeds", "objectives", "resources", "callbacks", "imports", "profiles")
"""What a study of ablations takes over from the study that it starts from."""

OWN = ("gate", "placement")
"""What an ablation decides, whatever a profile says."""

PLAIN = re.compile(r"[A-Za-z][\w./-]*( [\w./-]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an ablation comes from.

    Args:
        command: what was asked for, in the words of the command line.
        data: the base study as plain data, its base with everything that was set.
        profile: the profile of it that was used, or None.
    """

    command: str
    data: Mapping[str, Any]
    profile: str | None = None


def baseline_label(composed: Composed, ablation: Ablation) -> str:
    """How reports call the composed gate: what `compare --baseline` takes."""
    full = {"gate": gate_of(composed.full)}
    return label({**full, "placement": usual_placement(composed)} if _places(ablation) else full)


def write_study(name: str, composed: Composed, ablation: Ablation, source: Source) -> str:
    """The text of the study file."""
    gate = Choice.model_validate(gate_of(composed.full))
    question = f"What does each part of the gate {gate} contribute, at equal size?"
    fields = {
        "name": name,
        "question": question if len(question) <= 300 else f"{question[:297]}...",
    }
    kept = {key: _kept(key, value) for key, value in source.data.items() if key in KEPT}
    if source.profile is not None:
        kept.pop("profiles", None)
    lines = [
        *_head(name, composed, ablation, source),
        *(f"{key}: {flow(value)}" for key, value in fields.items()),
        "base:",
        *(f"  {key}: {flow(value)}" for key, value in _base(composed, source.data["base"]).items()),
        "axes:",
        *_gates(ablation),
        *_placements(composed, ablation),
        *(f"{key}: {flow(kept[key])}" for key in KEPT if kept.get(key) and key != "profiles"),
        *_profiles(kept.get("profiles") or {}),
    ]
    return "\n".join(lines) + "\n"


def _head(name: str, composed: Composed, ablation: Ablation, source: Source) -> Iterator[str]:
    yield from _comment(f"Written by `{source.command}`.", indent="")
    yield "# The gate as it is, which stands first, is what every other variant is compared with:"
    yield from _comment(
        f"  dasbench compare --baseline {shlex.quote(baseline_label(composed, ablation))} {name}",
        indent="",
    )
    yield "# Parameters are all those of the network; in brackets, the difference from the network with the full gate."
    if "leave_one_out" in {line.part for line in ablation.lines.values()}:
        yield "# A control is the removal at the full gate's size, to be compared with the full gate; or the full gate"
        yield "# at the removal's size, to be compared with the removal."
    if source.data.get("profiles") and source.profile is None:
        yield "# They hold for the base. In a profile with another backbone the controls are no longer matched: write a"
        yield "# study of its own for it (`dasbench ablate --profile NAME`)."


def _base(composed: Composed, given: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the composed gate, in the words of the study that it comes from."""
    return {**given, "gate": gate_of(composed.full)}


def _gates(ablation: Ablation) -> Iterator[str]:
    yield "  - key: gate"
    yield "    values:"
    parts = dict.fromkeys([*(line.part for line in ablation.lines.values()), *ablation.notes])
    for part in parts:
        if part != "count":
            lines = [line for line in ablation.lines.values() if line.part == part]
            yield from _comment(HEADINGS.get(part, f"{part}: what varies, all else as it is."))
            yield from (f"      - {flow(line.gate)}  {_remark(line)}" for line in lines)
            yield from _notes(ablation, part)


def _placements(composed: Composed, ablation: Ablation) -> Iterator[str]:
    """The axis of the places, which only the composed gate is put in."""
    placed = _places(ablation)
    if not placed:
        return
    yield "  - key: placement"
    yield f"    when: {{gate: {flow(gate_of(composed.full))}}}"
    yield "    values:"
    yield from _comment("How many gates, and where. The first is where all gates above stand.")
    yield f"      - {flow(usual_placement(composed))}"
    yield from (f"      - {flow(line.placement)}  {_remark(line)}" for line in placed)
    yield from _notes(ablation, "count")


def _places(ablation: Ablation) -> list[Line]:
    return [line for line in ablation.lines.values() if line.placement is not None]


def _notes(ablation: Ablation, part: str) -> Iterator[str]:
    for note in ablation.notes.get(part, ()):
        yield from _comment(f"(not listed) {note}")


def _remark(line: Line) -> str:
    return next(iter(_comment(f"{line.says}: {line.remark}", indent="")))


def _kept(key: str, value: Any) -> Any:
    """A field of the base study; of its seeds not the baseline, which is one of its own variants."""
    if key == "seeds" and isinstance(value, Mapping):
        return {name: inner for name, inner in value.items() if name != "baseline"}
    return value


def _profiles(profiles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The profiles, without what is an ablation's own: its gates, where they stand, how its variants are chosen."""
    kept = {}
    for name, changes in profiles.items():
        base = changes.get("base")
        own = (
            {"base": {key: value for key, value in base.items() if key not in OWN}}
            if isinstance(base, Mapping)
            else {}
        )
        own |= {key: _kept(key, value) for key, value in changes.items() if key in KEPT}
        kept[name] = {key: value for key, value in own.items() if value}
    if kept:
        yield "profiles:"
    for name, changes in kept.items():
        yield f"  {flow(name)}:" + ("" if changes else " {}")
        yield from (f"    {key}: {flow(value)}" for key, value in changes.items())


def flow(value: Any) -> str:
    """Plain data as YAML on one line.

    Example:
        >>> flow({"name": "das", "alpha": 0.2, "mask": False, "stages": [1, 2], "on": "null", "why": "a: b"})
        '{name: das, alpha: 0.2, mask: false, stages: [1, 2], on: "null", why: "a: b"}'
    """
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{flow(str(key))}: {flow(inner)}" for key, inner in value.items())
            + "}"
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and parse_scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str, *, indent: str = "      ") -> Iterable[str]:
    """A comment on one line, whatever stands in it."""
    return [f"{indent}# " + "".join(letter if letter.isprintable() else " " for letter in text)]
