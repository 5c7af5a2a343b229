"""Components by name: names come from a folder's files, a component is imported on its first use."""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, NamedTuple, ParamSpec

from dasbench.code.constants import constants_of
from dasbench.entry import CodeLine, Entry, Made_co, Traits_co
from dasbench.errors import UsageError, unknown_name
from dasbench.faults import foreign, told
from dasbench.traits import Traits, checked_traits

P = ParamSpec("P")


class _Registration(NamedTuple):
    """What the text of a file says of a component: where it is registered, and with which keyword arguments."""

    place: CodeLine
    keywords: Mapping[str, ast.expr]


class Registry(Generic[Made_co, Traits_co]):
    """The components of one kind.

    Names are read from the text of the kind's folder (every `@KIND.register("name", ...)` with a
    literal name), so that listing or checking names imports nothing. Entry points of the group
    `dasbench.<folder>` and modules that are imported by hand add to them.

    Args:
        kind: what a component is called in messages (`gate`).
        package: the package whose files hold one component each (`dasbench.gates`).
        traits: what its components may be registered with.
        gives: attributes that what a constructor returns has to have.
    """

    def __init__(
        self, kind: str, package: str, traits: type[Traits_co], *, gives: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.package = package
        self.traits = traits
        self.gives = gives
        self._entries: dict[str, Entry[Made_co, Traits_co]] = {}

    def register(
        self, name: str, *, source: str = "", **traits: Any
    ) -> Callable[[Callable[P, Made_co]], Callable[P, Made_co]]:
        """Register the decorated constructor under a name.

        The same module may do so again: a notebook's cell that is executed again, an edited file
        that is reloaded.

        Args:
            name: how studies call it.
            source: authors, year, arXiv, section or equation.
            **traits: of its kind (see `dasbench.traits`).

        Raises:
            UsageError: if another component has the name, also one that was not imported yet; both
                places are named. If there is no such trait, or it is not what it should be.
        """
        place = _place_of(inspect.currentframe())
        if not isinstance(name, str):
            raise UsageError(
                f'{place}: write the {self.kind}\'s name behind register, as in register("my_{self.kind}")'
            )

        own = self._checked(name, place, traits)

        def add(make: Callable[P, Made_co]) -> Callable[P, Made_co]:
            if taken := self._taken(name, place, make):
                raise UsageError(
                    f"{self.kind} '{name}' is registered twice: in {taken} and in {place}; give one another name"
                )
            entry = self._entries[name] = Entry(
                self.kind, name, make, own, source, place, self.gives
            )
            if not place.is_ours:
                _ = entry.code  # now, while the files are as they are imported
            return make

        return add

    def _checked(self, name: str, place: CodeLine, traits: Mapping[str, Any]) -> Traits_co:
        return checked_traits(self.traits, traits, where=f"{self.kind} '{name}' ({place})")

    def _taken(
        self, name: str, place: CodeLine, make: Callable[..., Made_co]
    ) -> CodeLine | str | None:
        """Where another component of the name is registered, or will be when it is imported."""
        known = self._entries.get(name)
        if known is not None and not _is_again(known, place, make):
            return known.place
        there = _registrations(self.package).get(name)
        if there is not None and there.place.module != place.module:
            return there.place
        point = None if place.is_ours else self._plugins().get(name)
        if point is not None and point.module.partition(".")[0] != place.module.partition(".")[0]:
            return _words_of(point)
        return None

    def names(self) -> tuple[str, ...]:
        """Every name that can be used, sorted; imports no component.

        Raises:
            UsageError: if an installed package offers a name that is taken.
        """
        return tuple(sorted({*_registrations(self.package), *self._plugins(), *self._entries}))

    def entries(self) -> tuple[Entry[Made_co, Traits_co], ...]:
        """The components that have been imported so far."""
        return tuple(self._entries.values())

    def written_traits(self) -> dict[str, Traits_co]:
        """The traits of every component of the folder or that was imported, by name; imports nothing.

        Of a component that was not imported, those that its file writes out as literals; the others
        have their defaults.
        """
        written = {name: self.written_in_text(name) for name in _registrations(self.package)}
        return written | {name: entry.traits for name, entry in self._entries.items()}

    def written_in_text(self, name: str) -> Traits_co:
        """The traits that the file of one of the folder's components writes out as literals.

        The same whether it was imported or not; the others, and those of an unknown name, have
        their defaults.
        """
        there = _registrations(self.package).get(name)
        return (
            self._checked(name, there.place, _literals(there.keywords)) if there else self.traits()
        )

    def written_source(self, name: str) -> str:
        """Where a component of the folder comes from, as its file says; `""` if it does not; imports nothing."""
        there = _registrations(self.package).get(name)
        source = there.keywords.get("source") if there else None
        if there and isinstance(source, ast.Name):
            return str(constants_of(Path(there.place.file)).get(source.id, ""))
        return str(source.value) if isinstance(source, ast.Constant) else ""

    def __getitem__(self, name: str) -> Entry[Made_co, Traits_co]:
        """The component of that name, imported if this is its first use.

        Raises:
            UsageError: if there is none; the message names the nearest. If the package that offers
                it cannot be imported.
        """
        if name not in self._entries:
            there = _registrations(self.package).get(name)
            if there is not None:
                import_module(there.place.module)
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
            return UsageError(
                f"{self.kind} '{point.name}' cannot be imported from {_words_of(point)}: {told(error)}"
            )

        with foreign(answer):
            point.load()
        if point.name not in self._entries:
            raise UsageError(
                f"{self.kind} '{point.name}': {_words_of(point)} registers no {self.kind} of that name"
            )

    def _plugins(self) -> dict[str, metadata.EntryPoint]:
        """The components that installed packages offer.

        Raises:
            UsageError: if one has the name of another, or of one of ours.
        """
        points: dict[str, metadata.EntryPoint] = {}
        folder = _registrations(self.package)
        for point in metadata.entry_points(group=self.package):
            before = points.setdefault(point.name, point)
            other = _words_of(before) if before.value != point.value else None
            taken = folder[point.name].place if point.name in folder else other
            if taken is not None:
                raise UsageError(
                    f"{self.kind} '{point.name}' is registered twice: in {taken} and in {_words_of(point)}; uninstall "
                    "one of them"
                )
        return points


def _place_of(frame: Any) -> CodeLine:
    """Where `register` was called."""
    caller = frame.f_back
    return CodeLine(
        caller.f_globals.get("__name__", ""), caller.f_code.co_filename, caller.f_lineno
    )


def _is_again(known: Entry[object, Traits], place: CodeLine, make: Any) -> bool:
    """Whether a registration repeats an earlier one: the same class or function of the same module or file."""
    names = [getattr(each, "__qualname__", repr(each)) for each in (known.make, make)]
    return names[0] == names[1] and (
        known.place.module == place.module or known.place.file == place.file
    )


def _words_of(point: metadata.EntryPoint) -> str:
    package = point.dist.name if point.dist else "an installed package"
    return f"{package} (entry point {point.value})"


@cache
def _registrations(package: str) -> dict[str, _Registration]:
    """What the text of the package's files registers, by name."""
    spec = find_spec(package)
    found: dict[str, _Registration] = {}
    for folder in (spec.submodule_search_locations or []) if spec else []:
        root = Path(folder)
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(p for p in parts if p != "__init__")])
            for name, call in _registered(file.read_text("utf-8")):
                keywords = {word.arg: word.value for word in call.keywords if word.arg is not None}
                found[name] = _Registration(CodeLine(module, str(file), call.lineno), keywords)
    return found


def _registered(text: str) -> Iterator[tuple[str, ast.Call]]:
    r"""All `@X.register("name")` decorators in a module's text that have a literal name.

    Example:
        >>> found = dict(_registered('@METRICS.register("mse", source=SOURCE, unit="")\ndef mse(): ...'))
        >>> found["mse"].lineno, _literals({word.arg: word.value for word in found["mse"].keywords})
        (1, {'unit': ''})
    """
    if ".register(" not in text:
        return
    definitions = [
        node for node in ast.parse(text).body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    ]
    for call in (decorator for node in definitions for decorator in node.decorator_list):
        if (
            not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Attribute)
            or call.func.attr != "register"
        ):
            continue
        name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if isinstance(name, str):
            yield name, call


def _literals(keywords: Mapping[str, ast.expr]) -> dict[str, Any]:
    """The traits whose values are literals."""
    found: dict[str, Any] = {}
    for name, value in keywords.items():
        try:
            written = ast.literal_eval(value)
        except ValueError:
            continue
        if name != "source":
            found[name] = written
    return found
