"""Analysis of variance of a factorial study: what each axis and each pair of axes explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.families import holm
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import ALPHA, known_number
from dasbench.analysis.uneven import (
    ExpectedSquares,
    TrialNoise,
    expected_squares,
    noise_of_trials,
)

SEEDS, HIGHER, RESIDUAL = "seeds", "three or more axes", "residual"
"""The parts of the variance that are no axis and no pair: blocks, higher interactions, noise."""

_FLAT = 1e-12  # of the total: a sum of squares below it is rounding
_RANK = 1e-9  # of the largest singular value: smaller ones belong to columns that depend on others


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One line of the analysis.

    Args:
        axes: one axis, a pair of axes, or the name of another part of the variance.
        df: degrees of freedom.
        sum_squares: Type II sum of squares; None where only a share is known.
        share: of the total sum of squares. It holds noise: an axis without any effect has about df
            / (trials - 1).
        f: its sum of squares over what noise alone would explain; None where nothing can be tested.
        p: its p value.
        p_holm: `p` adjusted for testing all axes and pairs.
    """

    axes: tuple[str, ...]
    df: int | None = None
    sum_squares: float | None = None
    share: float
    f: float | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def name(self) -> str:
        """`first_norm`, or `first_norm x second_norm`."""
        return " x ".join(self.axes)

    @property
    def resolved(self) -> bool:
        """Whether it stands out of the noise, all tests considered."""
        return self.p_holm is not None and self.p_holm <= ALPHA


@dataclass(frozen=True)
class _Fit:
    """What a linear model leaves over.

    Args:
        residual: sum of squares.
        df: its degrees of freedom.
    """

    residual: float
    df: int


def anova(
    levels: Mapping[str, Sequence[str]], scores: Floats, seeds: Sequence[int]
) -> list[Effect]:
    """Split the variance of scores into axes, pairs, seeds, higher interactions and residual.

    Seeds are blocks: what a seed adds to all variants alike is taken out first. Sums of squares are
    of Type II, by least squares: with every variant at every seed they are those of the textbook
    and add up to the total; with missing trials each is what the axis explains beyond the others,
    and they need not add up. The residual is what is left within variants after the seeds; with one
    seed there is none, and nothing is tested. A sum of squares is tested against what the noise of
    each variant would explain by chance, so that one wild variant makes nothing important.

    Args:
        levels: level of every trial, by axis.
        scores: score of every trial.
        seeds: seed of every trial.

    Shape:
        scores: [n], and n levels and seeds

    Source:
        Fisher, 1925, Statistical Methods for Research Workers; Yates, 1934 (Type II); Box, 1954,
        and Brunner, Dette and Munk, 1997 (unequal variances); Holm, 1979.

    Raises:
        ValueError: if the lengths differ, or a score is not finite.

    Example:
        >>> levels, scores = ["x", "x", "y", "y"] * 2, np.array([1.0, 1.2, 3.0, 3.1] * 2)
        >>> table = anova({"a": levels}, scores, [0, 1, 0, 1, 2, 3, 2, 3])
        >>> [(effect.name, effect.df, round(effect.share, 3)) for effect in table]
        [('a', 1, 0.993), ('seeds', 3, 0.006), ('residual', 3, 0.001)]
    """
    if len({len(scores), len(seeds), *map(len, levels.values())}) > 1:
        raise ValueError("every trial needs a score, a seed and a level of each axis")
    if not np.isfinite(scores).all():
        raise ValueError("scores have to be finite; leave the trial out")
    terms, blocks = _terms(levels), _columns(list(map(str, seeds)))
    cells = list(zip(*levels.values(), strict=True))
    model = _Model(terms, scores, blocks, noise_of_trials(cells, scores, seeds))
    total = float(((scores - scores.mean()) ** 2).sum())
    noise = _within_cells(cells, scores, blocks)
    effects = [_effect(model, term, terms, noise=noise, total=total) for term in terms]
    rest = _other_parts(model, list(terms), noise, total=total, num_trials=len(scores))
    return [*_with_holm(effects), *rest]


def _terms(levels: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], Floats]:
    """The columns of each axis and of each pair of axes."""
    terms: dict[tuple[str, ...], Floats] = {}
    for axis, own in levels.items():
        terms[(axis,)] = _columns(own)
    for a, b in combinations(levels, 2):
        products = terms[(a,)][:, :, None] * terms[(b,)][:, None]
        terms[(a, b)] = products.reshape(len(products), -1)
    return terms


def _with_holm(effects: Sequence[Effect]) -> list[Effect]:
    """The effects with their p values adjusted for testing all that could be tested."""
    p_values = np.array([effect.p for effect in effects], dtype=np.float64)  # NaN for None
    p_holm = map(known_number, holm(p_values))
    return [replace(effect, p_holm=p) for effect, p in zip(effects, p_holm, strict=True)]


