"""The contract of tasks holds for a sound one and says what a broken one breaks."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from broken_components import refusal
from torch import nn

from dasbench.catalog import METRICS, TASKS
from dasbench.tasks.probe import Probe
from dasbench.tasks.task import Evaluation
from dasbench.testing import check_task


class Learning:
    """A sound learner: one weight, and batches of one number."""

    objective = "own_score"
    examples_per_epoch = 8
    steps_per_epoch = 4

    def __init__(self, trial):
        self.seed = trial.seed
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.model.weight, trial.seed + 0.5)

    def batches(self, epoch):
        for place in range(self.steps_per_epoch):
            yield torch.tensor([float(self.seed + epoch + place)])

    def losses(self, batch):
        yield self.model(batch).square().sum()

    def evaluate(self, part):
        return Evaluation({"own_score": self.model.weight.item(), "own_score_n": 8.0})


class Own:
    """A sound task."""

    learner = Learning

    def build(self, trial, *, device, replica=None):
        return self.learner(trial)

    def cost(self, trial):
        return Probe().cost(trial)


class CountsAnother(Own):
    def cost(self, trial):
        return replace(super().cost(trial), structure="0123")


class CountsHalf(Own):
    def cost(self, trial):
        return replace(super().cost(trial), uncounted={"aten::fft": 2})


class StartsAnywhere(Learning):
    def __init__(self, trial):
        super().__init__(trial)
        nn.init.normal_(self.model.weight)


class Shuffles(Learning):
    def batches(self, epoch):
        return (batch + torch.rand(1) for batch in super().batches(epoch))


class OneOrder(Learning):
    def batches(self, epoch):
        return super().batches(1)


class EndsEarly(Learning):
    def batches(self, epoch):
        return itertools.islice(super().batches(epoch), 3)


class ManyLosses(Learning):
    def losses(self, batch):
        yield self.model(batch).expand(2)


class Diverges(Learning):
    def losses(self, batch):
        yield self.model(batch).sum().log() * float("nan")


class Cut(Learning):
    def losses(self, batch):
        yield self.model(batch).sum().detach()


class InfiniteSlope(Learning):
    def losses(self, batch):
        yield (self.model(batch) * 0).sum().sqrt()


class Wears(Learning):
    def evaluate(self, part):
        with torch.no_grad():
            self.model.weight += 1
        return super().evaluate(part)


class Guesses(Learning):
    def evaluate(self, part):
        return Evaluation({"own_score": float(torch.rand(1))})


class Counts(Learning):
    calls = itertools.count()

    def evaluate(self, part):
        return Evaluation({"own_score": float(next(self.calls))})


class Unrounded(Learning):
    def evaluate(self, part):
        score: Any = self.model.weight.detach()
        return Evaluation({"own_score": score})


class Undeclared(Learning):
    def evaluate(self, part):
        return Evaluation({**super().evaluate(part).metrics, "ece": 1.0})


class AnothersScore(Learning):
    def evaluate(self, part):
        return Evaluation({**super().evaluate(part).metrics, "miou": 1.0})


class Aimless(Learning):
    def evaluate(self, part):
        return Evaluation({"loss": 1.0})


class AimsLow(Learning):
    objective = "own_error"

    def evaluate(self, part):
        return Evaluation({"own_error": 1.0})


BROKEN_TASKS = {
    CountsAnother: "cost() counts another network than build() makes",
    CountsHalf: "operators were taken as free: {'aten::fft': 2}",
}
BROKEN_LEARNERS = {
    StartsAnywhere: "built again, the same trial starts with another weight",
    Shuffles: "an epoch's batches differ the second time",
    OneOrder: "the second epoch brings the same batches as the first",
    EndsEarly: "an epoch has 3 batches, but steps_per_epoch is 4",
    ManyLosses: "a loss has the shape (2,)",
    Diverges: "a loss is nan",
    Cut: "a loss does not depend on the weights",
    InfiniteSlope: "the gradient of weight is not finite",
    Wears: "evaluate('val') changes weight",
    Guesses: "evaluate('val') draws random numbers of torch",
    Counts: "evaluate('val') gives other scores the second time",
    Unrounded: "write float(...)",
    Undeclared: "metric 'ece' is not registered for the task 'own'",
    AnothersScore: "metric 'miou' is not registered for the task 'own'",
    Aimless: "does not give the objective 'own_score'",
    AimsLow: "is registered with direction='min'",
}


def register_task(task):
    METRICS.register("own_score", direction="max", tasks=("own",))(lambda: 0.0)
    METRICS.register("own_error", direction="min", tasks=("own",))(lambda: 0.0)
    TASKS.register("own")(task)


def test_a_sound_task_keeps_its_contract():
    register_task(Own)

    check_task("own")


@pytest.mark.parametrize("task", BROKEN_TASKS, ids=lambda task: task.__name__)
def test_the_contract_of_tasks_names_a_cost_that_is_wrong(task):
    register_task(task)

    assert BROKEN_TASKS[task] in refusal(check_task, "own")


@pytest.mark.parametrize("learner", BROKEN_LEARNERS, ids=lambda learner: learner.__name__)
def test_the_contract_of_tasks_names_what_is_broken_in_a_learner(learner):
    register_task(type("Broken", (Own,), {"learner": learner}))

    assert BROKEN_LEARNERS[learner] in refusal(check_task, "own")


def test_a_task_that_needs_something_new_is_tried_on_data_that_have_it():
    register_task(Own)
    TASKS.register("deep", needs="depth")(Own)

    assert "say what it is tried on" in refusal(check_task, "deep")
