"""What the networks of trials cost: each distinct one is built and counted once, and remembered."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from dasbench.blame import own_fault
from dasbench.catalog import TASKS
from dasbench.costs.memory import recall, remember
from dasbench.errors import Complaint, ModelError, StudyError
from dasbench.faults import foreign
from dasbench.plan import Plan
from dasbench.records import Cost
from dasbench.spec.cost_key import UNTRAINED, CostKey, cost_key
from dasbench.spec.document import Path_
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial


def count_cost(trial: Trial) -> Cost:
    """What a resolved trial's model costs; each distinct model is built and counted once.

    Raises:
        ModelError: if it cannot be built.
    """
    cost = _count(trial.model_copy(update=UNTRAINED).model_dump_json())
    if isinstance(cost, str):
        raise ModelError(cost)
    return cost


def count_costs(plan: Plan) -> dict[str, Cost]:
    """Build and count every distinct model of a plan once, before anything is trained.

    Args:
        plan: the trials.

    Returns:
        Cost by the trial's key.

    Raises:
        StudyError: with every model that cannot be built, naming the variant and the site.
    """
    groups: dict[CostKey, list[str]] = {}
    for key, item in plan.items.items():
        groups.setdefault(cost_key(item.trial), []).append(key)
    costs: dict[str, Cost] = {}
    refused: dict[str, list[str]] = {}
    for keys in groups.values():
        item = plan.items[keys[0]]
        try:
            costs.update(dict.fromkeys(keys, count_cost(item.trial)))
        except ModelError as error:
            refused.setdefault(str(error), []).append(item.label)
    if refused:
        raise StudyError(
            _complaint(plan.study, message, labels) for message, labels in refused.items()
        )
    return costs


@cache
def _count(identity: str) -> Cost | str:
    """The cost, or why there is none: a search asks for an impossible model again and again."""
    trial = Trial.model_validate_json(identity)
    key = cost_key(trial)
    if (known := recall(key)) is not None:
        return known
    try:
        with foreign(_fault_of_own_task), _one_thread():
            cost: Cost = TASKS[trial.task.name].create(**trial.task.params).cost(trial)
    except ModelError as error:
        return str(error)
    remember(key, cost)
    return cost


@contextmanager
def _one_thread() -> Iterator[None]:
    """Count on one thread: an image of one network is too little work to share out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fault_of_own_task(error: BaseException) -> ModelError | None:
    """A task of the user's own that cannot count a trial is like a network that cannot be built."""
    words = own_fault(error)
    if not words or isinstance(error, OSError):
        return None
    return ModelError(words)


def _complaint(study: Study, message: str, labels: list[str]) -> Complaint:
    """What is wrong with some variants' models, at the axis or the field that it comes from."""
    about = {"placement": ("placement",), "backbone": ("backbone", "dataset")}
    heads = about.get(re.split(r"\W", message)[0], ("gate", "placement", "backbone", "dataset"))
    axes = [number for number, axis in enumerate(study.axes) if axis.key.partition(".")[0] in heads]
    path: Path_ = ("axes", axes[0]) if axes else ("base", heads[0])
    variants = labels[0]
    if len(labels) > 1:
        variants += f" (and {len(labels) - 1} more variants)"
    return study.document.complaint(path, f"{variants}: {message}")
