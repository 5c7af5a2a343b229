"""What every metric keeps: pure, in the range of its unit, best where the answer is perfect."""

import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dasbench.catalog import METRICS, TASKS
from dasbench.components.entry import Entry
from dasbench.components.traits import MetricTraits
from dasbench.datasets.annotations import Objects
from dasbench.errors import DasbenchError
from dasbench.metrics.average_precision import Detections
from dasbench.testing.documentation import check_docstring

Arguments = tuple[Any, ...]
"""Positional arguments of a metric, in their order."""

PERCENT = (0.0, 100.0)
RANGES = {"%": PERCENT, **dict.fromkeys(("ms", "s", "B", "1/s"), (0.0, math.inf))}
"""What values in a unit lie between; in others they may be any."""


@dataclass(frozen=True, kw_only=True)
class MetricExamples:
    """What a metric may be asked to score.

    Args:
        poor: of an answer that is wrong in part.
        perfect: of one that cannot be better; None for a metric of which neither more nor less is
            better.
        single: of a single example.
        empty: of none.
    """

    poor: Arguments
    perfect: Arguments | None
    single: Arguments
    empty: Arguments


def check_metric(name: str, *, examples: MetricExamples | None = None) -> None:
    """Check what a metric is registered with, and that it is a pure function that agrees with that.

    Args:
        name: a registered metric.
        examples: what it takes; left out, what the other metrics of its task do: logits and labels
            (classification), confusions (segmentation), objects and detections (detection).

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_metric("top1")
    """
    entry = METRICS[name]
    check_docstring(entry)
    _check_tasks(entry.traits)
    given = examples or _usual_examples(entry)
    poor = _scores(entry, given.poor)
    assert poor, "it has no score for an answer that is wrong in part"
    _check_range(poor, entry.traits.unit)
    _check_range(_scores_or_refusal(entry, given.single), entry.traits.unit)
    _check_nothing(_scores_or_refusal(entry, given.empty))
    if given.perfect is not None:
        _check_perfect(_scores(entry, given.perfect), poor, entry.traits)


def _check_tasks(traits: MetricTraits) -> None:
    """Check that the tasks that measure it exist, with the parameter that switches it on."""
    for task in traits.tasks or ():
        assert task in TASKS, f"registered with tasks={traits.tasks!r}; there is no task '{task}'"
        params = {parameter.name for parameter in TASKS[task].parameters}
        is_known = not traits.needs or traits.needs in params
        assert is_known, f"registered with needs={traits.needs!r}; task '{task}' has no such switch"


def _usual_examples(entry: Entry[Any, MetricTraits]) -> MetricExamples:
    """What other metrics of its kind take."""
    kinds = [entry.traits.needs] if entry.traits.needs else sorted(entry.traits.tasks or ())
    known = [EXAMPLES[kind] for kind in kinds if kind in EXAMPLES]
    assert known, f"{entry}: say what it takes: check_metric(..., examples=MetricExamples(...))"
    return known[0]()


def _scores(entry: Entry[Any, MetricTraits], arguments: Arguments) -> list[float]:
    """The values of a metric, which must be the same again and leave its arguments as they are."""
    before, state = pickle.dumps(arguments), torch.get_rng_state()
    scores = _numbers(entry.make(*arguments))
    again = _numbers(entry.make(*arguments))
    assert pickle.dumps(arguments) == before, "it changes its arguments"
    assert str(again) == str(scores), f"the same arguments score {scores}, then {again}"
    assert torch.equal(torch.get_rng_state(), state), "it draws random numbers of torch"
    return scores


def _scores_or_refusal(entry: Entry[Any, MetricTraits], arguments: Arguments) -> list[float]:
    """The values of a metric; none if it says why there are none."""
    try:
        return _scores(entry, arguments)
    except (DasbenchError, ValueError):
        return []
    except (ArithmeticError, LookupError, RuntimeError, TypeError) as error:
        raise AssertionError(
            f"of one example or of none, it fails with {error!r}; return NaN, or raise a DataError "
            "that says what is missing"
        ) from error


def _numbers(returned: object) -> list[float]:
    """What a metric returned, as a list."""
    if isinstance(returned, Tensor) and returned.ndim and returned.is_floating_point():
        several: list[float] = returned.flatten().tolist()
        return several
    values = returned.values() if isinstance(returned, Mapping) else [returned]
    scores = [value for value in values if isinstance(value, float)]
    assert len(scores) == len(values), (
        f"it returns {returned!r}; a score is a float, or several in a mapping, or one for each "
        "example in a tensor"
    )
    return scores


