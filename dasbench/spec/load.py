"""From a study file to a Study, or to every complaint about it at once."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from dasbench.errors import StudyError, unknown_name
from dasbench.spec.complaints import (
    Context,
    Known,
    axis_complaints,
    base_complaints,
    condition_complaints,
    form_complaints,
    import_complaints,
    size_complaints,
)
from dasbench.spec.document import Document, Path_, read_document
from dasbench.spec.overrides import set_fields
from dasbench.spec.plain import Record
from dasbench.spec.recipes import recipes
from dasbench.spec.space_files import add_space
from dasbench.spec.study import Study


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
        overrides: `key=value` for dotted fields of the trial, as on the command line.

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
    document = _with_overrides(add_space(_with_profile(_mapping(path), profile)), overrides)
    complaints = list(document.complaints)
    if callable(known):
        missing = import_complaints(document)
        complaints += missing
        # what a missing module would have registered is not called unknown
        known = {} if missing else known()
    context = Context(known=known or {}, recipes=recipes())
    study = None
    try:
        study = Study.model_validate_json(json.dumps(document.data), strict=True, context=context)
    except ValidationError as error:
        complaints += form_complaints(document, error, context["known"])
    complaints += base_complaints(document) + axis_complaints(document, context)
    if study is not None and not complaints:
        complaints += condition_complaints(document, study) or size_complaints(document, study)
    if study is None or complaints:
        raise StudyError(complaints)
    return study.located(document)


def _mapping(path: Path) -> Document:
    """The file as plain data; what is no mapping is no study."""
    document = read_document(path)
    if not isinstance(document.data, dict):
        wanted = "a study is a mapping with the keys name, question, base, ..."
        raise StudyError([document.complaint((), wanted)])
    return document


def _with_profile(document: Document, profile: str | None) -> Document:
    profiles = document.data.get("profiles") or {}
    if not isinstance(profiles, dict):
        wanted = "must be a mapping from names to changes of the study"
        raise StudyError([document.complaint(("profiles",), wanted)])
    if profile is None:
        return document
    changes = profiles.get(profile)
    if not isinstance(changes, dict):
        unknown = unknown_name("profile", profile, profiles)
        raise StudyError([document.complaint(("profiles",), unknown)])
    data, lines = dict(document.data), dict(document.lines)
    for key, value in changes.items():
        here: Path_ = ("profiles", profile, key)
        if key == "base" and isinstance(value, dict) and isinstance(data.get("base"), dict):
            data["base"] = {**data["base"], **value}
            for part in value:
                _move_lines(lines, (*here, part), ("base", part))
        else:
            data[key] = value
            _move_lines(lines, here, (key,))
    data["name"] = f"{data.get('name')}@{profile}"
    return replace(document, data=data, lines=lines)


def _move_lines(lines: dict[Path_, int], source: Path_, target: Path_) -> None:
    """Let what is now at `target` be found on the lines of `source`."""
    for path in [path for path in lines if path[: len(target)] == target]:
        del lines[path]
    for path, line in list(lines.items()):
        if path[: len(source)] == source:
            lines[(*target, *path[len(source) :])] = line


def _with_overrides(document: Document, overrides: tuple[str, ...]) -> Document:
    base = json.loads(json.dumps(document.data.get("base")))
    varied = {axis.get("key") for axis in document.data.get("axes") or [] if isinstance(axis, dict)}

    def refusal(key: str) -> str:
        if key in varied:
            return f"the study varies {key}; remove that axis instead"
        return ""

    target: Record = {}
    if isinstance(base, dict):
        target = base
    complaints = set_fields(target, overrides, refusal=refusal)
    return replace(
        document,
        data={**document.data, "base": base},
        complaints=(*document.complaints, *complaints),
    )
