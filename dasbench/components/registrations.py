"""What the text of a package's files registers: read, and nothing imported."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dasbench.code.constants import constants_of
from dasbench.components.entry import CodeLine


@dataclass(frozen=True)
class Registration:
    """What the text of a file says of a component.

    Args:
        place: where it is registered.
        keywords: the keyword arguments that it is registered with.
    """

    place: CodeLine
    keywords: Mapping[str, ast.expr]

    @property
    def source(self) -> str:
        """Where the component comes from, `""` if the text does not say."""
        written = self.keywords.get("source")
        if isinstance(written, ast.Name):
            return str(constants_of(Path(self.place.file)).get(written.id, ""))
        return str(written.value) if isinstance(written, ast.Constant) else ""

    @property
    def literal_traits(self) -> dict[str, Any]:
        """The traits whose values are literals."""
        found: dict[str, Any] = {}
        for name, value in self.keywords.items():
            try:
                written = ast.literal_eval(value)
            except ValueError:
                continue
            if name != "source":
                found[name] = written
        return found


@cache
def registrations(package: str) -> dict[str, Registration]:
    """What the text of the package's files registers, by name."""
    spec = find_spec(package)
    if spec is None:
        return {}
    found: dict[str, Registration] = {}
    for folder in map(Path, spec.submodule_search_locations or []):
        for file in sorted(folder.rglob("*.py")):
            module = _module_name(package, file.relative_to(folder))
            for name, call in registering_calls(file.read_text("utf-8")):
                keywords = {word.arg: word.value for word in call.keywords if word.arg is not None}
                found[name] = Registration(CodeLine(module, str(file), call.lineno), keywords)
    return found


def registering_calls(text: str) -> Iterator[tuple[str, ast.Call]]:
    r"""All `@X.register("name")` decorators in a module's text that have a literal name.

    Example:
        >>> calls = dict(registering_calls('@METRICS.register("mse", unit="")\ndef mse(): ...'))
        >>> calls["mse"].lineno, [word.arg for word in calls["mse"].keywords]
        (1, ['unit'])
    """
    if ".register(" not in text:
        return
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(attr="register"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield name, decorator


def _module_name(package: str, file: Path) -> str:
    """The name of a module that lies in a package's folder."""
    parts = file.with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])
