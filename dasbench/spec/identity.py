"""What makes two trials the same: their fields as plain data, and the code that trains them."""

import json
from collections.abc import Mapping
from hashlib import sha256
from socket import gethostname

from dasbench.errors import OtherCodeError
from dasbench.spec.labels import component_text
from dasbench.spec.plain import Params, Record, Spec

PLACE = "root"
"""The parameter of a data set that says where its files lie."""

AS_RELEASED = "dasbench's own as released"
"""What a component's code is called that has no hash in a trial."""


def question_of(spec: Spec) -> str:
    """What a trial asks: equal for two trials that differ in their code alone.

    Args:
        spec: a resolved trial as plain data, also of an earlier version of dasbench.

    Example:
        >>> spec = {"backbone": {"name": "resnet18"}, "seed": 0, "code": {}}
        >>> question_of(spec) == question_of({**spec, "code": {"gate": "3f9a2c81d0be"}})
        True
    """
    return hash_of(_without(deciding_fields(spec), "code"))


def component_name(field: str, spec: Spec) -> str:
    """What people call that which one entry of a trial's `code` is about.

    Args:
        field: the entry's name.
        spec: the trial as plain data.

    Example:
        >>> spec = {"gate": {"name": "freq"}}
        >>> component_name("gate", spec), component_name("training", spec)
        ('gate freq', 'the training loop')
    """
    if field == "training":
        return "the training loop"
    return f"{field} {spec[field]['name']}"


def hash_of(data: Spec) -> str:
    """12 hexadecimal digits of plain data; the order of keys does not count."""
    canonical = json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return sha256(canonical.encode()).hexdigest()[:12]


def deciding_fields(spec: Spec) -> Record:
    """All of a trial that decides its result; files count by their content, not their place."""
    fields = dict(spec)
    if spec.get("weights_fingerprint"):
        fields["backbone"] = _without(spec["backbone"], "weights")
    if spec.get("data_fingerprint"):
        fields["dataset"] = _without(spec["dataset"], PLACE)
    return fields


def _without(data: Spec, key: str) -> Record:
    return {name: value for name, value in data.items() if name != key}


def data_name(dataset: Params, fingerprint: str) -> str:
    """What the data of a trial are called: two trials with the same name saw the same images.

    Args:
        dataset: the data set of a resolved trial, as plain data.
        fingerprint: of its content.

    Example:
        >>> data_name({"name": "digits", "image_size": 8}, "0123456789abcdef")
        'digits(image_size=8)'
        >>> birds = {"name": "image_folder", "root": "/mnt/birds", "image_size": 64}
        >>> data_name(birds, "0123456789abcdef")
        'image_folder(image_size=64, content=01234567)'
    """
    shown = _without(_without(dataset, "name"), PLACE)
    if fingerprint and PLACE in dataset:
        shown["content"] = fingerprint[-16:][:8]
    return component_text(dataset["name"], shown)


def refuse_other_code(key: str, spec: Spec, here: Mapping[str, str]) -> None:
    """Make sure that this process has the code that a trial was planned with.

    Args:
        key: the trial's key.
        spec: the trial as it was planned, as plain data.
        here: the code that this process has, by field.

    Raises:
        OtherCodeError: naming every component that differs, with both codes.
    """
    planned = spec.get("code", {})
    clauses = []
    for field in sorted({*planned, *here}):
        was, now = planned.get(field, AS_RELEASED), here.get(field, AS_RELEASED)
        if was != now:
            clauses.append(
                f"{component_name(field, spec)} is {now} on {gethostname()} and was {was} when the "
                "trial was planned"
            )
    if not clauses:
        return
    raise OtherCodeError(
        f"this is not the code of trial {key}: {'; '.join(clauses)}. Let the code be the same "
        "everywhere while a study runs; the same command plans it anew."
    )
