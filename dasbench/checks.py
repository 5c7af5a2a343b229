"""What is wrong with the components that a study names, each complaint on its line."""

import copy
from collections.abc import Collection, Iterator, Mapping

from dasbench.catalog import COMPONENTS, KINDS, METRICS
from dasbench.errors import Complaint, StudyError, unknown_name
from dasbench.resolution import fill_parameters, unused
from dasbench.spec.constraints import COSTS
from dasbench.spec.document import Path_, dotted
from dasbench.spec.fields import set_field
from dasbench.spec.labels import label, repeated
from dasbench.spec.parameters import Problem, check_parameters
from dasbench.spec.plain import Fields
from dasbench.spec.space import Axis, decides, enumerate_axes
from dasbench.spec.study import Study
from dasbench.spec.trial import Choice


def check_study(study: Study) -> None:
    """Check what a study names: parameters of components, labels, and fields in constraints.

    Raises:
        StudyError: with every complaint at once.
    """
    check_components(study)
    if complaints := [*check_labels(study), *_check_constraints(study)]:
        raise StudyError(complaints)


def _check_constraints(study: Study) -> Iterator[Complaint]:
    """Complaints about fields that no trial can have: a constraint on one refuses nothing."""
    for number, constraint in enumerate(study.constraints):
        for name in constraint.names:
            head, _, last = name.partition(".")
            if last and last not in (known := _fields_below(study, head)):
                message = unknown_name(f"field of {head}", last, known)
                yield study.document.complaint(("constraints", number), message)


def _fields_below(study: Study, head: str) -> set[str]:
    """The fields that a part of the study's trials may have."""
    if head not in COMPONENTS:
        return set(type(getattr(study.base, head)).model_fields)
    names = [Choice.model_validate(value).name for value in study.range_of(head)]
    for axis in study.axes:
        if axis.key == f"{head}.name":
            names += map(str, axis.points() or ())
    fields = {"name"}
    for name in names:
        fields.update(KINDS[head][name].defaults)
    return fields


def check_components(study: Study) -> None:
    """Check the parameters of every component that a study may name, each distinct choice once.

    Raises:
        StudyError: with every complaint at once, each on the line of the axis or of the base that
            it comes from.
    """
    complaints: list[Complaint] = []
    for field in COMPONENTS:
        complaints += _check_component(study, field)
    chosen: list[tuple[Path_, str, Choice]] = [
        (("sampler",), "sampler", study.sampler),
        (("scheduler",), "scheduler", study.scheduler),
    ]
    for number, choice in enumerate(study.callbacks):
        chosen.append((("callbacks", number), "callback", choice))
    for place, kind, choice in chosen:
        for path, message in fill_parameters(kind, choice)[1]:
            complaints.append(study.document.complaint((*place, *path), message))
    complaints += _check_objectives(study)
    if complaints:
        raise StudyError(complaints)


def check_labels(study: Study) -> Iterator[Complaint]:
    """Complaints about labels that do not tell variants apart, or that may mean a parameter.

    Of a search, whose variants need not be few, only the values of each axis are told apart.
    """
    labelled = [(number, axis) for number, axis in enumerate(study.axes) if axis.has_labels]
    complaints = []
    for number, axis in labelled:
        for index, message in sorted([*_repeated_values(axis), *_own_parameters(axis)]):
            complaints.append(study.document.complaint(("axes", number, "values", index), message))
    yield from complaints
    if labelled and not complaints and not study.is_searched:
        yield from _repeated_labels(study, labelled[-1][0])


def _repeated_labels(study: Study, axis: int) -> Iterator[Complaint]:
    """A complaint about the first label that two variants have, at an axis."""
    labels = list(map(study.label_of, study.variants()))
    for place in repeated(labels):
        message = f"two variants are called '{labels[place]}'; give their values other labels"
        yield study.document.complaint(("axes", axis), message)
        return


def _repeated_values(axis: Axis) -> Iterator[tuple[int, str]]:
    """The values of an axis that are called like one before, and what is to be said of each."""
    points = axis.points() or ()
    names = [axis.name_of(value) or label({axis.key: value}) for value in points]
    for index, first in repeated(names).items():
        name = names[index]
        yield index, f"'{name}' is already the label of values[{first}]; give each value its own"


