"""From a study file to a Study, or to every complaint about it at once."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dasbench.errors import Complaint, DasbenchError, StudyError, unknown_name
from dasbench.plugins import import_component
from dasbench.spec.document import Document, Path_, parse_scalar, read_document
from dasbench.spec.labels import worded
from dasbench.spec.parameters import explain, plain_path
from dasbench.spec.recipes import recipes
from dasbench.spec.space import SETTABLE, Axis, decides
from dasbench.spec.space_files import add_space
from dasbench.spec.study import MAX_TRIALS, Study, flatten
from dasbench.spec.trial import FILLED_IN, Choice, Trial, set_field

Known = Mapping[str, Collection[str]]
"""The names that exist, by kind: what `catalog.known_names()` returns."""


def load_study(
    path: Path,
    *,
    known: Known | Callable[[], Known] | None = None,
    profile: str | None = None,
    overrides: tuple[str, ...] = (),
) -> Study:
    """Read a study file.

    Args:
        path: the file.
        known: names of components by kind, or the function that tells them: it is called once the
            modules of the study's `imports` have been imported. Names are not checked, and nothing
            is imported, if left out.
        profile: name of one of the file's profiles; its fields replace those of the file whole
            (those of `base` one by one), and the study's name becomes `name@profile`.
        overrides: `key=value` for dotted fields of the trial, as `--set` takes them.

    Raises:
        StudyError: with every complaint at once, each with its line.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "x.yaml"
        ...     _ = file.write_text('''
        ... name: x
        ... question: Does it load?
        ... base: {backbone: resnet18, gate: das, dataset: digits}
        ... ''')
        ...     str(load_study(file, overrides=("gate.alpha=0.1",)).base.gate)
        'das(alpha=0.1)'
    """
    document = read_document(path)
    if not isinstance(document.data, dict):
        raise StudyError(
            [document.complaint((), "a study is a mapping with the keys name, question, base, ...")]
        )
    document = _with_overrides(add_space(_with_profile(document, profile)), overrides)
    data = document.data
    complaints = list(document.complaints)
    if callable(known):
        missing = _import(document, data.get("imports"))
        known = (
            {} if missing else known()
        )  # what a missing module would have registered is not called unknown
        complaints += missing
    context = {"known": known or {}, "recipes": recipes()}
    study = None
    try:
        study = Study.model_validate_json(json.dumps(data), strict=True, context=context)
    except ValidationError as error:
        complaints += _complaints(document, error, known or {})
    complaints += _check_base(document, data)
    complaints += _check_axes(document, data, context)
    if study is not None and not complaints:
        complaints += _check_conditions(document, study) or _check_size(document, study)
    if study is None or complaints:
        raise StudyError(complaints)
    return study.located(document)


def _import(document: Document, names: object) -> list[Complaint]:
    """Import the study's own modules, so that their components are known; what is no list is refused later."""
    complaints = []
    for number, name in enumerate(names if isinstance(names, list) else ()):
        try:
            if isinstance(name, str) and name:
                import_component(name, beside=Path(document.file).parent)
        except DasbenchError as error:
            complaints.append(document.complaint(("imports", number), str(error)))
    return complaints


def _with_profile(document: Document, profile: str | None) -> Document:
    profiles = document.data.get("profiles") or {}
    if not isinstance(profiles, dict):
        raise StudyError(
            [
                document.complaint(
                    ("profiles",), "must be a mapping from names to changes of the study"
                )
            ]
        )
    if profile is None:
        return document
    if profile not in profiles or not isinstance(profiles[profile], dict):
        raise StudyError(
            [document.complaint(("profiles",), unknown_name("profile", profile, profiles))]
        )
    data, lines = dict(document.data), dict(document.lines)
    for key, value in profiles[profile].items():
        here: Path_ = ("profiles", profile, key)
        if key == "base" and isinstance(value, dict) and isinstance(data.get("base"), dict):
            data["base"] = {**data["base"], **value}
            for part in value:
                _move_lines(lines, (*here, part), ("base", part))
        else:
            data[key] = value
            _move_lines(lines, here, (key,))
    data["name"] = f"{data.get('name')}@{profile}"
    return Document(document.file, data, lines, document.complaints)


def _move_lines(lines: dict[Path_, int], source: Path_, target: Path_) -> None:
    """Let what is now at `target` be found on the lines of `source`."""
    for path in [path for path in lines if path[: len(target)] == target]:
        del lines[path]
    for path, line in list(lines.items()):
        if path[: len(source)] == source:
            lines[(*target, *path[len(source) :])] = line


def _with_overrides(document: Document, overrides: tuple[str, ...]) -> Document:
    complaints = list(document.complaints)
    base = json.loads(json.dumps(document.data.get("base")))
    varied = {axis.get("key") for axis in document.data.get("axes") or [] if isinstance(axis, dict)}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or key.partition(".")[0] not in SETTABLE or not all(key.split(".")):
            message = f"write KEY=VALUE with a dotted field of the trial ({', '.join(SETTABLE)})"
            complaints.append(Complaint(f"--set {text}", 0, "", message))
        elif key in varied:
            complaints.append(
                Complaint(
                    f"--set {text}", 0, "", f"the study varies {key}; remove that axis instead"
                )
            )
        elif isinstance(base, dict):
            set_field(base, key, parse_scalar(value))
    return Document(
        document.file, {**document.data, "base": base}, document.lines, tuple(complaints)
    )


def _complaints(document: Document, error: ValidationError, known: Known) -> list[Complaint]:
    errors = error.errors()
    broken = {item["loc"][:length] for item in errors for length in range(len(item["loc"]))}
    return [
        document.complaint(
            _place(item["loc"]), explain(item, Study, hidden=FILLED_IN) + _other_kind(item, known)
        )
        for item in errors
        if not (item["type"] == "too_short" and item["loc"] in broken)
    ]


