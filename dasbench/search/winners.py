"""What a search is after: the value of each objective, and the variants that are best by them."""

from collections.abc import Iterable, Mapping

import numpy as np

from dasbench.analysis.pareto import pareto_front
from dasbench.records import Cost
from dasbench.search.samplers.sampler import identity
from dasbench.spec.plain import Variant
from dasbench.spec.study import Study


def objective_values(
    study: Study, metrics: Mapping[str, float], cost: Cost | None
) -> tuple[float, ...]:
    """The value of each objective, scores on the validation part; empty unless all are finite.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> study = Study(name="s", question="?", base=Trial(backbone="resnet18", dataset="digits"))
        >>> objective_values(study, {"val_top1": 91.0, "top1": 90.0}, None)
        (91.0,)
    """
    known: dict[str, float] = dict(metrics)
    for name, value in metrics.items():
        if name.startswith("val_"):
            known[name.removeprefix("val_")] = value
    if cost:
        known |= cost.by_name
    values = tuple(float(known.get(objective.metric, np.nan)) for objective in study.objectives)
    if not np.isfinite(values).all():
        return ()
    return values


def best_variants(
    study: Study, scored: Iterable[tuple[Variant, tuple[float, ...]]], *, top: int
) -> list[Variant]:
    """The variants with the best mean values: of one objective the best, of several the front.

    Args:
        study: says what is better.
        scored: variant and objective values of each trial that has them.
        top: how many at the most, the best by the first objective first.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", dataset="digits")
        >>> study = Study(name="s", question="?", base=base, objectives=["top1 max", "macs min"])
        >>> scored = [({"a": 1}, (90.0, 5.0)), ({"a": 2}, (80.0, 3.0)), ({"a": 3}, (79.0, 4.0))]
        >>> best_variants(study, scored, top=3)
        [{'a': 1}, {'a': 2}]
    """
    variants: dict[str, Variant] = {}
    scores: dict[str, list[tuple[float, ...]]] = {}
    for variant, values in scored:
        variants[identity(variant)] = variant
        scores.setdefault(identity(variant), []).append(values)
    if not scores:
        return []
    table = np.array([np.mean(values, axis=0) for values in scores.values()])
    directions = [objective.direction for objective in study.objectives]
    candidates = np.arange(len(table))
    if len(directions) > 1:
        candidates = np.flatnonzero(pareto_front(table, directions))
    first = table[candidates, 0]
    if directions[0] == "max":
        first = -first
    best = candidates[np.argsort(first, kind="stable")][:top]
    names = list(scores)
    return [variants[names[place]] for place in best]