def _own_parameters(axis: Axis) -> Iterator[tuple[int, str]]:
    """The labels beside a component that takes such a parameter, and what is to be said of each."""
    if axis.key not in COMPONENTS:
        return
    for index, each in enumerate(axis.values or ()):
        if each.label is None or not isinstance(each.value, Mapping) or "label" in each.value:
            continue
        name = str(each.value.get("name"))
        if name in KINDS[axis.key] and "label" in KINDS[axis.key][name].defaults:
            what = f"{axis.key} '{name}' takes a parameter 'label'"
            both = f"{{value: {{name: {name}, label: ...}}, label: ...}}"
            yield index, f"{what}; write {both} to give both"


def _check_objectives(study: Study) -> Iterator[Complaint]:
    """Complaints about metrics that the study's task does not measure, or only if asked to."""
    asked = {key for key, value in study.base.task.params.items() if value}
    asked |= {axis.key.partition(".")[2] for axis in study.axes if axis.key.startswith("task.")}
    for number, objective in enumerate(study.objectives):
        if objective.metric not in COSTS:
            for message in _objections_to(objective.metric, study.base.task.name, asked):
                yield study.document.complaint(("objectives", number), message)


def _objections_to(metric: str, task: str, asked: Collection[str]) -> Iterator[str]:
    """Why a metric is not measured.

    Args:
        metric: its name.
        task: the study's task.
        asked: the parameters of the task that are set.
    """
    traits = METRICS[metric].traits
    if not traits.is_of(task):
        measured = [name for name in METRICS.names() if task in (METRICS[name].traits.tasks or ())]
        names = ", ".join(measured)
        yield f"'{metric}' is not measured by the task {task}; these are: {names}"
    if traits.needs and traits.needs not in asked:
        remedy = f"task: {{name: classification, {traits.needs}: ...}}"
        yield f"'{metric}' is not measured; write {remedy}"


def _check_component(study: Study, field: str) -> Iterator[Complaint]:
    """Complaints about one component of a trial, over all choices that the axes make of it."""
    base = study.base.model_dump(mode="json")
    seen: set[str] = set()
    for values in enumerate_axes(_axes_of(study, field), study.base_fields):
        trial = copy.deepcopy(base)
        for key, value in values.items():
            set_field(trial, key, value)
        choice = Choice.model_validate(trial[field])
        identity = choice.model_dump_json()
        if identity in seen:
            continue
        seen.add(identity)
        problems = fill_parameters(field, choice)[1]
        for path, message in [*problems, *_problems_of_axes(field, choice, values)]:
            yield study.document.complaint(_origin(study, field, path, values), message)


def _axes_of(study: Study, field: str) -> list[Axis]:
    """The axes that vary a component, and those that their conditions look at."""
    wanted = {axis.key for axis in study.axes if axis.key.partition(".")[0] == field}
    more = wanted
    while more:
        wanted = wanted | more
        more = _deciding_axes(study, wanted) - wanted
    return [axis for axis in study.axes if axis.key in wanted]


def _deciding_axes(study: Study, keys: Collection[str]) -> set[str]:
    """The keys of the axes that the conditions of some axes look at."""
    looked_at: set[str] = set()
    for axis in study.axes:
        if axis.key in keys:
            looked_at.update(axis.when)
    deciding = set()
    for axis in study.axes:
        if any(decides(axis.key, key) for key in looked_at):
            deciding.add(axis.key)
    return deciding


def _problems_of_axes(field: str, choice: Choice, values: Fields) -> list[Problem]:
    """Axes of this variant that vary a parameter which changes nothing."""
    params, problems = check_parameters(KINDS[field][choice.name].schema, choice.params)
    if problems:
        return []
    message = f"changes nothing in this variant ({choice}); give the axis a 'when'"
    names = sorted(unused(field, choice.name, params))
    return [((name,), message) for name in names if f"{field}.{name}" in values]


def _origin(study: Study, field: str, path: Path_, values: Fields) -> Path_:
    """Where in the study's file a component's parameter was written."""
    keys = (dotted((field, *path[:1])), f"{field}.name", field)
    for index, axis in enumerate(study.axes):
        if axis.key not in keys or axis.key not in values:
            continue
        if axis.values is None:
            return ("axes", index)
        return ("axes", index, "values", (axis.points() or ()).index(values[axis.key]))
    return ("base", field, *path)
