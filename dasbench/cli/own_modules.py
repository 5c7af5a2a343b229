"""Modules of the user's own, imported before anything looks for what they register."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.catalog import KINDS
from dasbench.cli.output import tell
from dasbench.errors import DasbenchError, UsageError
from dasbench.faults import short_path
from dasbench.plugins import Plugin, import_component, import_components, imported

if TYPE_CHECKING:
    from dasbench.results.answers import StudyRecord


def import_own(asked: Sequence[tuple[str, str]]) -> None:
    """Import modules, and say of each that registers nothing that it does not.

    Args:
        asked: who names a module (`--import`), and how.

    Raises:
        UsageError: with every complaint at once.
    """
    complaints = []
    for option, name in asked:
        before, known = _num_own(), imported()
        try:
            plugin = import_component(name, beside=Path.cwd())
        except DasbenchError as error:
            complaints.append(f"{option} {name}: {error}")
            continue
        if plugin not in known and _num_own() == before:
            tell(f"{option} {name}: {_nothing_in(plugin, name)}")
    if complaints:
        raise UsageError("\n".join(complaints))


def import_of_study(record: "StudyRecord") -> None:
    """Import the modules that a study of a database names, from where its file was.

    Raises:
        UsageError: with every complaint at once.
    """
    import_components(
        record.document.get("imports") or (),
        beside=Path(record.file).parent,
        said=lambda name: f"study '{record.name}': imports: {name}",
    )


def _num_own() -> int:
    number = 0
    for registry in KINDS.values():
        number += sum(not entry.place.is_ours for entry in registry.entries())
    return number


def _nothing_in(plugin: Plugin, name: str) -> str:
    file, beside = short_path(plugin.file), Path(f"{name}.py")
    sentence = f'{file} registers no component, as @GATES.register("my_gate") would'
    if beside.exists() and not plugin.file.samefile(beside):
        sentence += f"; did you mean ./{beside}?"
    return sentence
