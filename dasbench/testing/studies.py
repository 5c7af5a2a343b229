"""What every study keeps: it loads, its models can be built, it says what it asks."""

from pathlib import Path

from dasbench.agenda import Agenda
from dasbench.catalog import known_names
from dasbench.plan import Plan, count_costs
from dasbench.spec.load import load_study


def check_study_file(path: Path, *, profile: str | None = None) -> None:
    """Check a study file and, if its data are at hand, its models.

    Raises:
        StudyError: with every complaint.
        AssertionError: naming the part of the contract that is broken.
    """
    study = load_study(path, known=known_names, profile=profile)
    assert study.name.partition("@")[0] == path.stem, f"{path}: the study's name is not the file's"
    assert study.question.rstrip().endswith(("?", ")")), f"{path}: the question is no question"
    agenda = Agenda(study)
    planned = agenda.start([]) or agenda.propose()
    assert planned, f"{path}: nothing is to be trained"
    costs = count_costs(Plan(study, agenda.items))
    uncounted = {name for cost in costs.values() for name in cost.uncounted}
    assert not uncounted, f"{path}: operators were taken as free: {', '.join(sorted(uncounted))}"
