"""How a training process computes: in which precision, and whether a trial repeats bit for bit."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.utils.deterministic

from dasbench.catalog import TASKS
from dasbench.spec.trial import Trial

_INDETERMINATE = re.compile(r"(?s)\s*(\S+) does not have a deterministic implementation")
"""How torch begins to say that an operator has none."""


def set_arithmetic(
    trial: Trial, device: torch.device, *, deterministic: bool | None = None
) -> None:
    """Fix how this process computes. Call it before each trial: workers are reused.

    On a CPU a trial is bit-identical at the same thread count. On a GPU that is so for the
    operators that have a deterministic form, if it is asked for; those of the deformable
    convolution and of grid sampling have none. If it is not, cuDNN tries out its algorithms where
    all batches of the trial's task have images of one size.

    A GPU's convolutions and matrix products in 32 bits are IEEE's for the precision `fp32`, and
    TF32 (10 bits of mantissa) for `tf32` and for what `bf16` leaves in 32 bits. A CPU's are IEEE's.

    Args:
        trial: what is computed.
        device: where.
        deterministic: whether operators take their deterministic form; None for a CPU alone.

    Example:
        >>> set_arithmetic(Trial(backbone="resnet18", dataset="digits"), torch.device("cpu"))
        >>> torch.are_deterministic_algorithms_enabled()
        True
    """
    on_gpu = device.type == "cuda"
    if deterministic is None:
        deterministic = not on_gpu
    tf32 = on_gpu and trial.training.precision != "fp32"
    one_size = TASKS[trial.task.name].traits.fixed_sizes
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = on_gpu and one_size and not deterministic
    if deterministic and on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # else torch fills every new tensor with NaN before it is written to: the same bits, later
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@contextmanager
def noting_indeterminate() -> Iterator[set[str]]:
    """Collect the names of operators without a deterministic form, instead of warnings.

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
