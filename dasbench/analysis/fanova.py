"""fANOVA of a searched study: what each axis explains of a random forest, and its fit."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.quiet_optuna import quiet_optuna
from dasbench.analysis.significance import Floats

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

NOT_SET = "(not set)"
"""The level of an axis whose condition does not hold."""

_FEW_LEVELS = 10
"""Of a number: up to so many each level weighs the same; beyond, the axis is a range."""

_BINS = 5  # of a range that is not always set
_TREES = 128
_MOST_COLUMNS = 8
"""Levels with a column each: Optuna's marginals take time that doubles with every such column."""


Column = list[float] | list[str]
"""One axis: numbers, or levels as text."""


def encode(values: Sequence[Any], texts: Sequence[str]) -> Column:
    """Write an axis as numbers if it is one, else as levels.

    A number with few values becomes its rank, so that every level weighs the same; one with many
    stays as it is, on a logarithmic scale if it spans more than a decade. Where it is not always
    set, its values (in fifths if they are many) and `(not set)` are levels. If levels are many they
    become places in the alphabet: a tree parts any of them from the others by two splits.

    Args:
        values: the axis' value in each variant, None where it is not set.
        texts: the same as text, `(not set)` where it is not set.

    Example:
        >>> encode([0.1, 0.5, 0.2], ["0.1", "0.5", "0.2"]), encode(["in", "ln"], ["in", "ln"])
        ([0.0, 2.0, 1.0], ['in', 'ln'])
        >>> encode([None, 0.1], ["(not set)", "0.1"])
        ['(not set)', '0.1']
    """
    is_set = np.array(texts, dtype=object) != NOT_SET
    given = list(compress(values, is_set))
    if not all(map(_is_number, given)):
        return _levels(texts)
    numbers = np.array(given, dtype=np.float64)
    known = np.unique(numbers)
    is_range = len(known) > _FEW_LEVELS
    if is_range and known[0] > 0 and known[-1] / known[0] > 10:
        numbers = np.log10(numbers)
    if not is_set.all():
        return _fifths(numbers, is_set) if is_range else _levels(texts)
    if not is_range:
        numbers = _ranks(numbers)
    column: list[float] = numbers.tolist()
    return column


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranks(numbers: Floats) -> Floats:
    """The place of each number among those that there are, from 0."""
    return np.searchsorted(np.unique(numbers), numbers).astype(np.float64)


def _fifths(numbers: Floats, is_set: NDArray[np.bool_]) -> list[str]:
    """In which fifth of the numbers each lies that is set; as texts, with `(not set)` between."""
    edges = np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1])
    column = np.full(len(is_set), NOT_SET, dtype=object)
    column[is_set] = [f"fifth {place + 1}" for place in np.searchsorted(edges, numbers)]
    return list(column)


def _levels(texts: Sequence[str]) -> Column:
    """The levels as they are if they are few, else as their places in the alphabet."""
    known = sorted(set(texts))
    if len(known) <= _MOST_COLUMNS:
        return list(texts)
    places = {text: float(place) for place, text in enumerate(known)}
    return [places[text] for text in texts]


def forest_shares(columns: Mapping[str, Column], scores: Floats) -> dict[str, float]:
    """Share of the variance of a random forest's predictions that each axis explains on its own.

    Args:
        columns: every axis of every variant, encoded.
        scores: mean score of every variant.

    Source:
        Hutter, Hoos and Leyton-Brown, 2014, as in Optuna.

    Example:
        >>> a, b = [float(i % 5) for i in range(20)], ["x", "y"] * 10
        >>> shares = forest_shares({"a": a, "b": b}, np.array(a))
        >>> shares["a"] > 0.9, shares["b"] < 0.05
        (True, True)
    """
    import optuna  # takes a second to import

    names = [f"x{place}" for place in range(len(columns))]  # those of axes may be anything
    space = dict(zip(names, map(_distribution, columns.values()), strict=True))
    trials = []
    for score, *levels in zip(scores, *columns.values(), strict=True):
        params = dict(zip(names, levels, strict=True))
        trial = optuna.trial.create_trial(params=params, distributions=space, value=float(score))
        trials.append(trial)
    with quiet_optuna():
        study = optuna.create_study()
        study.add_trials(trials)
        found = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=0).evaluate(study)
    axes = dict(zip(names, columns, strict=True))
    return {axes[name]: float(share) for name, share in found.items()}


def forest_fit(columns: Mapping[str, Column], scores: Floats) -> float:
    """R^2 of such a forest on variants that a tree did not see (out of bag).

    1 is perfect, 0 no better than the mean.

    Args:
        columns: every axis of every variant, encoded.
        scores: mean score of every variant.

    Source:
        Breiman, 2001, Random Forests, section 3.1.
    """
    from sklearn.ensemble import RandomForestRegressor  # takes a second to import

    forest = RandomForestRegressor(n_estimators=_TREES, oob_score=True, random_state=0)
    table = np.column_stack([_one_hot(column) for column in columns.values()])
    return float(forest.fit(table, scores).oob_score_)


def _numbers(column: Column) -> list[float] | None:
    """The numbers of an axis; None if it has levels."""
    numbers = [value for value in column if isinstance(value, float)]
    if len(numbers) < len(column):
        return None
    return numbers


def _distribution(column: Column) -> "BaseDistribution":
    """The axis in Optuna's terms."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    numbers = _numbers(column)
    if numbers is None:
        return CategoricalDistribution(sorted(map(str, set(column))))
    return FloatDistribution(min(numbers), max(numbers))


def _one_hot(column: Column) -> Floats:
    """The axis as columns of numbers: its own, or one for each level."""
    numbers = _numbers(column)
    if numbers is not None:
        return np.array(numbers)[:, None]
    texts = np.array(column)
    return np.asarray(texts[:, None] == np.unique(texts), dtype=np.float64)
