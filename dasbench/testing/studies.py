"""What every study keeps: it loads, its models can be built, it says what it asks."""

from pathlib import Path

from dasbench.catalog import known_names
from dasbench.prepare import prepare
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
    prepared = prepare(study)
    assert prepared.plan.items or prepared.agenda.propose(), f"{path}: nothing is to be trained"
    costs = prepared.costs()
    uncounted = {name for cost in costs.values() for name in cost.uncounted}
    assert not uncounted, f"{path}: operators were taken as free: {', '.join(sorted(uncounted))}"
