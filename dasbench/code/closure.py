"""The code of a component: the module that registers it, and what that imports of its project.

Modules of installed packages and of Python itself end the walk, but for those of the component's
own package. Of dasbench's own modules only those count that are not as released (see `lock`).
Imports are read from the text: what is imported by name at run time, and files that are read then,
are not seen.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import decode_source, resolve_name
from pathlib import Path

from dasbench.code.lock import PACKAGE, ROOMS, hash_file, name_in_lock, read_lock
from dasbench.code.syntax import digest, hash_tree, imported_modules
from dasbench.faults import is_library

OWN = "dasbench"
"""The package whose modules the lock knows."""

UNSAVED = "unsaved-"
"""How the code of a component begins that lies in no file."""


class NoSourceError(Exception):
    """A module was not read from a file, as one that was typed in."""


@dataclass(frozen=True)
class _Module:
    """A module that is hashed itself.

    Args:
        name: as it is imported.
        file: where its text is.
        package: what its relative imports start from.
    """

    name: str
    file: Path
    package: str


def code_of(*modules: str) -> str:
    """The hash of a component's code; `""` if all of it is dasbench's own, as released.

    Args:
        modules: names of the modules that define it; one of dasbench's own need not be imported.

    Raises:
        NoSourceError: if one of them was not read from a file.

    Example:
        >>> code_of("dasbench.gates.se")
        ''
    """
    roots = list(map(_find_root, dict.fromkeys(modules)))
    walk = _Walk.from_roots(roots)
    hashes = _hash_together(walk.trees, walk.imports)
    first = [hashes[root] for root in roots if root in hashes]
    rest = sorted(hashes[module] for module in hashes if module not in roots)
    parts = [*first, *rest, *_changed_own(walk.own)]
    if not parts:
        return ""
    return digest(parts)


@dataclass
class _Walk:
    """What a component's code consists of.

    Args:
        trees: the modules of its project.
        imports: what each of them imports of the project, by the name that is written there.
        own: dasbench's own files, those that the project imports.
    """

    trees: dict[_Module, ast.Module] = field(default_factory=dict)
    imports: dict[_Module, dict[str, _Module]] = field(default_factory=dict)
    own: set[Path] = field(default_factory=set)

    @classmethod
    def from_roots(cls, roots: Sequence[_Module]) -> "_Walk":
        """All that is reached from the modules that define a component."""
        walk = cls()
        inside = {root.name.partition(".")[0] for root in roots}
        waiting = list(roots)
        while waiting:
            module = waiting.pop()
            if _is_own(module):
                walk.own.add(module.file)
            elif module not in walk.trees:
                waiting += walk._add(module, inside)
        return walk

    def _add(self, module: _Module, inside: set[str]) -> Iterable[_Module]:
        """Take in a module of the project; what it imports."""
        self.trees[module] = _parse(module.file)
        found = _imports(module, self.trees[module], inside)
        self.imports[module] = {name: each for name, each in found.items() if not _is_own(each)}
        return found.values()


def own_modules(module: str) -> set[str]:
    """The files of dasbench that a module's results depend on, by their names in the lock.

    Example:
        >>> sorted(own_modules("dasbench.gates.se"))
        ['gates/reduction.py', 'gates/se.py']
    """
    return set(map(name_in_lock, _own_closure({_find_root(module).file})))


def _hash_together(
    trees: Mapping[_Module, ast.Module], imports: Mapping[_Module, Mapping[str, _Module]]
) -> dict[_Module, str]:
    """The hash of each module, in which a module that it imports stands for itself by its hash.

    Modules may import each other, so hashes are taken anew until each has heard of all others.
    """
    targets: dict[_Module, list[_Module]] = {}
    alone: dict[_Module, str] = {}
    for module, tree in trees.items():
        found = targets[module] = list(dict.fromkeys(imports[module].values()))
        numbers = {name: f"#{found.index(each)}" for name, each in imports[module].items()}
        alone[module] = hash_tree(tree, numbers)
    hashes = alone
    for _ in trees:
        heard = hashes
        hashes = {}
        for module in trees:
            hashes[module] = digest([alone[module], *(heard[each] for each in targets[module])])
    return hashes


def _imports(module: _Module, tree: ast.Module, inside: set[str]) -> dict[str, _Module]:
    """The modules that a module imports and that are hashed too, by the name that is written there.

    Args:
        module: the module.
        tree: its text.
        inside: the packages that the walk began in, which count even where they are installed.
    """
    found: dict[str, _Module] = {}
    for written in imported_modules(tree):
        try:
            name = resolve_name(written, module.package)
        except ImportError:  # more dots than packages
            continue
        if not _may_count(name):
            continue
        target = _find(name, beside=module)
        if target is None or target == module:
            continue
        is_of_project = name.partition(".")[0] in {OWN, *inside}
        if is_of_project or not is_library(target.file):
            found[written] = target
    return found


def _may_count(name: str) -> bool:
    """Whether a module is not of Python itself, nor one of dasbench's that decides no result."""
    top, _, below = name.partition(".")
    if top == OWN:
        room = below.partition(".")[0]
        return room in ROOMS or f"{room}.py" in ROOMS
    return top not in sys.stdlib_module_names


