"""How many multiply-adds an Einstein summation takes, exactly (fvcore reads a rounded figure off numpy's report)."""

from collections.abc import Hashable, Sequence
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
    operands = [
        _axes(term, len(sizes)) for term, sizes in zip(terms.split(","), shapes, strict=True)
    ]
    size: dict[Hashable, int] = {}
    for axes, sizes in zip(operands, shapes, strict=True):
        for axis, extent in zip(axes, sizes, strict=True):
            size[axis] = max(extent, size.get(axis, 1))
    kept = _kept(result, operands) if arrow else _implied(operands)
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


def _kept(result: str, operands: Sequence[Axes]) -> set[Hashable]:
    """The axes of an explicit result."""
    hidden = {axis for axes in operands for axis in axes if isinstance(axis, int)}
    return set(result.replace("...", "")) | (hidden if "..." in result else set())


def _implied(operands: Sequence[Axes]) -> set[Hashable]:
    """The axes of a result that is left out: those of an ellipsis and every letter that occurs once."""
    every = [axis for axes in operands for axis in axes]
    return {axis for axis in every if isinstance(axis, int) or every.count(axis) == 1}
