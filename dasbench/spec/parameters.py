"""A constructor's keyword-only arguments as the schema of what a study may say about it."""

import inspect
import json
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails, PydanticUndefined

from dasbench.errors import nearest_name
from dasbench.spec.plain import Params, Record

Problem = tuple[tuple[str | int, ...], str]
"""Where in the checked data something is wrong, and what."""


def check_parameters(schema: type[BaseModel], given: Params) -> tuple[Record, list[Problem]]:
    """Check given parameters against a schema and fill in its defaults.

    Numbers are brought into the annotated type, so that `alpha: 1` and `alpha: 1.0` are the same.

    Args:
        schema: of the constructor, from `parameter_schema`.
        given: plain data from a study.

    Returns:
        All parameters as plain data, and what is wrong (then the first is what was given).

    Example:
        >>> from typing import Annotated
        >>> from annotated_types import Gt, Le
        >>> def gate(*, alpha: Annotated[float, Gt(0), Le(1)] = 0.2, kernel: int = 3): ...
        >>> schema = parameter_schema(inspect.signature(gate).parameters.values())
        >>> check_parameters(schema, {"alpha": 1})
        ({'alpha': 1.0, 'kernel': 3}, [])
        >>> for path, message in check_parameters(schema, {"alpha": 2, "kernal": 5})[1]:
        ...     print(*path, message)
        alpha must be less than or equal to 1, not 2
        kernal unknown key 'kernal'. Did you mean 'kernel'? Known: alpha, kernel.
    """
    try:
        checked = schema.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        problems = [(plain_path(item["loc"]), explain(item, schema)) for item in error.errors()]
        return dict(given), problems
    return checked.model_dump(mode="json"), []


def parameter_schema(arguments: Iterable[inspect.Parameter]) -> type[BaseModel]:
    """What may be said about a constructor's keyword-only arguments.

    Types, ranges (`Annotated[float, Gt(0), Le(1)]`) and choices (`Literal`) come from the
    annotations.
    """
    fields: dict[str, Any] = {}
    for argument in arguments:
        default = argument.default
        if default is inspect.Parameter.empty:
            default = PydanticUndefined
        fields[argument.name] = (argument.annotation, default)
    config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())
    return create_model("Parameters", __config__=config, **fields)


def explain(error: ErrorDetails, model: type[BaseModel], *, hidden: Collection[str] = ()) -> str:
    """One of pydantic's complaints in the words of this project.

    It says what is wrong, the value, and what would be right.

    Args:
        error: the complaint.
        model: what was validated, for the keys that would have been right.
        hidden: keys that a user does not write.
    """
    given = _in_quotes(error["input"])
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            keys = known_keys(model, plain_path(error["loc"])[:-1])
            return _unknown_key(str(error["loc"][-1]), [key for key in keys if key not in hidden])
        case "literal_error" | "enum":
            return _not_one_of(error["input"], str(context.get("expected", "")))
        case "value_error" | "assertion_error":
            return str(context.get("error", error["msg"]))
        case "finite_number":
            return "must be a finite number"
        case _:
            message = error["msg"].replace("Input should be", "must be")
            return f"{message.replace('an object', 'a mapping')}, not {given}"


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that a model allows at a path inside of it."""
    for part in path:
        if isinstance(part, int):
            continue
        info = model.model_fields.get(part)
        if info is None:
            return []
        nested = _nested_model(info.annotation)
        if nested is None:
            return []
        model = nested
    return sorted(model.model_fields)


def plain_path(loc: Iterable[str | int]) -> tuple[str | int, ...]:
    """The place of an error without the tags that pydantic puts in for unions and validators."""
    return tuple(part for part in loc if isinstance(part, int) or _is_key(part))


def _is_key(part: str) -> bool:
    return part.isidentifier() or "." in part


def _nested_model(annotation: object) -> type[BaseModel] | None:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        nested = _nested_model(argument)
        if nested is not None:
            return nested
    return None


def _unknown_key(key: str, known: list[str]) -> str:
    return f"unknown key '{key}'.{nearest_name(key, known)} Known: {', '.join(known) or 'none'}."


def _not_one_of(value: Any, expected: str) -> str:
    names = [name.strip("' ") for name in expected.replace(" or ", ", ").split(",")]
    guess = nearest_name(value, names)
    return f"must be one of {', '.join(names)}, not {_in_quotes(value)}.{guess}"


def _in_quotes(value: object) -> str:
    """A refused value as it is written, or the beginning of a long one."""
    text = json.dumps(value, default=str)
    if isinstance(value, str):
        text = repr(value)
    if len(text) > 80:
        text = text[:77] + "..."
    return text
