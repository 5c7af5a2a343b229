"""Modules of the user's own components: found by name or by path, imported once, remembered.

The folder of such a module comes last among those that Python searches, so that no file in it can
stand in for a library; a module that is named by its path is taken from there whatever else has its
name.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from dasbench.errors import DasbenchError, UsageError, nearest_name
from dasbench.faults import foreign, is_library, message_of, short_path, told, user_frames

PREFIX = "dasbench_plugin_"
"""Of the name of a module whose file is called like a library (`optuna.py`)."""

TAKEN = frozenset({*sys.stdlib_module_names, "__main__", "dasbench"})
"""Names that no module of a user's can have."""


@dataclass(frozen=True)
class Plugin:
    """A module that was imported for the components in it.

    Args:
        name: of the module, the same in every process.
        file: its file, or its package's `__init__.py`; absolute.
        folder: in which its top-level module or package lies, and from which it imports its
            siblings.
    """

    name: str
    file: Path
    folder: Path


_imported: dict[str, Plugin] = {}


def imported() -> tuple[Plugin, ...]:
    """The modules that were imported so, in their order."""
    return tuple(_imported.values())


def import_components(
    names: Iterable[str | Plugin], *, beside: Path, said: Callable[[str | Plugin], str] = str
) -> tuple[Plugin, ...]:
    """Import modules for the components that they register.

    Args:
        names: modules (`my_gates`, `package.gates`), files (`gates/my_gates.py`), folders of
            packages (`my_package/`), or what another process imported.
        beside: the folder in which they are looked for, modules after the libraries.
        said: how a name is called in a complaint.

    Raises:
        UsageError: with a line for each that is not there, cannot be imported, or registers a name
            that is taken.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "my_shortest_gates.py").write_text("ANSWER = 42")
        ...     (plugin,) = import_components(["my_shortest_gates.py"], beside=Path(folder))
        >>> plugin.name
        'my_shortest_gates'
    """
    plugins, complaints = [], []
    for name in names:
        try:
            plugins.append(import_component(name, beside=beside))
        except DasbenchError as error:
            complaints.append(f"{said(name)}: {error}")
    if complaints:
        raise UsageError("\n".join(complaints))
    return tuple(plugins)


def import_component(name: str | Plugin, *, beside: Path) -> Plugin:
    """Import one module for the components that it registers; see `import_components`.

    Raises:
        UsageError: if it is not there or cannot be imported; the message does not say who named it.
    """
    if isinstance(name, Plugin):
        plugin = _import_again(name)
    elif file := _named_file(name, beside.absolute()):
        plugin = _import_file(file)
    else:
        plugin = _import_named(name, beside.absolute())
    _imported[plugin.name] = plugin
    return plugin


def relocated(names: Iterable[str], *, beside: Path, to: Path) -> list[str]:
    """The same modules as a study in another folder names them; what is installed keeps its name.

    Args:
        names: as a study names them.
        beside: the folder of that study.
        to: the folder of the other.
    """
    moved = []
    for name in names:
        plugin = import_component(name, beside=beside)
        source = _source(plugin.file)
        is_whole = not is_library(plugin.file) and "." not in plugin.name
        if is_whole:
            moved.append(os.path.relpath(source, to.resolve()) + "/" * source.is_dir())
        else:
            moved.append(name)
    return moved


def _source(file: Path) -> Path:
    """A module's file; the folder of a package, which is known by its `__init__.py`."""
    if file.name == "__init__.py":
        return file.parent
    return file


def _named_file(name: str, beside: Path) -> Path | None:
    """The file that a path means, of a package its `__init__.py`; None for the name of a module."""
    if "/" not in name and os.sep not in name and not name.endswith(".py"):
        return None
    path = beside / Path(name).expanduser()
    if path.is_dir():
        path /= "__init__.py"
    if not path.exists():
        guess = _guess(path.name, path.parent, ".py")
        raise UsageError(f"there is no file '{path.name}' in {path.parent}.{guess}")
    if path.suffix != ".py":
        raise UsageError(
            f"{short_path(path)} is no Python file (.py), and no folder with an __init__.py"
        )
    return path.resolve()


