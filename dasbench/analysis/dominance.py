"""Which rows of a table of costs no other row dominates, by divide and conquer."""

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.significance import Floats

_SMALL = 1 << 15  # comparisons that are quicker made all at once than divided further


def undominated(rows: Floats) -> NDArray[np.bool_]:
    """Mark the undominated of rows that are all different and in lexical order.

    A row can only dominate later ones. So an earlier row dominates a later one as soon as
    it is no worse in all objectives but the first. O(N) for two objectives, O(N log^(k - 1) N)
    for more.

    Args:
        rows: one row for each point, less is better in every column; sorted, without copies,
            without NaN.

    Shape:
        [N, k] -> [N]

    Source:
        Kung, Luccio and Preparata, 1975, On finding the maxima of a set of vectors.

    Example:
        >>> undominated(np.array([[1.0, 5.0, 2.0], [1.0, 6.0, 3.0], [2.0, 4.0, 9.0]]))
        array([ True, False,  True])
    """
    survives = np.zeros(len(rows), dtype=np.bool_)
    survives[:1] = True
    if len(rows) < 2 or rows.shape[1] == 1:
        return survives
    if rows.shape[1] == 2:
        survives[1:] = rows[1:, 1] < np.minimum.accumulate(rows[:-1, 1])
        return survives
    if len(rows) * len(rows) <= _SMALL:
        no_worse = (rows[:, None, 1:] <= rows[None, :, 1:]).all(axis=2)
        return np.asarray(~np.triu(no_worse, k=1).any(axis=0), dtype=np.bool_)
    middle = len(rows) // 2
    top, bottom = undominated(rows[:middle]), undominated(rows[middle:])
    bottom[bottom] = ~_is_covered(rows[middle:][bottom, 1:], rows[:middle][top, 1:])
    return np.concatenate([top, bottom])


def _is_covered(rows: Floats, by: Floats) -> NDArray[np.bool_]:
    """Mark the rows for which some row of `by` is no worse in any column.

    Divides both at the median of the first column: the upper half of `by` cannot cover the lower
    half of `rows`, and the lower half of `by` covers the upper half of `rows` as soon as it does so
    in the remaining columns.
    """
    covered = np.zeros(len(rows), dtype=np.bool_)
    if len(rows) == 0 or len(by) == 0:
        return covered
    if rows.shape[1] == 2:
        order = np.argsort(by[:, 0])
        lowest = np.minimum.accumulate(by[order, 1])
        place = np.searchsorted(by[order, 0], rows[:, 0], side="right")
        covered[:] = (place > 0) & (lowest[place - 1] <= rows[:, 1])
        return covered
    if len(rows) * len(by) <= _SMALL:
        covered[:] = np.any(np.all(by[None] <= rows[:, None], axis=2), axis=1)
        return covered
    values = np.unique(np.concatenate([rows[:, 0], by[:, 0]]))
    if len(values) == 1:
        return _is_covered(rows[:, 1:], by[:, 1:])
    cut = values[len(values) // 2]
    low, by_low = rows[:, 0] < cut, by[:, 0] < cut
    covered[low] = _is_covered(rows[low], by[by_low])
    covered[~low] = _is_covered(rows[~low, 1:], by[by_low, 1:]) | _is_covered(
        rows[~low], by[~by_low]
    )
    return covered
