"""A formula instead of training: for trying out samplers, schedulers and clusters in seconds."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from statistics import NormalDist
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator
from torch import Tensor, nn

from dasbench.catalog import TASKS
from dasbench.records import Cost
from dasbench.seeds import derive_seed
from dasbench.spec.plain import Fields
from dasbench.spec.trial import Choice, Training, Trial
from dasbench.tasks.classification import Classification
from dasbench.tasks.formula import check_formula, evaluate
from dasbench.tasks.task import Evaluation, Learner, Replica

Formula = Annotated[str, AfterValidator(check_formula)]
Epoch = Annotated[int, Ge(1)] | None


@TASKS.register("probe", source="ours; no results of it are results of a network")
class Probe:
    """Pretends to train: top-1 follows a curve that ends at the value of a formula, with noise.

    Everything around it is real: the network is built and counted, epochs are reported, checkpoints
    written, trials stopped and resumed. A trial gives the same numbers always. One whose formula
    has no finite value diverges.

    Args:
        formula: top-1 in percent after the last epoch, from the trial's dotted fields, for example
            `90 - 40 * (gate.alpha - 0.3) ** 2 + (2 if gate.first_norm == 'in' else 0)`.
        noise: standard deviation of each measured top-1, in percent points.
        start: top-1 before the first epoch.
        rate: how fast the curve saturates; 4 has 64 % of the way behind it after a quarter of the
            epochs.
        seconds: that each epoch takes, at least.
        fail_at: epoch in which the trial fails with an error, or None.
        diverge_at: epoch in which the loss is no longer finite, or None.

    Example:
        >>> backbone = {"name": "resnet18", "width": 2}
        >>> trial = Trial(backbone=backbone, dataset="digits", training={"epochs": 3})
        >>> learner = Probe(formula="90 - seed", noise=0).build(trial, device=torch.device("cpu"))
        >>> for epoch in (1, 2, 3):
        ...     (batch,) = learner.batches(epoch)
        ...     (loss,) = learner.losses(batch)
        ...     print(round(learner.evaluate("val").metrics["top1"], 1), round(loss.item(), 2))
        70.0 0.3
        85.8 0.14
        90.0 0.1
    """

    def __init__(
        self,
        *,
        formula: Formula = "90",
        noise: Annotated[float, Ge(0), Le(1000)] = 0.3,
        start: Annotated[float, Ge(-1e6), Le(1e6)] = 10.0,
        rate: Annotated[float, Gt(0), Le(100)] = 4.0,
        seconds: Annotated[float, Ge(0), Le(86_400)] = 0.0,
        fail_at: Epoch = None,
        diverge_at: Epoch = None,
    ) -> None:
        self.formula = formula
        self.noise = noise
        self.start = start
        self.rate = rate
        self.seconds = seconds
        self.fail_at = fail_at
        self.diverge_at = diverge_at

    def build(
        self, trial: Trial, *, device: torch.device, replica: Replica | None = None
    ) -> Learner:
        """A learner that has seen no epoch yet."""
        return _Pretender(self, trial, device, replica or Replica())

    def cost(self, trial: Trial) -> Cost:
        """What the trial's network costs; the formula is tried too, to find its faults now.

        Raises:
            UsageError: if the formula speaks of a field that this trial does not have.
        """
        self.final(trial)
        plain = {"task": Choice(name="classification"), "training": Training(), "seed": 0}
        return _cost(trial.model_copy(update=plain).model_dump_json())

    def final(self, trial: Trial) -> float:
        """Top-1 after the last epoch, without noise."""
        return evaluate(self.formula, _fields(trial))

    def curve(self, final: float, progress: float) -> float:
        """Top-1 after a share of the epochs, without noise."""
        way = (final - self.start) * math.expm1(-self.rate * progress)
        return self.start + way / math.expm1(-self.rate)


@lru_cache(maxsize=4096)
def _cost(trial: str) -> Cost:
    """The cost of a trial that is given as JSON; a network is counted once for all seeds.

    What is trained is a formula, so that no network is there to be compared with the counted one.
    """
    return replace(Classification().cost(Trial.model_validate_json(trial)), structure="")


def _fields(trial: Trial) -> Fields:
    """Values by dotted field; a component's own field (`gate`) is its name."""
    fields: dict[str, object] = {"seed": trial.seed}
    for field, value in trial.model_dump(mode="json", exclude_none=True, exclude={"task"}).items():
        if not isinstance(value, dict):
            continue
        fields |= {f"{field}.{key}": inner for key, inner in value.items()}
        if "name" in value:
            fields[field] = value["name"]
    return fields


class _Counter(nn.Module):
    """A model that knows how many epochs it was trained; the optimiser holds its weight."""

    epoch: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))

    def forward(self, loss: float) -> Tensor:
        """The loss as a function of the weight, which does not change it."""
        return loss + 0.0 * self.weight.sum()


class _Pretender:
    """Goes through epochs without images, and scores by a formula."""

    objective = "top1"
    examples_per_epoch = 1
    steps_per_epoch = 1

    def __init__(self, probe: Probe, trial: Trial, device: torch.device, replica: Replica) -> None:
        self.model = _Counter().to(device)
        self._probe = probe
        self._epochs = trial.training.epochs
        self._replicas = replica.number
        self._final = probe.final(trial)
        self._noise_of = trial.model_copy(update={"task": Choice(name="probe")}).key

    def batches(self, epoch: int) -> Iterator[int]:
        """One batch: the number of the epoch."""
        yield epoch

    def losses(self, batch: int) -> Iterator[Tensor]:
        """One loss, after the time that the epoch is to take; replicas have equal parts of it."""
        if self._probe.seconds:
            time.sleep(self._probe.seconds)
        if batch == self._probe.fail_at:
            raise RuntimeError(f"the probe fails in epoch {batch}, as task.fail_at asks it to")
        self.model.epoch.fill_(batch)
        loss = _loss(self._top1())
        if batch == self._probe.diverge_at:
            loss = math.nan
        yield self.model(loss / self._replicas)

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Top-1 after the epochs so far, with noise of its own for each part and epoch."""
        share = (derive_seed(self._noise_of, part, int(self.model.epoch)) + 0.5) / 2**63
        top1 = self._top1() + self._probe.noise * NormalDist().inv_cdf(share)
        return Evaluation({"loss": _loss(top1), "top1": top1})

    def _top1(self) -> float:
        return self._probe.curve(self._final, int(self.model.epoch) / self._epochs)


def _loss(top1: float) -> float:
    """A loss that falls as top-1 rises."""
    return 1 - top1 / 100
