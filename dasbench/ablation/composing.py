"""From a base study, a gate's name and what is set to the composed gate in its network."""

import json

from pydantic import ValidationError

from dasbench.ablation.variants import Composed
from dasbench.catalog import GATES, known_names
from dasbench.errors import Complaint, StudyError
from dasbench.spec.overrides import set_fields
from dasbench.spec.parameters import explain, plain_path
from dasbench.spec.plain import Fields, Record
from dasbench.spec.recipes import recipes
from dasbench.spec.study import Study
from dasbench.spec.trial import FILLED_IN, Trial


def compose_data(study: Study, gate: str, overrides: tuple[str, ...] = ()) -> Record:
    """A study as plain data whose base has the composed gate.

    The gate has the study's own parameters of it, and what is set.

    Args:
        study: the base study; what it varies does not count.
        gate: the gate's name.
        overrides: `key=value` for dotted fields of the trial.

    Raises:
        UsageError: if there is no such gate.
        StudyError: if an override is not understood.

    Example:
        >>> study = Study(name="x", question="?", base=Trial(backbone="resnet18", dataset="digits"))
        >>> compose_data(study, "das", ("gate.alpha=0.1",))["base"]["gate"]
        {'name': 'das', 'alpha': 0.1}
    """
    _ = GATES[gate]
    data = study.document.data or study.model_dump(
        mode="json", exclude={"base": set(FILLED_IN)}, exclude_defaults=True
    )
    base = json.loads(json.dumps(data["base"]))
    name = base.get("gate", "none")
    if isinstance(name, dict):
        name = name.get("name")
    if name != gate:
        base["gate"] = {"name": gate}

    def refusal(key: str) -> str:
        if key in ("gate", "gate.name"):
            return f"the gate is '{gate}', which is named as GATE"
        return ""

    complaints = set_fields(base, overrides, refusal=refusal)
    if complaints:
        raise StudyError(complaints)
    return {**data, "base": base}


def compose(base: Fields) -> Composed:
    """The composed gate in its network, from the base of a study as plain data.

    Raises:
        StudyError: with every complaint at once.
    """
    context = {"known": known_names(), "recipes": recipes()}
    try:
        return Composed(Trial.model_validate_json(json.dumps(base), strict=True, context=context))
    except ValidationError as error:
        complaints = []
        for item in error.errors():
            path = ".".join(str(part) for part in plain_path(item["loc"]) if part != "params")
            complaints.append(
                Complaint("", 0, f"base.{path}", explain(item, Trial, hidden=FILLED_IN))
            )
        raise StudyError(complaints) from error
