"""Components by name: names come from a folder's files, a component is imported on its first use."""

import ast
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from dasbench.code.closure import OWN, UNSAVED, NoSourceError, code_of
from dasbench.errors import UsageError, unknown_name
from dasbench.spec.parameters import parameter_schema

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered component.

    Args:
        kind: what it is (`gate`).
        name: how studies call it.
        make: its constructor; the keyword-only arguments are its parameters.
        source: where it comes from: authors, year, arXiv, section or equation.
        traits: facts about it that its kind knows (a gate's default placement, for example).
        modules: names of the modules that define it: the one that registers it, and that of `make`.
    """

    kind: str
    name: str
    make: T
    source: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the constructor's docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default, with it."""
        return {p.name: p.default for p in self.parameters if p.default is not inspect.Parameter.empty}

    @cached_property
    def code(self) -> str:
        """The hash of the code that defines it, as it was imported; `""` for a component of dasbench as released.

        What was typed in and lies in no file has a code of its own, which no other process will ever have.
        """
        try:
            return code_of(*self.modules)
        except NoSourceError:
            return f"{UNSAVED}{token_hex(4)}"

    @property
    def in_this_process_only(self) -> bool:
        """Whether another process cannot import it: it was typed in, or defined in the program that runs."""
        return "__main__" in self.modules or self.code.startswith(UNSAVED)

    @cached_property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The constructor's keyword-only arguments, in order, with evaluated annotations."""
        signature = inspect.signature(self.make, eval_str=True)
        return tuple(p for p in signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY)

    @cached_property
    def schema(self) -> type[BaseModel]:
        """What a study may say about those arguments."""
        return parameter_schema(self.parameters)


class Registry(Generic[T]):
    """The components of one kind.

    Names are read from the text of the kind's folder (every `@KIND.register("name", ...)` with a literal name), so
    that listing or checking names imports nothing. Entry points of the group `dasbench.<folder>` and modules that are
    imported by hand add to them.

    Args:
        kind: what a component is called in messages (`gate`).
        package: the package whose files hold one component each (`dasbench.gates`).
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, *, source: str = "", **traits: Any) -> Callable[[T], T]:
        """Register the decorated constructor under a name.

        Raises:
            UsageError: if another component already has the name.
        """
        caller = sys._getframe(1).f_globals.get("__name__", "")

        def add(make: T) -> T:
            known = self._entries.get(name)
            if known and (known.make.__module__, known.make.__qualname__) != (make.__module__, make.__qualname__):
                raise UsageError(
                    f"{self.kind} '{name}' is registered twice: by {known.make.__module__} and by {make.__module__}"
                )
            modules = tuple(dict.fromkeys([caller, _own_module(make, caller)]))
            entry = self._entries[name] = Entry(self.kind, name, make, source, traits, modules)
            if not all(_is_ours(module) for module in modules):
                _ = entry.code  # now, while the files are as they are imported
            return make

        return add

    def names(self) -> tuple[str, ...]:
        """Every name that can be used, sorted; imports no component."""
        return tuple(sorted({*_names_in_folder(self.package), *self._plugins(), *self._entries}))

    def __getitem__(self, name: str) -> Entry[T]:
        """The component of that name, imported if this is its first use.

        Raises:
            UsageError: if there is none; the message names the nearest.
        """
        if name not in self._entries:
            module = _names_in_folder(self.package).get(name)
            if module:
                import_module(module)
            elif plugin := self._plugins().get(name):
                plugin.load()
        if name not in self._entries:
            raise UsageError(unknown_name(self.kind, name, self.names()))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def _plugins(self) -> dict[str, metadata.EntryPoint]:
        return {point.name: point for point in metadata.entry_points(group=self.package)}


def _own_module(make: object, caller: str) -> str:
    """The module that defines a constructor; that of the caller where it has none of its own (a `partial`)."""
    module = getattr(make, "__module__", None)
    return module if isinstance(module, str) and module in sys.modules else caller


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == OWN


@cache
def _names_in_folder(package: str) -> dict[str, str]:
    """Registered name -> module, read from the text of the package's files."""
    spec = find_spec(package)
    names: dict[str, str] = {}
    for folder in (spec.submodule_search_locations or []) if spec else []:
        root = Path(folder)
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(p for p in parts if p != "__init__")])
            names.update(dict.fromkeys(_registered_names(file.read_text("utf-8")), module))
    return names


def _registered_names(text: str) -> list[str]:
    r"""The literal names of all `@X.register("name")` decorators in a module's text.

    Example:
        >>> _registered_names('@GATES.register("se", source="...")\nclass Se: ...')
        ['se']
    """
    if ".register(" not in text:
        return []
    return [
        decorator.args[0].value
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "register"
        and decorator.args
        and isinstance(decorator.args[0], ast.Constant)
        and isinstance(decorator.args[0].value, str)
    ]
