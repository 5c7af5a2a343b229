"""Formulas over the fields of a trial: arithmetic, comparisons, functions, no other Python."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from dasbench.errors import UsageError, unknown_name
from dasbench.spec.plain import Fields

MAX_LENGTH = 1000
MAX_DEPTH = 100

FIELDS = ("backbone", "gate", "placement", "dataset", "training", "seed")
"""What a formula may speak of: these and the fields below them."""

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}

ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}

COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,  # codespell:ignore notin
}

SYNTAX = (
    "a formula has numbers, texts, dotted fields of the trial, + - * / % **, comparisons, "
    f"'in', 'and', 'or', 'not', 'x if y else z' and {', '.join(FUNCTIONS)}"
)

_OPERATORS = (
    ast.UnaryOp,
    ast.USub,
    ast.UAdd,
    ast.Not,
    ast.BinOp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.IfExp,
)
_OPERANDS = (ast.Constant, ast.List, ast.Tuple, ast.Name, ast.Attribute, ast.Load, ast.Call)
_ALLOWED = (*_OPERATORS, *_OPERANDS, *ARITHMETIC, *COMPARISONS)


def check_formula(text: str) -> str:
    """Give a formula back that can be evaluated.

    Raises:
        ValueError: saying what is wrong with it and what would be right.

    Example:
        >>> check_formula("80 + 10 * (gate.design == 'c') - abs(gate.alpha - 0.2)")[:9]
        '80 + 10 *'
        >>> check_formula("open('x')")
        Traceback (most recent call last):
        ValueError: unknown function 'open'. Known: abs, exp, log, max, min, sqrt.
    """
    _parse(text)
    return text


def evaluate(text: str, fields: Fields) -> float:
    """The value of a formula; NaN where it has none, as in a division by zero.

    Args:
        text: a formula that was checked.
        fields: values by dotted field.

    Raises:
        UsageError: if it speaks of a field that is not there, or calculates with what is no number.

    Example:
        >>> evaluate("80 + 10 * (gate == 'das')", {"gate": "das"}), evaluate("1 / 0", {})
        (90.0, nan)
    """
    try:
        return _Evaluation(fields).number(_parse(text))
    except (ArithmeticError, ValueError):
        return math.nan


@lru_cache(maxsize=128)
def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"'{text[:80]}' cannot be read; {SYNTAX}") from error
    _check_depth(tree)
    for node in ast.walk(tree):
        _check_node(node, text)
    for field in _fields(tree):
        _check_field(field)
    return tree


def _fields(tree: ast.expr) -> Iterator[str]:
    """What is neither the name of a function nor a part of a longer field, as it is written."""
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):  # what holds a node comes before it
        if isinstance(node, ast.Call):
            inner.add(node.func)
        if isinstance(node, ast.Attribute):
            inner.add(node.value)
        if isinstance(node, ast.Name | ast.Attribute) and node not in inner:
            yield _dotted_name(node)


def _check_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = list(chain.from_iterable(map(ast.iter_child_nodes, level)))
        if not level:
            return
    raise ValueError(f"has more than {MAX_DEPTH} terms inside of each other")


def _check_node(node: ast.AST, text: str) -> None:
    """Refuse everything that is not on the list of what a formula may have."""
    words = (ast.get_source_segment(text.strip(), node) or type(node).__name__)[:80]
    if not isinstance(node, _ALLOWED):
        raise ValueError(f"'{words}' is not allowed; {SYNTAX}")  # noqa: TRY004 - for pydantic
    if isinstance(node, ast.Constant) and not isinstance(node.value, int | float | str):
        raise ValueError(f"'{words}' is neither a number nor a text")  # noqa: TRY004 - the same
    if isinstance(node, ast.Call):
        _check_call(node, words)


def _check_call(node: ast.Call, words: str) -> None:
    name = ast.unparse(node.func)
    if name not in FUNCTIONS:
        raise ValueError(unknown_name("function", name[:80], FUNCTIONS))
    numbers, takes = range(1, 2), "one number"
    if name in ("min", "max"):
        numbers, takes = range(2, MAX_DEPTH + 1), "two numbers or more"
    if node.keywords or len(node.args) not in numbers:
        raise ValueError(f"'{words}': {name} takes {takes}")


def _check_field(name: str) -> None:
    head, *below = name.split(".")
    if head not in FIELDS:
        raise ValueError(unknown_name("field", head, FIELDS))
    if len(below) > 1:
        raise ValueError(f"'{name}' has too many parts; fields are written as in 'gate.alpha'")


def _dotted_name(node: ast.AST) -> str:
    """A field as it is written: `gate.alpha` is to Python an attribute of a name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=last):
            return f"{_dotted_name(value)}.{last}"
    raise ValueError("fields are written as in 'gate.alpha'")


@dataclass(frozen=True)
class _Evaluation:
    """Computes the parts of a checked formula from the fields of one trial."""

    fields: Fields

    def value(self, node: ast.expr) -> object:
        """A number, a text, a truth value or a list."""
        match node:
            case ast.Constant(value=constant):
                return constant
            case ast.Name() | ast.Attribute():
                return self._field(_dotted_name(node))
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return list(map(self.value, items))
            case ast.Call() | ast.BinOp() | ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                return self._result(node)
            case _:
                return self._decision(node)

    def _decision(self, node: ast.expr) -> object:
        """What comes out of parts that are asked whether they hold."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return all(map(self.value, values))
            case ast.BoolOp(values=values):
                return any(map(self.value, values))
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                if self.value(test):
                    return self.value(body)
                return self.value(otherwise)
            case ast.Compare(left=left, ops=comparisons, comparators=others):
                operands = list(map(self.value, (left, *others)))
                return all(map(_holds, comparisons, operands, operands[1:]))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand)
        raise AssertionError(node)

    def _result(self, node: ast.expr) -> float:
        """What comes out of parts that are calculated with."""
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.UnaryOp(operand=operand):
                return self.number(operand)
            case ast.BinOp(left=left, op=operation, right=right):
                result: float = ARITHMETIC[type(operation)](self.number(left), self.number(right))
                return result
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return float(FUNCTIONS[name](*map(self.number, arguments)))
        raise AssertionError(node)

    def number(self, node: ast.expr) -> float:
        """The value of a part that is calculated with."""
        return _number(self.value(node), ast.unparse(node))

    def _field(self, name: str) -> object:
        if name not in self.fields:
            head = name.partition(".")[0]
            siblings = [field for field in self.fields if field.partition(".")[0] == head]
            message = unknown_name("field of this trial", name, siblings)
            raise UsageError(
                f"task.formula: {message} "
                "Ask for it where it applies: 'x if gate == \"das\" else y'."
            )
        return self.fields[name]


def _holds(comparison: ast.cmpop, left: object, right: object) -> bool:
    try:
        return COMPARISONS[type(comparison)](left, right)
    except TypeError as error:
        raise UsageError(
            f"task.formula: {left!r} and {right!r} cannot be compared so: {error}"
        ) from error


def _number(value: object, words: str) -> float:
    if not isinstance(value, int | float):
        raise UsageError(
            f"task.formula: '{words}' is {value!r} and no number; "
            f"compare it, as in \"{words} == 'x'\""
        )
    return float(value)
