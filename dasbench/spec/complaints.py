"""What is wrong with a study file: its form, its modules, its base, its axes, its size."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypedDict

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dasbench.errors import Complaint, DasbenchError, unknown_name
from dasbench.plugins import import_component
from dasbench.spec.document import Document, Path_
from dasbench.spec.fields import flatten, set_field
from dasbench.spec.labels import worded
from dasbench.spec.parameters import explain, plain_path
from dasbench.spec.plain import Fields, Record
from dasbench.spec.space import SETTABLE, Axis, condition_values, decides
from dasbench.spec.study import MAX_TRIALS, Study
from dasbench.spec.trial import FILLED_IN, Choice, Trial

Known = Mapping[str, Collection[str]]
"""The names that exist, by kind: what `catalog.known_names()` returns."""


class Context(TypedDict):
    """What the checks of a study are told beside its file.

    Args:
        known: the names that exist, by kind.
        recipes: training recipes by name.
    """

    known: Known
    recipes: Mapping[str, Fields]


def import_complaints(document: Document) -> list[Complaint]:
    """Import the study's own modules, so that their components are known; those that fail.

    What is no list of modules is refused later.
    """
    names = document.data.get("imports")
    if not isinstance(names, list):
        return []
    complaints = []
    for number, name in enumerate(names):
        try:
            if isinstance(name, str) and name:
                import_component(name, beside=Path(document.file).parent)
        except DasbenchError as error:
            complaints.append(document.complaint(("imports", number), str(error)))
    return complaints


def form_complaints(document: Document, error: ValidationError, known: Known) -> list[Complaint]:
    """What is wrong with the form of a study, each on its line."""
    errors = error.errors()
    broken = {item["loc"][:length] for item in errors for length in range(len(item["loc"]))}
    complaints = []
    for item in errors:
        if item["type"] == "too_short" and item["loc"] in broken:
            continue
        message = explain(item, Study, hidden=FILLED_IN) + _other_kind(item, known)
        complaints.append(document.complaint(_place(item["loc"]), message))
    return complaints


def _other_kind(item: ErrorDetails, known: Known) -> str:
    """That an unknown component is one of another kind, as a sentence; `""` if it is not."""
    name = item["input"]
    if isinstance(name, Mapping):
        name = name.get("name")
    if item["type"] != "value_error" or not isinstance(name, str):
        return ""
    kinds = [kind for kind, names in known.items() if name in names and kind not in item["loc"]]
    if not kinds:
        return ""
    return f" '{name}' is registered as a {' and a '.join(kinds)}."


def _place(loc: tuple[str | int, ...]) -> Path_:
    """Where in the file an error is.

    A component's `params` are written beside its name, a list of seeds under `seeds` itself.
    """
    hidden = ["params"]
    if loc[:1] == ("seeds",):
        hidden.append("values")
    return tuple(part for part in plain_path(loc) if part not in hidden)


def base_complaints(document: Document) -> list[Complaint]:
    """Refuse what a trial has but a study decides elsewhere."""
    base = document.data.get("base")
    if not isinstance(base, dict):
        return []
    return [document.complaint(("base", key), why) for key, why in FILLED_IN.items() if key in base]


def axis_complaints(document: Document, context: Context) -> list[Complaint]:
    """Try every value of every axis on the base, one at a time."""
    axes, base = document.data.get("axes"), document.data.get("base")
    if not isinstance(axes, list) or not isinstance(base, dict):
        return []
    complaints = []
    for index, raw in enumerate(axes):
        try:
            axis = Axis.model_validate_json(json.dumps(raw), strict=True)
        except ValidationError:
            continue
        for place, message in _axis_faults(axis, base, context):
            complaints.append(document.complaint(("axes", index, *place), message))
    return complaints


def _axis_faults(axis: Axis, base: Fields, context: Context) -> Iterator[tuple[Path_, str]]:
    """Where in an axis something is wrong with it on its base, and what."""
    head, *rest = axis.key.split(".")
    if head not in SETTABLE or not all(rest) or len(rest) > 1:
        wanted = f"write one of {', '.join(SETTABLE)} or a field below it"
        yield ("key",), f"'{axis.key}' is no field that can vary; {wanted}"
        return
    part = _varied_part(head, base, is_inside=bool(rest))
    before = _part_problems(part, head, context)
    for index, value in enumerate(axis.points() or axis.ends()):
        trial = json.loads(json.dumps(part))
        set_field(trial, axis.key, value)
        for problem in _part_problems(trial, head, context):
            if problem not in before:
                yield _point_place(axis, index), f"{axis.key}: {problem}"


def _varied_part(head: str, base: Fields, *, is_inside: bool) -> Record:
    """One field of the base; the component that it is by default where a parameter of it varies."""
    if head in base:
        return {head: base[head]}
    default = Trial.model_fields[head].default
    if is_inside and isinstance(default, Choice):
        return {head: default.name}
    return {}


def _point_place(axis: Axis, index: int) -> Path_:
    """Where in an axis one of its points is written."""
    if axis.values is not None:
        return ("values", index)
    if "." in axis.key:
        return ("key",)
    return ("values",)


def _part_problems(part: Record, head: str, context: Context) -> list[str]:
    """What is wrong with one field of a trial, the rest of it taken as sound."""
    sound = {"backbone": "resnet18", "dataset": "digits"}
    try:
        Trial.model_validate_json(json.dumps({**sound, **part}), strict=True, context=context)
    except ValidationError as error:
        errors = [item for item in error.errors() if item["loc"][0] == head]
        return [explain(item, Trial) + _other_kind(item, context["known"]) for item in errors]
    return []


def condition_complaints(document: Document, study: Study) -> list[Complaint]:
    """Refuse conditions that would never hold.

    Those are conditions on fields without a value so far, or on the label of a value.
    """
    fields = set(study.base_fields)
    complaints = []
    for index, axis in enumerate(study.axes):
        faults = [
            *_labels_as_values(axis.when, study.axes[:index]),
            *_fields_without_value(axis.when, fields),
        ]
        for key, message in faults:
            complaints.append(document.complaint(("axes", index, "when", key), message))
        for point in axis.points() or [None]:
            fields.update(dict(flatten({axis.key: point})))
    return complaints


def _labels_as_values(when: Fields, above: Sequence[Axis]) -> Iterator[tuple[str, str]]:
    """The conditions that name a label instead of the value that has it, and what to write."""
    for key, wanted in when.items():
        deciding = (axis.relabelled for axis in above if decides(axis.key, key))
        for each in chain.from_iterable(deciding):
            if each.label in condition_values(wanted):
                right = f"a condition names the value that has it: {worded(key, each.value)}"
                yield key, f"'{each.label}' is a label; {right}"


def _fields_without_value(when: Fields, fields: Collection[str]) -> Iterator[tuple[str, str]]:
    """The conditions on fields that are not set, unless they hold without a value, and what is."""
    for key, wanted in when.items():
        if key in fields or None in condition_values(wanted):
            continue
        head = key.partition(".")[0]
        nearby = [field for field in fields if field.partition(".")[0] == head]
        kind = "field (no axis above varies it, the base does not set it)"
        yield key, unknown_name(kind, key, nearby or SETTABLE)


def size_complaints(document: Document, study: Study) -> list[Complaint]:
    """Refuse a grid that cannot be listed, or is too large."""
    if study.is_searched:
        return []
    for index, axis in enumerate(study.axes):
        if axis.points() is None:
            message = "sampler 'grid' needs 'values' or a 'step'"
            return [document.complaint(("axes", index), message)]
    count = 0
    for count, _ in enumerate(study.variants(), start=1):
        if count * len(study.seeds) > MAX_TRIALS:
            limit = f"the study has more than {MAX_TRIALS:,} trials"
            message = f"{limit}; take fewer values or seeds, or a sampler"
            return [document.complaint(("axes",), message)]
    return []
