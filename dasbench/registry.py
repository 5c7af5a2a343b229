"""Components by name: names come from a folder's files, a component is imported on its first use."""

import ast
import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic

from dasbench.entry import Entry, Place, T
from dasbench.errors import UsageError, unknown_name
from dasbench.faults import foreign, told


class Registry(Generic[T]):
    """The components of one kind.

    Names are read from the text of the kind's folder (every `@KIND.register("name", ...)` with a literal name), so
    that listing or checking names imports nothing. Entry points of the group `dasbench.<folder>` and modules that are
    imported by hand add to them.

    Args:
        kind: what a component is called in messages (`gate`).
        package: the package whose files hold one component each (`dasbench.gates`).
        gives: attributes that what a constructor returns has to have.
    """

    def __init__(self, kind: str, package: str, *, gives: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.package = package
        self.gives = gives
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, *, source: str = "", **traits: Any) -> Callable[[T], T]:
        """Register the decorated constructor under a name.

        The same module may do so again: a notebook's cell that is executed again, an edited file that is reloaded.

        Raises:
            UsageError: if another component has the name, also one that was not imported yet; both places are named.
        """
        place = _place_of(inspect.currentframe())
        if not isinstance(name, str):
            raise UsageError(
                f'{place}: write the {self.kind}\'s name behind register, as in register("my_{self.kind}")'
            )

        def add(make: T) -> T:
            if taken := self._taken(name, place, make):
                raise UsageError(
                    f"{self.kind} '{name}' is registered twice: in {taken} and in {place}; give one another name"
                )
            entry = self._entries[name] = Entry(self.kind, name, make, source, traits, place, self.gives)
            if not place.is_ours:
                _ = entry.code  # now, while the files are as they are imported
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
