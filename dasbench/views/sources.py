"""The components that a study used: where each comes from, and the commit that the code of one's own is of."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dasbench.catalog import COMPONENTS, KINDS

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class UsedComponent:
    """A component that trials used.

    Args:
        kind: what it is, a key of `KINDS`.
        name: what studies call it.
        trials: how many trials used it so.
        source: where it comes from, as it is registered; `""` where nobody said or recorded it.
        is_own: whether it is somebody's own and not dasbench's.
        git_commit: of somebody's own, the commit of the repository that its file lay in; None outside of one.
        git_dirty: whether there were changes beside that commit; None where that is not known.
    """

    kind: str
    name: str
    trials: int
    source: str = ""
    is_own: bool = False
    git_commit: str | None = None
    git_dirty: bool | None = None


def used_components(
    specs: Mapping[str, Mapping[str, Any]], environments: Mapping[str, Mapping[str, Any]], document: Mapping[str, Any]
) -> list[UsedComponent]:
    """What the trials of a study used, and what proposed and ended them; nothing is imported.

    Args:
        specs: all that decides the outcome of each trial, by key.
        environments: with what each ran, by key, as far as that was recorded.
        document: the study as plain data.
    """
    used = Counter(_named_in(specs, environments))
    chosen = [(kind, name_of(document.get(kind))) for kind in ("sampler", "scheduler")]
    recorded = {(kind, name) for kind, name, own in used if own}
    found = [
        _component(kind, name, own, trials)
        for (kind, name, own), trials in used.items()
        if own or (kind, name) not in recorded  # a trial that waits tells nothing of what others recorded
    ]
    found += [_component(kind, name, (), len(specs)) for kind, name in chosen if name not in ("", "none")]
    order = [*COMPONENTS, "sampler", "scheduler"]
    return sorted(found, key=lambda one: (order.index(one.kind), one.name, str(one.git_commit), str(one.git_dirty)))


def name_of(choice: Any) -> str:
    """The name of a component as a study writes it: alone, or with parameters beside it.

    Example:
        >>> name_of("tpe"), name_of({"name": "tpe", "startup": 5}), name_of(None)
        ('tpe', 'tpe', '')
    """
    return str(choice.get("name", "")) if isinstance(choice, Mapping) else str(choice or "")


def num_stages(backbone: str) -> int | None:
    """How many stages a backbone of dasbench has; None where its registration does not write the number out.

    Example:
        >>> num_stages("resnet18"), num_stages("of_somebody_else")
        (4, None)
    """
    stages = _written(KINDS["backbone"].package).get(backbone, NOTHING).get("stages")
    return stages if isinstance(stages, int) else None


def _named_in(
    specs: Mapping[str, Mapping[str, Any]], environments: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, tuple[tuple[str, Any], ...]]]:
    """Kind, name and record of each component of each trial; the record is empty of what is dasbench's."""
    for key, spec in specs.items():
        own = environments.get(key, NOTHING).get("components") or NOTHING
        for kind in COMPONENTS:
            if name := name_of(spec.get(kind)):
                yield kind, name, tuple(sorted(own.get(kind, NOTHING).items()))


def _component(kind: str, name: str, own: Iterable[tuple[str, Any]], trials: int) -> UsedComponent:
    """A component with what was recorded of it, or with what its registration writes out."""
    record = dict(own)
    if record:
        return UsedComponent(
            kind=kind,
            name=name,
            trials=trials,
            source=record.get("source", ""),
            is_own=True,
            git_commit=record.get("git_commit"),
            git_dirty=record.get("git_dirty"),
        )
    source = _written(KINDS[kind].package).get(name, NOTHING).get("source", "")
    return UsedComponent(kind=kind, name=name, trials=trials, source=source)


@cache
def _written(package: str) -> Mapping[str, Mapping[str, Any]]:
    """What the registrations in a package's files write out, by name: texts and numbers, also those with a name."""
    found: dict[str, Mapping[str, Any]] = {}
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).rglob("*.py")):
            text = file.read_text("utf-8")
            if ".register(" in text:
                found |= _registrations(ast.parse(text))
    return found


def _registrations(module: ast.Module) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and keyword arguments of each `@KIND.register("name", ...)` of a module."""
    constants = _constants(module)
    for node in module.body:
        decorators = node.decorator_list if isinstance(node, ast.ClassDef | ast.FunctionDef) else []
        for call in decorators:
            if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") != "register" or not call.args:
                continue
            name = _value(call.args[0], constants)
            if isinstance(name, str):
                yield name, {str(word.arg): _value(word.value, constants) for word in call.keywords}


def _constants(module: ast.Module) -> dict[str, Any]:
    """The texts and numbers that a module gives names to, or imports from another one of dasbench."""
    found: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found |= {name.id: node.value.value for name in node.targets if isinstance(name, ast.Name)}
        if isinstance(node, ast.ImportFrom) and any(alias.name.isupper() for alias in node.names):
            found |= _imported(node)
    return found


def _imported(node: ast.ImportFrom) -> dict[str, Any]:
    """The constants among what a line imports from a module that registers nothing, such as the source of several."""
    module = node.module or ""
    spec = find_spec(module) if module.startswith("dasbench.") and not node.level else None
    if spec is None or not spec.has_location or spec.origin is None:
        return {}
    known = _constants_of(Path(spec.origin))
    return {alias.asname or alias.name: known[alias.name] for alias in node.names if alias.name in known}


@cache
def _constants_of(file: Path) -> Mapping[str, Any]:
    assigned = [node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.Assign)]
    return {
        target.id: node.value.value
        for node in assigned
        for target in node.targets
        if isinstance(node.value, ast.Constant) and isinstance(target, ast.Name)
    }


def _value(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    """A text or a number that is written there, or that has the name that is; None of anything else."""
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    return node.value if isinstance(node, ast.Constant) else None
