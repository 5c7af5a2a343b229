"""What can be used in a study, and which studies a database holds, as records."""

import inspect
from typing import Any

from dasbench.catalog import KINDS
from dasbench.results.reading import read_store


def component_records(kind: str) -> list[dict[str, Any]]:
    """Name, summary, parameters with their defaults, default placement and source of every component of a kind.

    Example:
        >>> [record["name"] for record in component_records("metric") if record["name"].startswith("top")]
        ['top1', 'top5']
    """
    registry = KINDS[kind]
    records = []
    for name in registry.names():
        entry = registry[name]
        record = {"name": name, "summary": entry.summary, "parameters": _parameters(entry.parameters)}
        if kind == "gate":
            record["placement"] = dict(entry.traits.get("placement", {}))
        records.append({**record, "source": entry.source})
    return records


def study_records(db: str) -> list[dict[str, Any]]:
    """Every study of a database: name, question, number of trials by state."""
    with read_store(db) as reader:
        return [
            {"name": study.name, "question": study.question, "trials": dict(study.states)} for study in reader.studies()
        ]


def _parameters(arguments: tuple[inspect.Parameter, ...]) -> dict[str, Any]:
    return {a.name: "required" if a.default is inspect.Parameter.empty else a.default for a in arguments}
