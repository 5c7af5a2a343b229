"""How a training process computes: in which precision, and whether the same trial gives the same bits."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
import torch.utils.deterministic

Precision = Literal["fp32", "tf32", "bf16"]

_INDETERMINATE = re.compile(r"(?s)\s*(\S+) does not have a deterministic implementation")
"""How torch begins to say that an operator has none."""


def set_arithmetic(
    device: torch.device,
    *,
    precision: Precision = "fp32",
    deterministic: bool | None = None,
    fixed_sizes: bool = True,
) -> None:
    """Fix how this process computes. Call it before each trial: workers are reused.

    On a CPU a trial is bit-identical at the same thread count. On a GPU that is so for the operators that have a
    deterministic form, if it is asked for; those of the deformable convolution and of grid sampling have none.

    Args:
        device: where the trial is trained.
        precision: of convolutions and matrix products in 32 bits on a GPU: IEEE for `fp32`, TF32 (10 bits of mantissa)
            for `tf32`, and for what `bf16` leaves in 32 bits. A CPU computes them in IEEE.
        deterministic: whether operators take their deterministic form; None for a CPU alone.
        fixed_sizes: whether all batches have images of one size, so that it pays to try out cuDNN's algorithms.
    """
    on_gpu = device.type == "cuda"
    exact = not on_gpu if deterministic is None else deterministic
    tf32 = on_gpu and precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = on_gpu and fixed_sizes and not exact
    if exact and on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(exact, warn_only=True)
    # else torch fills every new tensor with NaN before it is written to: the same bits, later
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@contextmanager
def noting_indeterminate() -> Iterator[set[str]]:
    """Collect the names of the operators that had no deterministic form, instead of a warning of each.

    Example:
        >>> with noting_indeterminate() as names:
        ...     warnings.warn("cumsum_cuda does not have a deterministic implementation, but ...")
        >>> names
        {'cumsum_cuda'}
    """
    names: set[str] = set()
    with warnings.catch_warnings():
        show = warnings.showwarning

        def note(message: Warning | str, *rest: object) -> None:
            found = _INDETERMINATE.match(str(message))
            if found:
                names.add(found[1])
            else:
                show(message, *rest)  # type: ignore[arg-type]

        warnings.showwarning = note  # type: ignore[assignment]
        warnings.filterwarnings("default", message=_INDETERMINATE.pattern)
        yield names
