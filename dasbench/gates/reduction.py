"""The width of a gate's hidden layer, as the literature's reduction ratio r gives it."""

from typing import Annotated

from annotated_types import Ge

Reduction = Annotated[int, Ge(1)]
"""The ratio r of a gate's channels to the width of its hidden layer."""


def hidden_width(channels: int, reduction: int) -> int:
    """Divide the channels by the reduction ratio: rounded down, at least 1.

    Args:
        channels: channels of the map.
        reduction: the ratio r.

    Example:
        >>> hidden_width(64, 16), hidden_width(24, 16), hidden_width(8, 16)
        (4, 1, 1)
    """
    return max(1, channels // reduction)
