"""Search spaces: named lists of axes in files of their own, which several studies share."""

import json
from dataclasses import replace
from pathlib import Path

from pydantic import Field, ValidationError

from dasbench.errors import Complaint, StudyError, unknown_name
from dasbench.spec.document import Document, read_document
from dasbench.spec.parameters import explain, plain_path
from dasbench.spec.space import Axes
from dasbench.spec.trial import Frozen

FOLDER = "search_spaces"


class SearchSpace(Frozen):
    """A named list of axes.

    Args:
        name: the file's name without its ending.
        about: what the space holds.
        axes: what varies.
    """

    name: str
    about: str = Field(min_length=1)
    axes: Axes


def add_space(document: Document) -> Document:
    """The study's document with the axes of its `space` appended to its own.

    Faults of these are on the line of `space`.

    Raises:
        StudyError: if there is no such space, or its file is unsound.
    """
    name = document.data.get("space")
    if not isinstance(name, str):
        return document
    space = _read(_find(name, document))
    own = document.data.get("axes") or []
    added = [axis.model_dump(mode="json", exclude_defaults=True) for axis in space.axes]
    lines = dict(document.lines)
    for number in range(len(added)):
        lines[("axes", len(own) + number)] = lines[("space",)]
    return replace(document, data={**document.data, "axes": [*own, *added]}, lines=lines)


def _find(name: str, document: Document) -> Path:
    """The file of a space: beside the study's folder, in it, or where one stands."""
    study = Path(document.file).resolve().parent
    folders = [study.parent / FOLDER, study / FOLDER, Path(FOLDER)]
    candidates = [folder / f"{name}.yaml" for folder in folders]
    if name.endswith(".yaml"):
        candidates = [study / name]
    for path in candidates:
        if path.is_file():
            return path
    known = {path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.yaml")}
    raise StudyError([document.complaint(("space",), unknown_name("search space", name, known))])


def _read(path: Path) -> SearchSpace:
    document = read_document(path)
    complaints = list(document.complaints)
    try:
        space = SearchSpace.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        for item in error.errors():
            message = explain(item, SearchSpace)
            complaints.append(document.complaint(plain_path(item["loc"]), message))
        raise StudyError(complaints) from error
    if space.name != path.stem:
        complaints.append(
            Complaint(str(path), 1, "name", f"must be the file's name, '{path.stem}'")
        )
    if complaints:
        raise StudyError(complaints)
    return space
