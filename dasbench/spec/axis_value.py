"""A value that an axis lists, with or without a label of its own."""

from collections.abc import Mapping
from typing import Any

from pydantic import (
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from dasbench.spec.trial import Frozen

MAX_LABEL = 60
"""The most characters of a label."""


class AxisValue(Frozen):
    """A value that an axis lists, and what a variant that has it is called.

    Written as the value alone, or with a label: `{value: 0.1, label: little}`. Where the value is
    itself a mapping and the axis varies a whole part of the trial, the label stands beside it:
    `{name: das, alpha: 0.2, label: DAS}`; what has a `label` of its own is written
    `{value: {...}, label: ...}`.

    Args:
        value: any plain data.
        label: 1 to 60 printable characters; it decides nothing about the trial.
    """

    value: JsonValue
    label: str | None = None

    @field_validator("label", mode="before")
    @classmethod
    def _short_text(cls, label: Any) -> Any:
        is_text = isinstance(label, str) and label.isprintable() and label == label.strip()
        if not is_text or not 1 <= len(label) <= MAX_LABEL:
            wanted = f"a label is a text of 1 to {MAX_LABEL} printable characters"
            raise ValueError(f"{wanted}, without blanks at its ends, not {_in_quotes(label)}")
        return label

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> Any:
        if self.label is None:
            return self.value
        return handler(self)


def _in_quotes(label: object) -> str:
    """A label that is refused; of one that is too long, the beginning and how long it is."""
    if isinstance(label, str) and len(label) > MAX_LABEL:
        return f"{label[:MAX_LABEL]!r}... ({len(label)} characters)"
    return repr(label)


def labelled_value(value: object, *, beside: bool) -> object:
    """A value of an axis as `AxisValue` takes it.

    Args:
        value: as it is written.
        beside: whether a label may stand beside the value's own keys.
    """
    if isinstance(value, AxisValue):
        return value
    if not isinstance(value, Mapping) or "label" not in value:
        return {"value": value}
    if value.keys() == {"value", "label"}:
        return dict(value)
    if not beside:
        return {"value": value}
    own = {key: part for key, part in value.items() if key != "label"}
    return {"value": own, "label": value["label"]}
