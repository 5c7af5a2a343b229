"""The refusal to train a batch norm on single values, in words that say what to do."""

from torch import Tensor, nn

from dasbench.errors import ModelError


def refuse_single_values(norm: nn.Module, x: Tensor) -> None:
    """Refuse one value per channel, by whose spread a batch norm in train mode would divide.

    Args:
        norm: the batch norm; in eval mode, where it uses stored statistics, it takes anything.
        x: what it is about to normalise: [B, C], or [B, C, H, W].

    Raises:
        ModelError: if each channel has one value: one image, and a map that is or was squeezed to
            1x1.

    Example:
        >>> import torch
        >>> refuse_single_values(nn.BatchNorm1d(8).eval(), torch.zeros(1, 8))
    """
    if norm.training and x.numel() == x.shape[1]:
        raise ModelError(
            "cannot train on a batch of one image here: batch norm would see a single value per "
            "channel, which has no variance; use batches of 2 images or more and drop a last "
            "batch of one"
        )
