"""One registered component: its constructor, what a study may say of it, where it comes from."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from secrets import token_hex
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from dasbench.code.closure import UNSAVED, NoSourceError, code_of
from dasbench.components.traits import Traits
from dasbench.errors import UsageError
from dasbench.faults import foreign, is_ours, short_path, told
from dasbench.spec.parameters import parameter_schema

Made_co = TypeVar("Made_co", covariant=True)
"""What the components of a kind make: gates, backbones, data sets."""

Traits_co = TypeVar("Traits_co", bound=Traits, covariant=True)
"""What the components of a kind may be registered with."""


@dataclass(frozen=True)
class CodeLine:
    """Where a component is registered.

    Args:
        module: the module that registers it.
        file: its file.
        line: of the registration, from 1.

    Example:
        >>> str(CodeLine("my_gates", "/a/my_gates.py", 7))
        '/a/my_gates.py:7'
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
class Entry(Generic[Made_co, Traits_co]):
    """One registered component.

    Args:
        kind: what it is (`gate`).
        name: how studies call it.
        make: its constructor; the keyword-only arguments are its parameters.
        traits: what else it is registered with (see `dasbench.components.traits`).
        source: where it comes from: authors, year, arXiv, section or equation.
        place: where it is registered.
        gives: attributes that what the constructor returns has to have.
    """

    kind: str
    name: str
    make: Callable[..., Made_co]
    traits: Traits_co
    source: str = ""
    place: CodeLine = CodeLine("", "", 0)
    gives: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"

    @property
    def summary(self) -> str:
        """The first line of the constructor's docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default, with it."""
        optional = (each for each in self.parameters if each.default is not each.empty)
        return {each.name: each.default for each in optional}

    @cached_property
    def code(self) -> str:
        """The hash of the code that defines it, as it was imported.

        `""` for a component of dasbench as released. What was typed in and lies in no file has a
        code of its own, which no other process will ever have.
        """
        try:
            return code_of(*self._modules)
        except NoSourceError:
            return f"{UNSAVED}{token_hex(4)}"

    @property
    def in_this_process_only(self) -> bool:
        """Whether no other process can import it: it was typed in, or is of the main program."""
        return "__main__" in self._modules or self.code.startswith(UNSAVED)

    @cached_property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The constructor's keyword-only arguments, in order, with evaluated annotations."""
        arguments = self._signature.parameters.values()
        return tuple(each for each in arguments if each.kind is each.KEYWORD_ONLY)

    @cached_property
    def schema(self) -> type[BaseModel]:
        """What a study may say about those arguments."""
        with foreign(self._unreadable):
            return parameter_schema(self.parameters)

    def create(self, *args: Any, **params: Any) -> Made_co:
        """What the constructor makes.

        Raises:
            UsageError: if it lacks what dasbench asks of its kind.

        Example:
            >>> place = CodeLine("m", "m.py", 3)
            >>> Entry("task", "mine", lambda: None, Traits(), place=place, gives=("cost",)).create()
            Traceback (most recent call last):
                ...
            dasbench.errors.UsageError: task 'mine' (m.py:3): its constructor returns a NoneType,
            which has no 'cost'
        """
        made = self.make(*args, **params)
        lacking = [f"'{name}'" for name in self.gives if getattr(made, name, None) is None]
        if lacking:
            what = f"a {type(made).__name__}, which has no {', '.join(lacking)}"
            raise UsageError(f"{self} ({self.place}): its constructor returns {what}")
        return made

    def hint(self, parameter: str) -> str:
        """Why an argument that the constructor has cannot be set, as a sentence; else `""`.

        Example:
            >>> def halve(channels, start=0.5): ...
            >>> place = CodeLine("m", "m.py", 3)
            >>> Entry("gate", "halve", halve, Traits(), place=place).hint("start")
            " The constructor has 'start' (m.py:3), but studies set keyword-only arguments: write it
            behind a *."
        """
        known = self._signature.parameters.get(parameter)
        if known is None or known.kind is inspect.Parameter.KEYWORD_ONLY:
            return ""
        why = "but studies set keyword-only arguments: write it behind a *."
        return f" The constructor has '{parameter}' ({self.place}), {why}"

    @property
    def _modules(self) -> list[str]:
        """The modules that define it: the one that registers it, and that of the constructor."""
        modules = [self.place.module]
        defined_in = getattr(self.make, "__module__", None)
        if defined_in in sys.modules:
            modules.append(defined_in)
        return modules

    @cached_property
    def _signature(self) -> inspect.Signature:
        with foreign(self._unreadable):
            return inspect.signature(self.make, eval_str=True)

    def _unreadable(self, error: BaseException) -> UsageError:
        """An annotation names what is not there, or what no study file can hold."""
        fault = f"the annotations of its constructor cannot be read ({self.place}): {told(error)}"
        cure = "write types that a study file can hold, as in `start: float = 0.5`"
        return UsageError(f"{self}: {fault}; {cure}")
