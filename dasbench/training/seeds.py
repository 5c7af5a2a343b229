"""Determinism of a training process: threads, algorithms, and torch's own random state."""

import os
import warnings

import torch

from dasbench.seeds import derive_seed


def make_deterministic(*, threads: int) -> None:
    """Fix everything that a result may depend on besides the trial. Call it before each trial: workers are reused.

    On a CPU a trial is then bit-identical at the same thread count. On CUDA the backward passes of the deformable
    convolution and of grid sampling have no deterministic form; they run all the same, and the outcome's environment
    says so.

    Args:
        threads: of torch's operators.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")


def seed_epoch(seed: int, epoch: int) -> None:
    """Start torch's global random stream (dropout) afresh for an epoch, so that a resumed run sees the same."""
    torch.manual_seed(derive_seed(seed, "epoch", epoch))
