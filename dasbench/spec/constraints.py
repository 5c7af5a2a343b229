"""What every trial of a study has to keep: limits on cost, relations of fields."""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import JsonValue, model_validator

from dasbench.errors import unknown_name
from dasbench.spec.plain import Fields
from dasbench.spec.space import SETTABLE
from dasbench.spec.trial import Frozen

COSTS = ("params", "macs", "params_paper", "macs_paper")
"""What is counted before a trial is trained; `params` and `macs` in the full convention."""

Operator = Literal["<=", ">=", "<", ">", "==", "!="]

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}

_OPERAND = r"""("[^"]*"|'[^']*'|[^\s<>=!"']+)"""
_FORM = re.compile(rf"\s*{_OPERAND}\s*(<=|>=|==|!=|<|>)\s*{_OPERAND}\s*")


class Constraint(Frozen):
    """A relation that every trial of a study keeps.

    Written `macs <= 0.2e9` or `gate.first_norm != gate.second_norm`.

    Args:
        left, right: a counted cost (`params`, `macs`, `params_paper`, `macs_paper`), a dotted field
            of the trial, a number, or a text in quotes.
        operator: `<=`, `>=`, `<`, `>`, `==` or `!=`.

    A field that a trial does not have (an axis that does not apply, a parameter of another gate)
    violates nothing.

    Example:
        >>> limit = Constraint.model_validate("macs <= 0.2e9")
        >>> limit.violation({"macs": 250_000_000}), limit.violation({"macs": 200_000_000})
        (0.2, 0.0)
    """

    left: JsonValue
    operator: Operator
    right: JsonValue

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        found = _FORM.fullmatch(data)
        if not found:
            raise ValueError(
                f"write a cost or a field, one of {' '.join(COMPARISONS)} and a value, as in "
                f"'macs <= 0.2e9' or 'gate.first_norm != gate.second_norm', not '{data[:80]}'"
            )
        left, comparison, right = found.groups()
        for operand in (left, right):
            _check_name(operand)
        return {"left": _plain(left), "operator": comparison, "right": _plain(right)}

    @property
    def names(self) -> tuple[str, ...]:
        """The costs and fields that it speaks of."""
        sides = (self.left, self.right)
        return tuple(str(side["name"]) for side in sides if isinstance(side, dict))

    def violation(self, values: Fields) -> float:
        """How far it is violated: 0 where it holds, the relative distance of two numbers, else 1.

        Args:
            values: costs by name and fields by dotted key.
        """
        if any(name not in values for name in self.names):
            return 0.0
        left, right = _value(self.left, values), _value(self.right, values)
        are_numbers = _is_number(left) and _is_number(right)
        has_order = are_numbers or self.operator in ("==", "!=")
        if has_order and COMPARISONS[self.operator](left, right):
            return 0.0
        if not are_numbers:
            return 1.0
        return abs(left - right) / max(abs(left), abs(right)) or 1.0

    def __str__(self) -> str:
        return f"{_side_text(self.left)} {self.operator} {_side_text(self.right)}"


def _plain(text: str) -> JsonValue:
    """An operand as data: a number, a text, or a name in a mapping."""
    if text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        if re.fullmatch(r"-?\d+", text):
            whole: int = json.loads(text)
            return whole
        return float(text)
    except ValueError:
        return {"name": text}


def _check_name(operand: str) -> None:
    plain = _plain(operand)
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"'{operand}' is no finite number")
    if not isinstance(plain, dict):
        return
    name = str(plain["name"])
    if name not in COSTS and name.partition(".")[0] not in SETTABLE:
        unknown = unknown_name("cost or field", name, (*COSTS, *SETTABLE))
        raise ValueError(f"{unknown} Put a text in quotes.")


def _value(side: JsonValue, values: Fields) -> Any:
    value: Any = side
    if isinstance(side, dict):
        value = values[str(side["name"])]
    if isinstance(value, dict) and "name" in value:
        return value["name"]
    return value


def _side_text(side: JsonValue) -> str:
    if isinstance(side, dict):
        return str(side["name"])
    return json.dumps(side)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