def _guess(name: str, folder: Path, ending: str) -> str:
    """The nearest of a folder's modules, as a sentence; `""` if none is near."""
    if not folder.is_dir():
        return " There is no such folder either."
    files = [f"{file.stem}{ending}" for file in folder.glob("*.py")]
    packages = [init.parent.name for init in folder.glob("*/__init__.py")]
    return nearest_name(name, [*files, *packages])


def _import_named(name: str, folder: Path) -> Plugin:
    if not all(part.isidentifier() for part in name.split(".")):
        neither = "neither the path of a Python file (gates/my_gates.py) nor the name of a module"
        raise UsageError(f"'{name}' is {neither}")
    _search_last(folder)

    def answer(error: BaseException) -> DasbenchError:
        if not _is_missing(error, name):
            return _import_error(error)
        usual = " A file elsewhere is named by its path (gates/my_gates.py)."
        guess = _guess(name, folder, "") or usual
        there = f"neither installed nor in {folder}"
        return UsageError(f"there is no module '{error.name}', {there}.{guess}")

    with foreign(answer):
        module = import_module(name)
    if module.__file__ is None:
        cure = f"name a file in it, as in {name}/my_gates.py"
        raise UsageError(f"'{name}' is a folder without an __init__.py; {cure}")
    return _plugin(name, module)


def _is_missing(error: BaseException, name: str) -> TypeGuard[ModuleNotFoundError]:
    """Whether a module is not there, or the package that it lies in, rather than one it imports."""
    if not isinstance(error, ModuleNotFoundError) or user_frames(error) or not error.name:
        return False
    return f"{name}.".startswith(f"{error.name}.")


def _import_file(file: Path) -> Plugin:
    """The module of a file, under a name that depends on the file's own name alone."""
    is_package = file.name == "__init__.py"
    name = _module_name(file.parent.name if is_package else file.stem)
    known = sys.modules.get(name)
    if known is None:
        return _load(name, file)
    if _is_from(known, file):
        return _plugin(name, known)
    other = short_path(getattr(known, "__file__", None) or "?")
    raise UsageError(f"a module '{name}' has been imported from {other}; rename one of the two")


def _module_name(stem: str) -> str:
    """A file's name as a module's; one that is a library's is prefixed, as the library keeps it."""
    plain = re.sub(r"[\W_]", "_", stem)
    if plain in TAKEN or not plain.isidentifier() or _is_of_library(plain):
        return PREFIX + plain
    return plain


def _is_of_library(name: str) -> bool:
    """Whether a module of the name is an installed one, imported or not."""
    known = sys.modules.get(name)
    spec = known.__spec__ if known else find_spec(name)
    return spec is not None and spec.origin is not None and is_library(spec.origin)


def _load(name: str, file: Path) -> Plugin:
    inner = None
    if file.name == "__init__.py":
        inner = [str(file.parent)]
    spec = spec_from_file_location(name, file, submodule_search_locations=inner)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = module_from_spec(spec)
    folder = _source(file).parent
    _search_last(folder)
    sys.modules[name] = module
    try:
        with foreign(_import_error):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return Plugin(name, file, folder)


def _import_again(plugin: Plugin) -> Plugin:
    """What another process has imported, under the same name."""
    _search_last(plugin.folder)
    known = sys.modules.get(plugin.name)
    if known is not None or "." in plugin.name or not plugin.file.exists():
        return _plugin(plugin.name, known or _import_named_again(plugin))
    return _load(plugin.name, plugin.file)


def _import_named_again(plugin: Plugin) -> ModuleType:
    with foreign(_import_error):
        return import_module(plugin.name)


def _plugin(name: str, module: ModuleType) -> Plugin:
    file = Path(module.__file__ or "").resolve()
    return Plugin(name, file, _source(file).parents[name.count(".")])


def _is_from(module: ModuleType, file: Path) -> bool:
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(origin).resolve() == file


def _import_error(error: BaseException) -> UsageError:
    """What is wrong with a module that raised something when it was imported."""
    if isinstance(error, SystemExit):
        fault = "it ends the program when it is imported"
        return UsageError(f"cannot be imported: {fault} ({told(error)})")
    if isinstance(error, OSError) and not user_frames(error):
        return UsageError(f"cannot be read: {error.strerror or message_of(error)}")
    return UsageError(f"cannot be imported: {told(error)}")


def _search_last(folder: Path) -> None:
    """Let modules be found in a folder, after all others."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
