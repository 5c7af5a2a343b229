"""What `dasbench list` shows of components and of studies."""

from dasbench.render.catalog import component_records, component_tables, study_records, study_tables
from dasbench.results.answers import StudyRecord
from dasbench.views.components import Component, Parameter, list_components

HALVE = Component(
    kind="gate",
    name="halve",
    summary="Halve the map.",
    parameters=[
        Parameter(name="start", is_required=True, default=None),
        Parameter(name="after", is_required=False, default=None),
    ],
    placement={"after": "stage"},
    source="nobody",
)
PLAIN = Component(
    kind="metric", name="ap", summary="A score.", parameters=[], placement=None, source=""
)


def cells(found):
    [table] = component_tables(found)
    return [
        dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows
    ]


def test_a_gate_shows_its_parameters_and_its_place():
    assert cells([HALVE]) == [
        {
            "name": "halve",
            "summary": "Halve the map.",
            "parameters": "start=required, after=None",
            "placement": "after=stage",
            "source": "nobody",
        }
    ]


def test_columns_in_which_nothing_stands_are_left_out():
    assert cells([PLAIN]) == [{"name": "ap", "summary": "A score."}]


def test_a_kind_without_components_has_a_table_without_rows():
    [table] = component_tables([])

    assert [column.key for column in table.columns] == ["name"]
    assert list(table.rows) == []


def test_records_have_every_field_and_a_place_for_gates_alone():
    assert component_records([HALVE, PLAIN]) == [
        {
            "name": "halve",
            "summary": "Halve the map.",
            "parameters": {"start": "required", "after": None},
            "placement": {"after": "stage"},
            "source": "nobody",
        },
        {"name": "ap", "summary": "A score.", "parameters": {}, "source": ""},
    ]


def test_the_samplers_come_with_their_defaults():
    samplers = {component.name: component for component in list_components("sampler")}

    assert not samplers["tpe"].parameters[0].is_required
    assert samplers["tpe"].placement is None


def test_studies_show_the_states_of_their_trials():
    study = StudyRecord(
        name="s",
        question="Which?",
        document={},
        file="",
        created="",
        states={"done": 3, "failed": 1},
    )

    assert list(study_tables([study])[0].rows) == [("s", "Which?", "done=3, failed=1")]
    assert study_records([study]) == [
        {"name": "s", "question": "Which?", "trials": {"done": 3, "failed": 1}}
    ]
    assert list(study_tables([])[0].rows) == []
