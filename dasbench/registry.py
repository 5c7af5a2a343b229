"""Components by name: names come from a folder's files, a component is imported on its first use."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from dasbench.errors import UsageError, unknown_name
from dasbench.faults import foreign, is_ours, short_path, told
from dasbench.spec.parameters import parameter_schema

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Place:
    """Where a component is registered.

    Args:
        module: the module that registers it.
        file: its file.
        line: of the registration, from 1.

    Example:
        >>> str(Place("my_gates", "/work/my_gates.py", 7))
        '/work/my_gates.py:7'
    """

    module: str
    file: str
    line: int

    @property
    def is_ours(self) -> bool:
        """Whether the component comes with dasbench."""
        return is_ours(self.file)

    def __str__(self) -> str:
        return f"{short_path(self.file)}:{self.line}"


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered component.

    Args:
        kind: what it is (`gate`).
        name: how studies call it.
        make: its constructor; the keyword-only arguments are its parameters.
        source: where it comes from: authors, year, arXiv, section or equation.
        traits: facts about it that its kind knows (a gate's default placement, for example).
        place: where it is registered.
    """

    kind: str
    name: str
    make: T
    source: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place("", "", 0)

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"

    @property
    def summary(self) -> str:
        """The first line of the constructor's docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default, with it."""
        return {p.name: p.default for p in self.parameters if p.default is not inspect.Parameter.empty}

    @cached_property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The constructor's keyword-only arguments, in order, with evaluated annotations."""
        return tuple(p for p in self._signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY)

    @cached_property
    def schema(self) -> type[BaseModel]:
        """What a study may say about those arguments."""
        with foreign(self._unreadable):
            return parameter_schema(self.parameters)

    def hint(self, parameter: str) -> str:
        """Why a parameter that the constructor has cannot be set, as a sentence; `""` if it has none of that name.

        Example:
            >>> def halve(channels, start=0.5): ...
            >>> Entry("gate", "halve", halve, place=Place("m", "m.py", 3)).hint("start")
            " The constructor has 'start' (m.py:3), but studies set keyword-only arguments: write it behind a *."
        """
        known = self._signature.parameters.get(parameter)
        if known is None or known.kind is inspect.Parameter.KEYWORD_ONLY:
            return ""
        why = "but studies set keyword-only arguments: write it behind a *."
        return f" The constructor has '{parameter}' ({self.place}), {why}"

    @cached_property
    def _signature(self) -> inspect.Signature:
        with foreign(self._unreadable):
            return inspect.signature(self.make, eval_str=True)

    def _unreadable(self, error: BaseException) -> UsageError:
        """What a study may say cannot be told: an annotation names what is not there, or what YAML cannot hold."""
        return UsageError(
            f"{self}: the annotations of its constructor cannot be read ({self.place}): {told(error)}; write types that "
            "a study file can hold, as in `start: float = 0.5`"
        )


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

        The same module may do so again: a notebook's cell that is executed again, an edited file that is reloaded.

        Raises:
            UsageError: if another component has the name, also one that was not imported yet; both places are named.
        """
        place = _place_of(inspect.currentframe())
        if not isinstance(name, str):
            raise UsageError(f'{place}: write the {self.kind}\'s name behind register, as in register("my_{self.kind}")')

        def add(make: T) -> T:
            if taken := self._taken(name, place, make):
                raise UsageError(
                    f"{self.kind} '{name}' is registered twice: in {taken} and in {place}; give one another name"
                )
            self._entries[name] = Entry(self.kind, name, make, source, traits, place)
            return make

        return add

    def _taken(self, name: str, place: Place, make: T) -> Place | str | None:
        """Where another component of the name is registered, or will be when it is imported."""
        known = self._entries.get(name)
        if known is not None and not _is_again(known, place, make):
            return known.place
        there = _places_in_folder(self.package).get(name)
        if there is not None and there.module != place.module:
            return there
        point = None if place.is_ours else self._plugins().get(name)
        if point is not None and point.module.partition(".")[0] != place.module.partition(".")[0]:
            return _words_of(point)
        return None

    def names(self) -> tuple[str, ...]:
        """Every name that can be used, sorted; imports no component.

        Raises:
            UsageError: if an installed package offers a name that is taken.
        """
        return tuple(sorted({*_places_in_folder(self.package), *self._plugins(), *self._entries}))

    def entries(self) -> tuple[Entry[T], ...]:
        """The components that have been imported so far."""
        return tuple(self._entries.values())

    def __getitem__(self, name: str) -> Entry[T]:
        """The component of that name, imported if this is its first use.

        Raises:
            UsageError: if there is none; the message names the nearest. If the package that offers it cannot be
                imported.
        """
        if name not in self._entries:
            there = _places_in_folder(self.package).get(name)
            if there is not None:
                import_module(there.module)
            elif plugin := self._plugins().get(name):
                self._load(plugin)
        if name not in self._entries:
            own = " One of your own is found with --import FILE.py, or `imports:` in the study."
            raise UsageError(unknown_name(self.kind, name, self.names()) + own)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def _load(self, point: metadata.EntryPoint) -> None:
        def answer(error: BaseException) -> UsageError:
            return UsageError(f"{self.kind} '{point.name}' cannot be imported from {_words_of(point)}: {told(error)}")

        with foreign(answer):
            point.load()
        if point.name not in self._entries:
            raise UsageError(f"{self.kind} '{point.name}': {_words_of(point)} registers no {self.kind} of that name")

    def _plugins(self) -> dict[str, metadata.EntryPoint]:
        """The components that installed packages offer.

        Raises:
            UsageError: if one has the name of another, or of one of ours.
        """
        points: dict[str, metadata.EntryPoint] = {}
        folder = _places_in_folder(self.package)
        for point in metadata.entry_points(group=self.package):
            before = points.setdefault(point.name, point)
            taken = folder.get(point.name) or (_words_of(before) if before.value != point.value else None)
            if taken is not None:
                raise UsageError(
                    f"{self.kind} '{point.name}' is registered twice: in {taken} and in {_words_of(point)}; uninstall "
                    "one of them"
                )
        return points


def _place_of(frame: Any) -> Place:
    """Where `register` was called."""
    caller = frame.f_back
    return Place(caller.f_globals.get("__name__", ""), caller.f_code.co_filename, caller.f_lineno)


def _is_again(known: Entry[Any], place: Place, make: Any) -> bool:
    """Whether a registration repeats an earlier one: the same class or function of the same module or file."""
    names = [getattr(each, "__qualname__", repr(each)) for each in (known.make, make)]
    return names[0] == names[1] and (known.place.module == place.module or known.place.file == place.file)


def _words_of(point: metadata.EntryPoint) -> str:
    package = point.dist.name if point.dist else "an installed package"
    return f"{package} (entry point {point.value})"


@cache
def _places_in_folder(package: str) -> dict[str, Place]:
    """Registered name -> where, read from the text of the package's files."""
    spec = find_spec(package)
    places: dict[str, Place] = {}
    for folder in (spec.submodule_search_locations or []) if spec else []:
        root = Path(folder)
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(p for p in parts if p != "__init__")])
            for name, line in _registered_names(file.read_text("utf-8")):
                places[name] = Place(module, str(file), line)
    return places


def _registered_names(text: str) -> list[tuple[str, int]]:
    r"""The literal names of all `@X.register("name")` decorators in a module's text, with their lines.

    Example:
        >>> _registered_names('@GATES.register("se", source="...")\nclass Se: ...')
        [('se', 1)]
    """
    if ".register(" not in text:
        return []
    return [
        (decorator.args[0].value, decorator.lineno)
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
