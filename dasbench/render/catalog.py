"""What there is to use, and what has been run: components and studies as tables and records."""

from collections.abc import Sequence

from dasbench.render.tables.table import Column, Field, Table, table_of
from dasbench.results.answers import StudyRecord
from dasbench.spec.plain import Fields, Record
from dasbench.views.components import Component

NAME = Column(key="name", title="name", is_text=True)
SUMMARY = Column(key="summary", title="summary", is_text=True, priority=1)
PARAMETERS = Column(key="parameters", title="parameters", is_text=True, priority=1)
PLACEMENT = Column(key="placement", title="placement", is_text=True, priority=2)
SOURCE = Column(key="source", title="source", is_text=True, priority=3)


def component_tables(found: Sequence[Component]) -> list[Table]:
    """One table of components, without columns for what none of them has."""
    always, *others = FIELDS
    fields = [always, *(field for field in others if any(map(field.text, found)))]
    return [table_of(fields, found, title="")]


def component_records(found: Sequence[Component]) -> list[Record]:
    """A record for each component; its parameters with their defaults, a gate's placement."""
    return list(map(_component_record, found))


def study_tables(found: Sequence[StudyRecord]) -> list[Table]:
    """One table of a database's studies with the states of their trials."""
    columns = [
        NAME,
        Column(key="question", title="question", is_text=True, priority=2),
        Column(key="trials", title="trials", is_text=True, priority=1),
    ]
    rows = [(study.name, study.question, _pairs(study.states)) for study in found]
    return [Table(title="", columns=columns, rows=rows)]


def study_records(found: Sequence[StudyRecord]) -> list[Record]:
    """A record for each study: name, question, number of trials by state."""
    records = []
    for study in found:
        trials = dict(study.states)
        records.append({"name": study.name, "question": study.question, "trials": trials})
    return records


def _component_record(component: Component) -> Record:
    record = {
        "name": component.name,
        "summary": component.summary,
        "parameters": _defaults(component),
    }
    if component.placement is not None:
        record["placement"] = dict(component.placement)
    return {**record, "source": component.source}


def _defaults(component: Component) -> Record:
    """Each parameter with its default, or the word that it has none."""
    defaults = {}
    for parameter in component.parameters:
        defaults[parameter.name] = parameter.default
        if parameter.is_required:
            defaults[parameter.name] = "required"
    return defaults


def _pairs(values: Fields) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


FIELDS: Sequence[Field[Component]] = (
    Field(NAME, lambda component: component.name),
    Field(SUMMARY, lambda component: component.summary),
    Field(PARAMETERS, lambda component: _pairs(_defaults(component))),
    Field(PLACEMENT, lambda component: _pairs(component.placement or {})),
    Field(SOURCE, lambda component: component.source),
)
"""All that a table may say of a component; its name always."""
