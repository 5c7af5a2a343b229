"""What a callback is: it hears in the driver what happens to trials, and changes nothing."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from dasbench.errors import UsageError
from dasbench.records import Epoch, Outcome
from dasbench.spec.trial import Trial

if TYPE_CHECKING:
    from dasbench.agenda import Agenda

Setting = bool | int | float | str
"""What every tracker takes for a hyperparameter."""


class Callback(Protocol):
    """Hears of a study, after the results database. What it raises never harms the study.

    A callback is made before anything is trained: there it refuses what it cannot work with, as a
    UsageError.
    """

    def planned(self, agenda: "Agenda", states: Mapping[str, str]) -> None:
        """The study begins.

        `agenda.items` holds its trials by key, now and later; `states` the state of each.
        """
        ...

    def added(self, states: Mapping[str, str]) -> None:
        """The study lists more trials, with the state of each."""
        ...

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A trial ended, or was interrupted and goes on in a later run."""
        ...

    def close(self) -> None:
        """The run ended, however it did; trials may be open."""
        ...


def require(module: str, *, callback: str) -> None:
    """Refuse a callback whose package is missing, without importing it.

    Raises:
        UsageError: saying what to install.

    Example:
        >>> require("no_such_package", callback="mlflow")
        Traceback (most recent call last):
            ...
        dasbench.errors.UsageError: callback 'mlflow' needs a package that is missing:
            pip install 'dasbench[mlflow]'
    """
    spec = find_spec(module)
    if (
        spec is None or spec.origin is None
    ):  # a folder of that name, where the tracker keeps its files, is no package
        raise UsageError(
            f"callback '{callback}' needs a package that is missing: "
            f"pip install 'dasbench[{callback}]'"
        )


def run_name(agenda: "Agenda", key: str) -> str:
    """What a tracker calls a trial: its variant and its seed."""
    item = agenda.items[key]
    return f"{item.label} seed={item.trial.seed}".strip()


def settings(trial: Trial) -> dict[str, Setting]:
    """All that decides a trial's outcome, flat and by dotted name.

    A list becomes text, what is left out stays out.

    Example:
        >>> narrow = {"name": "resnet18", "width": 4}
        >>> trial = Trial(backbone=narrow, dataset="digits", placement={"stages": [1, 2]})
        >>> some = settings(trial)
        >>> some["backbone.name"], some["backbone.width"], some["placement.stages"], some["seed"]
        ('resnet18', 4, '1,2', 0)
    """
    flat: dict[str, Setting] = {}

    def add(name: str, value: object) -> None:
        if isinstance(value, Mapping):
            for part, inside in value.items():
                add(f"{name}.{part}".removeprefix("."), inside)
        elif isinstance(value, list | tuple):
            flat[name] = ",".join(map(str, value))
        elif isinstance(value, bool | int | float | str):
            flat[name] = value

    add("", trial.model_dump(mode="json"))
    return flat


def final_metrics(outcome: Outcome) -> dict[str, float]:
    """The final values of a trial, its costs and its training time, as trackers call them.

    Example:
        >>> final_metrics(Outcome(key="0", status="done", metrics={"top1": 90.0}, seconds=2.5))
        {'final/top1': 90.0, 'final/seconds_total': 2.5}
    """
    values = dict(outcome.metrics)
    if outcome.cost:
        values |= {name: float(count) for name, count in outcome.cost.counts.items()}
    values["seconds_total"] = outcome.seconds
    return {f"final/{name}": value for name, value in values.items()}