class _Model:
    """Least squares of any choice of terms, each from one table of products.

    Args:
        terms: columns of each term.
        scores: what is fitted.
        blocks: columns of the seeds, in every model together with the mean.
        noise: of each trial; None if all have the same.
    """

    def __init__(
        self,
        terms: Mapping[tuple[str, ...], Floats],
        scores: Floats,
        blocks: Floats,
        noise: TrialNoise | None,
    ) -> None:
        constant = np.column_stack([np.ones(len(scores)), blocks])
        self._columns = np.column_stack([constant, *terms.values()])
        self._products = self._columns.T @ self._columns
        self._targets = self._columns.T @ (scores - scores.mean())
        self._noise = noise
        self._total = float(((scores - scores.mean()) ** 2).sum())
        self._num_trials = len(scores)
        self._constant = range(constant.shape[1])
        self._places = {}
        start = constant.shape[1]
        for term, own in terms.items():
            self._places[term] = range(start, start + own.shape[1])
            start += own.shape[1]

    def fit(self, terms: Sequence[tuple[str, ...]]) -> _Fit:
        """What the mean, the seeds and these terms leave over."""
        chosen = self._chosen(terms)
        values, vectors = np.linalg.eigh(self._products[np.ix_(chosen, chosen)])
        kept = values > _RANK * values[-1]
        explained = (vectors[:, kept].T @ self._targets[chosen]) ** 2 / values[kept]
        return _Fit(
            max(0.0, self._total - float(explained.sum())), self._num_trials - int(kept.sum())
        )

    def _chosen(self, terms: Sequence[tuple[str, ...]]) -> list[int]:
        """The columns of the mean, the seeds and these terms."""
        places = [self._constant, *map(self._places.__getitem__, terms)]
        return list(chain.from_iterable(places))

    def expected(
        self, term: tuple[str, ...], others: Sequence[tuple[str, ...]]
    ) -> ExpectedSquares | None:
        """What noise alone would explain by a term beyond others; None if all noise is the same."""
        if self._noise is None:
            return None
        known, own = self._chosen(others), list(self._places[term])
        solution = np.linalg.pinv(self._products[np.ix_(known, known)], rcond=_RANK, hermitian=True)
        shadow = solution @ self._products[np.ix_(known, own)]
        beyond = self._columns[:, own] - self._columns[:, known] @ shadow
        values, vectors = np.linalg.eigh(beyond.T @ beyond)
        kept = values > _RANK * self._num_trials
        return expected_squares(beyond @ (vectors[:, kept] / np.sqrt(values[kept])), self._noise)


def _columns(levels: Sequence[str]) -> Floats:
    """One column for each level but the last.

    The last is minus one in all of them, so that columns sum to zero.
    """
    known, place = np.unique(np.array(levels, dtype=object).astype(str), return_inverse=True)
    coded = np.vstack([np.eye(len(known) - 1), -np.ones(len(known) - 1)])
    return np.asarray(coded[place], dtype=np.float64)


def _effect(
    model: _Model,
    term: tuple[str, ...],
    terms: Mapping[tuple[str, ...], Floats],
    *,
    noise: _Fit,
    total: float,
) -> Effect:
    """A term against the model of all terms that do not contain it."""
    from scipy.special import fdtrc  # here for start-up time

    others = [other for other in terms if not set(term) <= set(other)]
    without, with_it = model.fit(others), model.fit([*others, term])
    df, sum_squares = without.df - with_it.df, max(0.0, without.residual - with_it.residual)
    share = _share(sum_squares, total)
    if df == 0 or noise.df == 0 or noise.residual <= _FLAT * total:
        return Effect(axes=term, df=df, sum_squares=sum_squares, share=share)
    squares = model.expected(term, others)
    if squares is None:
        squares = ExpectedSquares(df * noise.residual / noise.df, df, noise.df)
    f = sum_squares / squares.mean
    p = float(fdtrc(squares.df, squares.noise_df, f))
    return Effect(axes=term, df=df, sum_squares=sum_squares, share=share, f=f, p=p)


def _within_cells(cells: Sequence[tuple[str, ...]], scores: Floats, blocks: Floats) -> _Fit:
    """The noise: what variants and seeds together leave over, each taken as it is."""
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    place = np.array([numbers[cell] for cell in cells])
    y, x = _minus_cell_means(scores[:, None], place)[:, 0], _minus_cell_means(blocks, place)
    if x.shape[1] == 0:
        return _Fit(float((y**2).sum()), len(scores) - len(numbers))
    solution, _, rank, _ = np.linalg.lstsq(x, y, rcond=_RANK)
    return _Fit(float(((y - x @ solution) ** 2).sum()), len(scores) - len(numbers) - int(rank))


def _minus_cell_means(columns: Floats, place: NDArray[np.int64]) -> Floats:
    """Columns without the mean of their cell."""
    sums = np.zeros((place.max(initial=-1) + 1, columns.shape[1]))
    np.add.at(sums, place, columns)
    return np.asarray(columns - (sums / np.bincount(place)[:, None])[place], dtype=np.float64)


def _other_parts(
    model: _Model, terms: Sequence[tuple[str, ...]], noise: _Fit, *, total: float, num_trials: int
) -> list[Effect]:
    """Seeds, higher interactions and residual."""
    alone, whole = model.fit([]), model.fit(terms)
    higher_df = max(0, whole.df - noise.df)
    parts = [_part(SEEDS, num_trials - 1 - alone.df, total - alone.residual, total)]
    if higher_df > 0:
        higher = max(0.0, whole.residual - noise.residual)
        parts.append(_part(HIGHER, higher_df, higher, total))
    parts.append(_part(RESIDUAL, noise.df, noise.residual, total))
    return parts


def _part(name: str, df: int, sum_squares: float, total: float) -> Effect:
    """A part of the variance that is no axis and no pair."""
    return Effect(axes=(name,), df=df, sum_squares=sum_squares, share=_share(sum_squares, total))


def _share(sum_squares: float, total: float) -> float:
    if total <= 0:
        return 0.0
    return sum_squares / total