def _check_range(scores: list[float], unit: str) -> None:
    low, high = RANGES.get(unit, (-math.inf, math.inf))
    for score in scores:
        assert math.isfinite(score), f"a score is {score}"
        assert low <= score <= high, f"a score in {unit} is {score}, not in {low:g} to {high:g}"


def _check_nothing(scores: list[float]) -> None:
    made_up = [score for score in scores if not math.isnan(score)]
    assert not made_up, (
        f"of no example it has the score {made_up[0]}; nothing was measured: return NaN, or raise"
    )


def _check_perfect(perfect: list[float], poor: list[float], traits: MetricTraits) -> None:
    _check_range(perfect, traits.unit)
    contrast = f"a perfect answer scores {perfect}, and one that is wrong in part {poor}"
    assert traits.direction, f"{contrast}: register it with a direction"
    better, best = min(perfect) > max(poor), max(PERCENT)
    if traits.direction == "min":
        better, best = max(perfect) < min(poor), min(PERCENT)
    assert better, f"direction={traits.direction!r}, but {contrast}"
    is_best = all(math.isclose(score, best, abs_tol=1e-6) for score in perfect)
    assert traits.unit != "%" or is_best, (
        f"in percent, a perfect answer scores {perfect}: not {best}"
    )


def _classification() -> MetricExamples:
    """Logits and labels; of a poor answer, every other label has the smallest logit."""
    labels = torch.arange(20) % 10
    perfect = 9.0 * functional.one_hot(labels, 10)
    poor = torch.where(torch.arange(20)[:, None] % 4 < 2, perfect, -perfect)
    return MetricExamples(
        poor=(poor, labels),
        perfect=(perfect, labels),
        single=(poor[:1], labels[:1]),
        empty=(poor[:0], labels[:0]),
    )


def _segmentation() -> MetricExamples:
    """Pixels by their class and the one that they are taken for."""
    perfect = torch.diag(torch.tensor([7, 5, 3]))
    poor = perfect + torch.tensor([[0, 1, 0], [2, 0, 1], [0, 0, 0]])
    single = torch.zeros(3, 3, dtype=torch.int64)
    single[0, 1] = 1
    return MetricExamples(
        poor=(poor,), perfect=(perfect,), single=(single,), empty=(torch.zeros_like(single),)
    )


def _detection() -> MetricExamples:
    """A small, a medium and a large object in two images each; a poor answer misses one image."""
    sides = torch.tensor([16.0, 64.0, 128.0])
    corners = torch.tensor([0.0, 40.0, 120.0])
    boxes = torch.stack([corners, corners, corners + sides, corners + sides], dim=1)
    labels = torch.tensor([0, 1, 0])
    objects = Objects(boxes, labels, sides**2, torch.zeros(3, dtype=torch.bool))
    found = Detections(boxes, labels, torch.full((3,), 0.9))
    missed = Detections(boxes, 1 - labels, torch.full((3,), 0.8))
    return MetricExamples(
        poor=([objects, objects], [found, missed]),
        perfect=([objects, objects], [found, found]),
        single=([objects], [found]),
        empty=([], []),
    )


def _latency() -> MetricExamples:
    """Milliseconds of each pass."""
    return MetricExamples(
        poor=([4.0, 3.0, 9.0],), perfect=([1.0, 1.0, 2.0],), single=([3.0],), empty=([],)
    )


def _saliency() -> MetricExamples:
    """Heat maps and what matters in them; a poor answer is lit everywhere."""
    regions = torch.zeros(2, 8, 8, dtype=torch.bool)
    regions[:, 2:5, 2:5] = True
    lit = torch.ones(2, 8, 8)
    return MetricExamples(
        poor=(lit, regions),
        perfect=(regions.float(), regions),
        single=(lit[:1], regions[:1]),
        empty=(lit[:0], regions[:0]),
    )


EXAMPLES: Mapping[str, Callable[[], MetricExamples]] = {
    "classification": _classification,
    "segmentation": _segmentation,
    "detection": _detection,
    "latency": _latency,
    "saliency": _saliency,
}
"""By task, or by the parameter of a task that switches the metric on."""
