"""Components by name: a folder's files say the names, and are imported on their first use."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from types import FrameType
from typing import Any, Generic, NoReturn, ParamSpec

from dasbench.components.entry import CodeLine, Entry, Made_co, Traits_co
from dasbench.components.registrations import registrations
from dasbench.components.traits import Traits, checked_traits
from dasbench.errors import UsageError, unknown_name
from dasbench.faults import foreign, told

P = ParamSpec("P")


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
            **traits: of its kind (see `dasbench.components.traits`).

        Raises:
            UsageError: if another component has the name, also one that was not imported yet; both
                places are named. If there is no such trait, or it is not what it should be.
        """
        place = _place_of(inspect.currentframe())
        if not isinstance(name, str):
            written = f'register("my_{self.kind}")'
            raise UsageError(
                f"{place}: write the {self.kind}'s name behind register, as in {written}"
            )
        checked = self._check_traits(name, place, traits)

        def add(make: Callable[P, Made_co]) -> Callable[P, Made_co]:
            if taken := self._holder_of(name, place, make):
                twice = f"is registered twice: in {taken} and in {place}"
                raise UsageError(f"{self.kind} '{name}' {twice}; give one another name")
            entry = self._entries[name] = Entry(
                self.kind, name, make, checked, source, place, self.gives
            )
            if not place.is_ours:
                _ = entry.code  # now, while the files are as they are imported
            return make

        return add

    def _check_traits(self, name: str, place: CodeLine, traits: Mapping[str, Any]) -> Traits_co:
        return checked_traits(self.traits, traits, where=f"{self.kind} '{name}' ({place})")

    def _holder_of(
        self, name: str, place: CodeLine, make: Callable[..., Made_co]
    ) -> CodeLine | str | None:
        """Where another component of the name is registered, or will be when it is imported."""
        known = self._entries.get(name)
        if known is not None and not _is_again(known, place, make):
            return known.place
        there = registrations(self.package).get(name)
        if there is not None and there.place.module != place.module:
            return there.place
        if place.is_ours:
            return None
        point = self._plugins().get(name)
        if point is None or _top(point.module) == _top(place.module):
            return None
        return _offer(point)

    def names(self) -> tuple[str, ...]:
        """Every name that can be used, sorted; imports no component.

        Raises:
            UsageError: if an installed package offers a name that is taken.
        """
        return tuple(sorted({*registrations(self.package), *self._plugins(), *self._entries}))

    def entries(self) -> tuple[Entry[Made_co, Traits_co], ...]:
        """The components that have been imported so far."""
        return tuple(self._entries.values())

    def written_traits(self) -> dict[str, Traits_co]:
        """The traits of every component of the folder or that was imported; imports nothing.

        By name. Of a component that was not imported, those that its file writes out as literals;
        the others have their defaults.
        """
        written = {name: self.written_in_text(name) for name in registrations(self.package)}
        return written | {name: entry.traits for name, entry in self._entries.items()}

    def written_in_text(self, name: str) -> Traits_co:
        """The traits that the file of one of the folder's components writes out as literals.

        The same whether it was imported or not; the others, and those of an unknown name, have
        their defaults.
        """
        there = registrations(self.package).get(name)
        if there is None:
            return self.traits()
        return self._check_traits(name, there.place, there.literal_traits)

    def written_source(self, name: str) -> str:
        """Where a component of the folder comes from, as its file says; imports nothing."""
        there = registrations(self.package).get(name)
        return there.source if there else ""

    def __getitem__(self, name: str) -> Entry[Made_co, Traits_co]:
        """The component of that name, imported if this is its first use.

        Raises:
            UsageError: if there is none; the message names the nearest. If the package that offers
                it cannot be imported.
        """
        if name not in self._entries:
            there = registrations(self.package).get(name)
            if there is not None:
                import_module(there.place.module)
            elif plugin := self._plugins().get(name):
                self._load(plugin)
        if name not in self._entries:
            own = " One of your own is found with `import` FILE.py, or `imports:` in the study."
            raise UsageError(unknown_name(self.kind, name, self.names()) + own)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def _load(self, point: metadata.EntryPoint) -> None:
        def answer(error: BaseException) -> UsageError:
            origin = f"cannot be imported from {_offer(point)}"
            return UsageError(f"{self.kind} '{point.name}' {origin}: {told(error)}")

        with foreign(answer):
            point.load()
        if point.name not in self._entries:
            lacks = f"{_offer(point)} registers no {self.kind} of that name"
            raise UsageError(f"{self.kind} '{point.name}': {lacks}")

    def _plugins(self) -> dict[str, metadata.EntryPoint]:
        """The components that installed packages offer.

        Raises:
            UsageError: if one has the name of another, or of one of ours.
        """
        points: dict[str, metadata.EntryPoint] = {}
        ours = registrations(self.package)
        for point in metadata.entry_points(group=self.package):
            other = points.setdefault(point.name, point)
            if point.name in ours:
                self._refuse_second(point, ours[point.name].place)
            if other.value != point.value:
                self._refuse_second(point, _offer(other))
        return points

    def _refuse_second(self, point: metadata.EntryPoint, first: CodeLine | str) -> NoReturn:
        twice = f"is registered twice: in {first} and in {_offer(point)}"
        raise UsageError(f"{self.kind} '{point.name}' {twice}; uninstall one of them")


def _place_of(frame: FrameType | None) -> CodeLine:
    """Where `register` was called."""
    assert frame is not None
    caller = frame.f_back
    assert caller is not None
    return CodeLine(
        caller.f_globals.get("__name__", ""), caller.f_code.co_filename, caller.f_lineno
    )


def _is_again(known: Entry[object, Traits], place: CodeLine, make: Callable[..., object]) -> bool:
    """Whether a registration repeats an earlier one: the same name in the same module or file."""
    before, now = (getattr(each, "__qualname__", repr(each)) for each in (known.make, make))
    same_place = known.place.module == place.module or known.place.file == place.file
    return before == now and same_place


def _offer(point: metadata.EntryPoint) -> str:
    """An installed package and its entry point, in words."""
    package = point.dist.name if point.dist else "an installed package"
    return f"{package} (entry point {point.value})"


def _top(module: str) -> str:
    return module.partition(".")[0]
