"""No gate: the plain backbone, as every comparison's baseline."""

from torch import nn

from dasbench.catalog import GATES


@GATES.register("none", source="the backbone as published, without attention")
class NoGate(nn.Identity):
    """Pass features on as they are.

    Args:
        channels: channels of the map; any.

    Shape:
        [B, channels, H, W] -> the same tensor

    Example:
        >>> import torch
        >>> x = torch.randn(2, 8, 4, 4)
        >>> NoGate(8)(x) is x
        True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