def _find(name: str, *, beside: _Module) -> _Module | None:
    """A module by its name: as it was imported, else as it would be; None if it has no text."""
    spec = _spec(name, beside)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    file = Path(spec.origin).resolve()
    if not file.is_file():
        return None
    package = name.rpartition(".")[0]
    if spec.submodule_search_locations is not None:
        package = name
    return _Module(name, file, package)


def _spec(name: str, beside: _Module) -> ModuleSpec | None:
    known = sys.modules.get(name)
    if known is not None:
        return known.__spec__
    parent, _, _ = name.rpartition(".")
    if not parent:
        return PathFinder.find_spec(name, [*sys.path, str(beside.file.parent)])
    above = _spec(parent, beside)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, list(above.submodule_search_locations))


def _find_root(name: str) -> _Module:
    """A module that defines a component.

    Raises:
        NoSourceError: if it was not read from a file.
    """
    module = sys.modules.get(name)
    file = Path(getattr(module, "__file__", None) or "")
    if file.is_file():
        package = getattr(module, "__package__", None) or ""
        return _Module(name, file.resolve(), package)
    found = None
    if name.partition(".")[0] == OWN and module is None:
        found = _find(name, beside=_Module(OWN, PACKAGE / "__init__.py", OWN))
    if found is None:
        raise NoSourceError(name)
    return found


def _parse(file: Path) -> ast.Module:
    """A module's tree; one that is no Python (a compiled extension) counts by its bytes."""
    raw = file.read_bytes()
    if file.suffix == ".py":
        with suppress(SyntaxError, ValueError):  # broken, and only imported when it is needed
            return ast.parse(decode_source(raw))
    return ast.Module([ast.Assign([ast.Name("bytes")], ast.Constant(raw))], [])


def _is_own(module: _Module) -> bool:
    return module.file.is_relative_to(PACKAGE)


def _changed_own(files: set[Path]) -> Iterator[str]:
    """A word for each file of dasbench, of these and those that they import, that adds to a key."""
    locked = read_lock()
    for file in sorted(_own_closure(files)):
        code, known = _own_hash(file), locked.get(name_in_lock(file))
        if known is None or code != known.code:
            yield code
        elif known.revision:
            yield f"{name_in_lock(file)} revision {known.revision}"


def _own_closure(files: set[Path]) -> set[Path]:
    reached: set[Path] = set()
    waiting = [file for file in files if name_in_lock(file).partition("/")[0] in ROOMS]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _own_imports(file)
    return reached


@cache
def _own_hash(file: Path) -> str:
    return hash_file(file)


@cache
def _own_imports(file: Path) -> Sequence[Path]:
    """The files of dasbench that one of them imports; read once, as the process imported it."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    name = package = ".".join(parts).removesuffix(".__init__")
    if file.name != "__init__.py":
        package = name.rpartition(".")[0]
    module = _Module(name, file, package)
    return [each.file for each in _imports(module, _parse(file), set()).values() if _is_own(each)]
