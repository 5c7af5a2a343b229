"""What there is to use, and what has been run: components and studies as tables and records."""

from collections.abc import Mapping, Sequence
from typing import Any

from dasbench.render.tables.table import Column, Table
from dasbench.results.answers import StudyRecord
from dasbench.views.components import Component

NAME = Column(key="name", title="name", is_text=True)
SUMMARY = Column(key="summary", title="summary", is_text=True, priority=1)
PARAMETERS = Column(key="parameters", title="parameters", is_text=True, priority=1)
SOURCE = Column(key="source", title="source", is_text=True, priority=3)
PLACEMENT = Column(key="placement", title="placement", is_text=True, priority=2)


def component_tables(found: Sequence[Component]) -> list[Table]:
    """One table of components, without a column for parameters or places where none of them has any."""
    cells = {
        NAME: [component.name for component in found],
        SUMMARY: [component.summary for component in found],
        PARAMETERS: [_pairs(_defaults(component)) for component in found],
        PLACEMENT: [_pairs(component.placement or {}) for component in found],
        SOURCE: [component.source for component in found],
    }
    shown = {column: texts for column, texts in cells.items() if column == NAME or any(texts)}
    return [Table(title="", columns=list(shown), rows=list(zip(*shown.values(), strict=True)))]


def component_records(found: Sequence[Component]) -> list[dict[str, Any]]:
    """A record for each component: name, summary, parameters with their defaults, a gate's placement, source."""
    return [_component_record(component) for component in found]


def study_tables(found: Sequence[StudyRecord]) -> list[Table]:
    """One table of a database's studies with the states of their trials."""
    columns = [
        NAME,
        Column(key="question", title="question", is_text=True, priority=2),
        Column(key="trials", title="trials", is_text=True, priority=1),
    ]
    rows = [(study.name, study.question, _pairs(study.states)) for study in found]
    return [Table(title="", columns=columns, rows=rows)]


def study_records(found: Sequence[StudyRecord]) -> list[dict[str, Any]]:
    """A record for each study: name, question, number of trials by state."""
    return [
        {"name": study.name, "question": study.question, "trials": dict(study.states)}
        for study in found
    ]


def _component_record(component: Component) -> dict[str, Any]:
    record = {
        "name": component.name,
        "summary": component.summary,
        "parameters": _defaults(component),
    }
    if component.placement is not None:
        record["placement"] = dict(component.placement)
    return {**record, "source": component.source}


def _defaults(component: Component) -> dict[str, Any]:
    """Each parameter with its default, or the word that it has none."""
    return {
        each.name: "required" if each.is_required else each.default for each in component.parameters
    }


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