def _other_kind(item: ErrorDetails, known: Known) -> str:
    """That an unknown component is one of another kind, as a sentence; `""` if it is not."""
    given = item["input"]
    name = given.get("name") if isinstance(given, Mapping) else given
    if item["type"] != "value_error" or not isinstance(name, str):
        return ""
    kinds = [kind for kind, names in known.items() if name in names and kind not in item["loc"]]
    return f" '{name}' is registered as a {' and a '.join(kinds)}." if kinds else ""


def _place(loc: tuple[str | int, ...]) -> Path_:
    """Where in the file: a component's `params` are written beside its name, a list of seeds under `seeds` itself."""
    hidden = ("params", "values") if loc[:1] == ("seeds",) else ("params",)
    return tuple(part for part in plain_path(loc) if part not in hidden)


def _check_base(document: Document, data: Mapping[str, Any]) -> list[Complaint]:
    """Refuse what a trial has but a study decides elsewhere."""
    base = data.get("base")
    given = [key for key in FILLED_IN if isinstance(base, dict) and key in base]
    return [document.complaint(("base", key), FILLED_IN[key]) for key in given]


def _check_axes(
    document: Document, data: Mapping[str, Any], context: Mapping[str, Any]
) -> list[Complaint]:
    """Try every value of every axis on the base, one at a time."""
    axes, base = data.get("axes"), data.get("base")
    if not isinstance(axes, list) or not isinstance(base, dict):
        return []
    complaints = []
    for index, raw in enumerate(axes):
        try:
            axis = Axis.model_validate_json(json.dumps(raw), strict=True)
        except ValidationError:
            continue
        complaints += _check_axis(document, axis, base, ("axes", index), context)
    return complaints


def _check_axis(
    document: Document, axis: Axis, base: dict[str, Any], path: Path_, context: Mapping[str, Any]
) -> list[Complaint]:
    head, *rest = axis.key.split(".")
    if head not in SETTABLE or not all(rest) or len(rest) > 1:
        message = f"'{axis.key}' is no field that can vary; write one of {', '.join(SETTABLE)} or a field below it"
        return [document.complaint((*path, "key"), message)]
    complaints = []
    default = Trial.model_fields[head].default
    part = {head: base[head]} if head in base else {}
    if rest and head not in base and isinstance(default, Choice):
        part = {head: default.name}
    before = _problems(part, head, context)
    for index, value in enumerate(axis.points() or axis.ends()):
        trial = json.loads(json.dumps(part))
        set_field(trial, axis.key, value)
        for problem in [
            problem for problem in _problems(trial, head, context) if problem not in before
        ]:
            key = (
                (*path, "values", index)
                if axis.values is not None
                else (*path, "key" if rest else "values")
            )
            complaints.append(document.complaint(key, f"{axis.key}: {problem}"))
    return complaints


def _problems(part: dict[str, Any], head: str, context: Mapping[str, Any]) -> list[str]:
    """What is wrong with one field of a trial, the rest of it taken as sound."""
    sound = {"backbone": "resnet18", "dataset": "digits"}
    try:
        Trial.model_validate_json(json.dumps({**sound, **part}), strict=True, context=context)
    except ValidationError as error:
        errors = [item for item in error.errors() if item["loc"][0] == head]
        return [explain(item, Trial) + _other_kind(item, context["known"]) for item in errors]
    return []


def _check_conditions(document: Document, study: Study) -> list[Complaint]:
    """Refuse conditions that would never hold: on fields without a value so far, or on the label of a value."""
    fields = set(study.base_fields)
    complaints = []
    for index, axis in enumerate(study.axes):
        for key, name, value in _labels_in(axis.when, study.axes[:index]):
            message = f"'{name}' is a label; a condition names the value that has it: {worded(key, value)}"
            complaints.append(document.complaint(("axes", index, "when", key), message))
        for key in [
            key
            for key, wanted in axis.when.items()
            if key not in fields and not _may_be_unset(wanted)
        ]:
            nearby = [field for field in fields if field.partition(".")[0] == key.partition(".")[0]]
            message = unknown_name(
                "field (no axis above varies it, the base does not set it)", key, nearby or SETTABLE
            )
            complaints.append(document.complaint(("axes", index, "when", key), message))
        fields.update(
            field for point in axis.points() or [None] for field, _ in flatten({axis.key: point})
        )
    return complaints


def _labels_in(when: Mapping[str, Any], above: Sequence[Axis]) -> Iterator[tuple[str, str, Any]]:
    """The labels among the values that conditions name: the condition's key, the label, and the value that has it."""
    for key, wanted in when.items():
        options = wanted if isinstance(wanted, list) else [wanted]
        for axis in above:
            if not decides(axis.key, key):
                continue
            values = [each.value for each in axis.values or ()]
            for each in axis.values or ():
                if each.label in options and each.label is not None and each.label not in values:
                    yield key, each.label, each.value


def _may_be_unset(wanted: Any) -> bool:
    """Whether a condition also holds where its field has no value."""
    return wanted is None or (isinstance(wanted, list) and None in wanted)


def _check_size(document: Document, study: Study) -> list[Complaint]:
    if study.sampler.name != "grid":
        return []
    for index, axis in enumerate(study.axes):
        if axis.points() is None:
            return [
                document.complaint(("axes", index), "sampler 'grid' needs 'values' or a 'step'")
            ]
    count = 0
    for count, _ in enumerate(study.variants(), start=1):
        if count * len(study.seeds) > MAX_TRIALS:
            message = f"the study has more than {MAX_TRIALS:,} trials; take fewer values or seeds, or a sampler"
            return [document.complaint(("axes",), message)]
    return []
