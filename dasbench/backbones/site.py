"""Where a gate may go in a network: sites, and the backbone that offers them."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

After = Literal["stage", "block", "before_add", "inside"]
"""Kinds of places.

A stage's end, a block's end (after its skip connection), just before the addition, or inside of a
block, after the norm of its middle convolution.
"""


@dataclass(frozen=True)
class Site:
    """A place where a gate can stand: it replaces the output `[B, channels, H, W]` of a module.

    Args:
        path: dotted path of the module whose output is gated (`layer1.0.bn2`).
        stage: number of the stage, from 1.
        channels: channels of that output.
        after: which kind of place this is.
        block: number of the block in its stage, from 0; None for a stage's end.
    """

    path: str
    stage: int
    channels: int
    after: After
    block: int | None = None

    @property
    def parent(self) -> str:
        """The path of the module in which the gated one stands."""
        return self.path.rpartition(".")[0]

    @property
    def child(self) -> str:
        """The name of the gated module in its parent."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Backbone:
    """A classification network and its sites, in the order in which data passes them.

    Args:
        module: images `[B, 3, H, W]` -> logits `[B, classes]`.
        sites: every place where a gate can stand.
        takes: which images it takes, in words, if not any (`224x224 px alone`).
    """

    module: nn.Module
    sites: tuple[Site, ...]
    takes: str = ""
