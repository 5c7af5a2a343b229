"""From a study to what a run of it needs: the one way to a plan for `check`, `plan` and `run`."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from dasbench.agenda import Agenda
from dasbench.counting import count_costs
from dasbench.plan import Plan, plan_trial
from dasbench.records import Cost, Row
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial


@dataclass(frozen=True)
class Prepared:
    """A study whose components are checked and whose trials are planned.

    Args:
        agenda: what it trains, in which order.
    """

    agenda: Agenda

    @property
    def study(self) -> Study:
        """What is asked."""
        return self.agenda.study

    @property
    def plan(self) -> Plan:
        """The trials that are known so far: all of a grid; of a search, those of earlier runs."""
        return Plan(self.study, self.agenda.items)

    @property
    def trials(self) -> list[Trial]:
        """The trials that are known; of a search without any, the one that its base describes."""
        known = [item.trial for item in self.agenda.items.values()]
        return known or [plan_trial(self.study, {}, self.study.seeds.values[0]).trial]

    def costs(self, *, but: Container[str] = ()) -> Mapping[str, Cost]:
        """What the networks of the known trials cost, by the trial's key; each is built once.

        Args:
            but: keys of trials whose cost is not asked for.

        Raises:
            StudyError: with every network that cannot be built, naming the variant and the site.
        """
        return count_costs(self.plan.without(but))


def prepare(study: Study, listed: Sequence[Row] = ()) -> Prepared:
    """Check a study and plan its trials; each stage gives all of its complaints at once.

    The parameters of the components come first, then labels and constraints, then each trial with
    its defaults filled in and its data found. Networks are built when their costs are asked for.

    Args:
        study: of sound form, as `load_study` gives it.
        listed: what the database lists for the study; a search goes on from there.

    Raises:
        StudyError: with every complaint of the first stage that has any.
        DataError: if a data set or a weights file is missing or damaged.

    Example:
        >>> study = Study(
        ...     name="width",
        ...     question="How wide?",
        ...     base=Trial(backbone="resnet18", dataset="digits"),
        ...     axes=[{"key": "backbone.width", "values": [8, 16]}],
        ...     seeds=2,
        ... )
        >>> [item.label for item in prepare(study).plan.items.values()]
        ['width=8', 'width=16', 'width=8', 'width=16']
    """
    agenda = Agenda(study)
    agenda.start(listed)
    return Prepared(agenda)
