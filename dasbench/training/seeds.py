"""Torch's own random state in a training."""

import torch

from dasbench.seeds import derive_seed


def seed_epoch(seed: int, epoch: int) -> None:
    """Start torch's global random stream (dropout) afresh for an epoch, as a resumed run does."""
    torch.manual_seed(derive_seed(seed, "epoch", epoch))
