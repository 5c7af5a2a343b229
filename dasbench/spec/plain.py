"""Plain data, as JSON and YAML have it, by what it means."""

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]
"""Dotted fields of a trial (`gate.alpha`) and their values."""

Variant = Mapping[str, Any]
"""The fields that a study varies and their values in one of its variants."""

Params = Mapping[str, Any]
"""Parameters of a component and their values."""

Spec = Mapping[str, Any]
"""A trial, a study, or a part of one, as its model dumps it."""

Record = dict[str, Any]
"""Plain data that is being made or changed: a line of JSON or CSV, a part of a trial."""
