"""The code of a component: the module that registers it, and what that imports of the same project, by and by.

Modules of installed packages and of Python itself end the walk, but for those of the component's
own package. Of dasbench's own modules only those count that are not as released (see `lock`).
Imports are read from the text: what is imported by name at run time, and files that are read then,
are not seen.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
    roots = [_find_root(name) for name in dict.fromkeys(modules)]
    inside = {root.name.partition(".")[0] for root in roots}
    trees: dict[_Module, ast.Module] = {}
    imports: dict[_Module, dict[str, _Module]] = {}
    own: set[Path] = {root.file for root in roots if _is_own(root)}
    waiting = [root for root in roots if not _is_own(root)]
    while waiting:
        module = waiting.pop()
        if module in trees:
            continue
        trees[module] = _parse(module.file)
        found = _imports(module, trees[module], inside)
        imports[module] = {written: each for written, each in found.items() if not _is_own(each)}
        own |= {each.file for each in found.values() if _is_own(each)}
        waiting += imports[module].values()
    hashes = _refined(trees, imports)
    first = [hashes[root] for root in roots if root in hashes]
    rest = sorted(hashes[module] for module in hashes if module not in roots)
    parts = [*first, *rest, *_changed_own(own)]
    return digest(parts) if parts else ""


def own_modules(module: str) -> set[str]:
    """The files of dasbench that a module's results depend on, by their names in the lock.

    Example:
        >>> sorted(own_modules("dasbench.gates.se"))
        ['gates/reduction.py', 'gates/se.py']
    """
    return {name_in_lock(file) for file in _own_closure({_find_root(module).file})}


def _refined(
    trees: Mapping[_Module, ast.Module], imports: Mapping[_Module, Mapping[str, _Module]]
) -> dict[_Module, str]:
    """The hash of each module, in which a module that it imports stands for itself by its hash.

    Modules may import each other, so hashes are taken anew until each has heard of all others.
    """
    targets = {module: list(dict.fromkeys(imports[module].values())) for module in trees}
    alone: dict[_Module, str] = {}
    for module, tree in trees.items():
        numbers = {
            written: f"#{targets[module].index(each)}" for written, each in imports[module].items()
        }
        alone[module] = hash_tree(tree, numbers)
    hashes = alone
    for _ in trees:
        hashes = {
            module: digest([alone[module], *(hashes[each] for each in targets[module])])
            for module in hashes
        }
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
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or (top == OWN and not _computes(name)):
            continue
        target = _find(name, beside=module)
        if (
            target
            and target != module
            and (top == OWN or top in inside or not is_library(target.file))
        ):
            found[written] = target
    return found


def _computes(name: str) -> bool:
    """Whether a module of dasbench is one of those that decide results."""
    room = name.partition(".")[2].partition(".")[0]
    return room in ROOMS or f"{room}.py" in ROOMS


def _find(name: str, *, beside: _Module) -> _Module | None:
    """A module by its name: as it was imported, else as it would be; None for what has no text of its own."""
    spec = _spec(name, beside)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    file = Path(spec.origin).resolve()
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    return _Module(name, file, package) if file.is_file() else None


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
    if name.partition(".")[0] == OWN and module is None:
        found = _find(name, beside=_Module(OWN, PACKAGE / "__init__.py", OWN))
    else:
        file = getattr(module, "__file__", None)
        package = getattr(module, "__package__", None) or ""
        found = (
            _Module(name, Path(file).resolve(), package) if file and Path(file).is_file() else None
        )
    if found is None:
        raise NoSourceError(name)
    return found


def _parse(file: Path) -> ast.Module:
    """A module's tree; one that is no Python (a compiled extension) counts by its bytes."""
    raw = file.read_bytes()
    if file.suffix == ".py":
        with suppress(
            SyntaxError, ValueError
        ):  # a module that is broken, and only imported when it is needed
            return ast.parse(decode_source(raw))
    return ast.Module([ast.Assign([ast.Name("bytes")], ast.Constant(raw))], [])


def _is_own(module: _Module) -> bool:
    return module.file.is_relative_to(PACKAGE)


def _changed_own(files: set[Path]) -> Iterator[str]:
    """A word for each of dasbench's own files, of these and of those that they import, that adds to a key."""
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
    name = ".".join(part for part in parts if part != "__init__")
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    module = _Module(name, file, package)
    return [each.file for each in _imports(module, _parse(file), set()).values() if _is_own(each)]
