"""fANOVA of a searched study: what each axis explains of a random forest, and how good the forest is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dasbench.analysis.quiet_optuna import quiet_optuna
from dasbench.analysis.significance import Floats

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

NOT_SET = "(not set)"
"""The level of an axis whose condition does not hold."""

_FEW_LEVELS = (
    10  # of a number: up to so many each level weighs the same; beyond, the axis is a range
)
_BINS = 5  # of a range that is not always set
_TREES = 128
_MOST_COLUMNS = (
    8  # levels with a column each: Optuna's marginals take time that doubles with every such column
)

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
    given = [value for value, text in zip(values, texts, strict=True) if text != NOT_SET]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return _levels(texts)
    numbers = np.array(given, dtype=np.float64)
    known = np.unique(numbers)
    whole = len(given) == len(values)
    if len(known) <= _FEW_LEVELS:
        return np.searchsorted(known, numbers).astype(float).tolist() if whole else _levels(texts)
    if known[0] > 0 and known[-1] / known[0] > 10:
        numbers = np.log10(numbers)
    if whole:
        return [float(number) for number in numbers]
    edges = np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1])
    fifths = iter(np.searchsorted(edges, numbers))
    return [NOT_SET if text == NOT_SET else f"fifth {next(fifths) + 1}" for text in texts]


def _levels(texts: Sequence[str]) -> Column:
    """The levels as they are if they are few, else as their places in the alphabet."""
    known = {text: float(place) for place, text in enumerate(sorted(set(texts)))}
    return list(texts) if len(known) <= _MOST_COLUMNS else [known[text] for text in texts]


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

    names = {
        f"x{index}": axis for index, axis in enumerate(columns)
    }  # names of axes may be anything
    space = {name: _distribution(columns[axis]) for name, axis in names.items()}
    trials = [
        optuna.trial.create_trial(
            params={name: columns[axis][index] for name, axis in names.items()},
            distributions=space,
            value=float(score),
        )
        for index, score in enumerate(scores)
    ]
    with quiet_optuna():
        study = optuna.create_study()
        study.add_trials(trials)
        found = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=0).evaluate(study)
    return {names[name]: float(share) for name, share in found.items()}


def forest_fit(columns: Mapping[str, Column], scores: Floats) -> float:
    """R^2 of such a forest on variants that a tree did not see (out of bag): 1 is perfect, 0 no better than the mean.

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
    return numbers if len(numbers) == len(column) else None


def _distribution(column: Column) -> "BaseDistribution":
    """The axis in Optuna's terms."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    numbers = _numbers(column)
    if numbers is None:
        return CategoricalDistribution(sorted({str(value) for value in column}))
    return FloatDistribution(min(numbers), max(numbers))


def _one_hot(column: Column) -> Floats:
    """The axis as columns of numbers: its own, or one for each level."""
    numbers = _numbers(column)
    if numbers is not None:
        return np.array(numbers)[:, None]
    texts = np.array([str(value) for value in column])
    return np.asarray(texts[:, None] == np.unique(texts), dtype=np.float64)
