"""How many multiply-adds an Einstein summation takes, exactly.

fvcore reads a rounded figure off numpy's report.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import chain
from math import prod

Axes = tuple[Hashable, ...]


def einsum_macs(equation: str, shapes: Sequence[Sequence[int]]) -> int:
    """Count the multiply-adds of an einsum whose operands are contracted from left to right.

    Two operands take the product of the sizes of all their axes. One operand takes one per element
    if an axis is summed, and nothing if the axes are only reordered.

    Args:
        equation: as `torch.einsum` takes it, with or without `->` and `...`.
        shapes: the operands' sizes.

    Example:
        >>> einsum_macs("bik,bkj->bij", [(2, 3, 5), (2, 5, 7)])
        210
        >>> einsum_macs("...c->...", [(4, 6)])
        24
    """
    terms, arrow, result = equation.replace(" ", "").partition("->")
    operands: list[Axes] = []
    size: dict[Hashable, int] = {}
    for term, sizes in zip(terms.split(","), shapes, strict=True):
        axes = _axes(term, len(sizes))
        operands.append(axes)
        for axis, extent in zip(axes, sizes, strict=True):
            size[axis] = max(extent, size.get(axis, 1))
    kept = _result_axes(result, operands) if arrow else _implied_axes(operands)
    if len(operands) == 1:
        return prod(size.values()) if set(operands[0]) - kept else 0
    total, left = 0, set(operands[0])
    for position, right in enumerate(operands[1:], start=2):
        left |= set(right)
        total += prod(size[axis] for axis in left)
        left &= kept.union(*operands[position:])
    return total


def _axes(term: str, num_axes: int) -> Axes:
    """A name for every axis of an operand; those of an ellipsis are numbered from the right.

    Example:
        >>> _axes("b...k", 4)
        ('b', 1, 0, 'k')
    """
    before, ellipsis, after = term.partition("...")
    num_hidden = num_axes - len(before) - len(after) if ellipsis else 0
    return (*before, *reversed(range(num_hidden)), *after)


def _result_axes(result: str, operands: Sequence[Axes]) -> set[Hashable]:
    """The axes of an explicit result."""
    axes: set[Hashable] = set(result.replace("...", ""))
    if "..." in result:
        axes.update(axis for axis in chain(*operands) if isinstance(axis, int))
    return axes


def _implied_axes(operands: Sequence[Axes]) -> set[Hashable]:
    """The axes of a result that is left out: those of an ellipsis, and letters that occur once."""
    times = Counter(chain(*operands))
    return {axis for axis, number in times.items() if isinstance(axis, int) or number == 1}
