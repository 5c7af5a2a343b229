"""Batch norms that take their statistics over all replicas of a trial."""

import torch
from torch import Tensor, distributed, nn

from dasbench.tasks.task import Replica

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def share_norms(model: nn.Module, replica: Replica) -> None:
    """Let every batch norm of a model take its statistics over all replicas while it trains.

    The modules stay what they are: their names, weights and the hooks by which gates follow them.

    Args:
        model: changed in place.
        replica: says whether the images under way are shared.
    """
    for module in model.modules():
        if isinstance(module, Norm):
            module.forward = _SharedNorm(module, replica)  # type: ignore[method-assign, assignment]


class _SharedNorm:
    """The forward pass of a batch norm: torch's synchronised one, or the same in plain steps."""

    def __init__(self, norm: Norm, replica: Replica) -> None:
        self._norm = norm
        self._replica = replica
        self._on_gpu = _twin(norm)

    def __call__(self, x: Tensor) -> Tensor:
        if not self._norm.training or not self._replica.sharing:
            return type(self._norm).forward(self._norm, x)
        if x.is_cuda:
            out: Tensor = self._on_gpu(x)
            return out
        return _normalise(self._norm, x)


def _twin(norm: Norm) -> nn.SyncBatchNorm:
    """Torch's synchronised batch norm with the very same weights and statistics.

    It knows GPUs only.
    """
    twin = nn.SyncBatchNorm(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    twin.weight, twin.bias = norm.weight, norm.bias
    for name, buffer in norm.named_buffers(recurse=False):
        setattr(twin, name, buffer)
    return twin


def _normalise(norm: Norm, x: Tensor) -> Tensor:
    """Normalise by mean and variance over the images of all replicas.

    They are taken one after the other and summed in double precision, as torch's own batch norm
    does on a CPU: where a channel is almost constant, its map is divided by almost nothing, and the
    slightest error of the mean counts.
    """
    wide, axes = x.float(), [0, *range(2, x.dim())]
    count = torch.full((1,), x.numel() / x.shape[1], dtype=torch.float64)
    sums = _sum_over_replicas(torch.cat([wide.sum(axes, dtype=torch.float64), count]))
    mean, total = sums[:-1] / sums[-1], sums[-1].detach()
    shape = [1, -1, *[1] * (x.dim() - 2)]
    centred = (wide - mean.view(shape)).float()
    variance = _sum_over_replicas(centred.square().sum(axes, dtype=torch.float64)) / total
    _update(norm, mean.detach().float(), variance.detach().float(), float(total))
    out = centred * (variance + norm.eps).rsqrt().float().view(shape)
    if norm.affine:
        out = out * norm.weight.view(shape) + norm.bias.view(shape)
    normalised: Tensor = out.to(x.dtype)
    return normalised


def _update(norm: Norm, mean: Tensor, variance: Tensor, count: float) -> None:
    """Move the running statistics, as torch's own batch norms do."""
    if not norm.track_running_stats:
        return
    assert norm.running_mean is not None, "a norm that tracks statistics has them"
    assert norm.running_var is not None, "a norm that tracks statistics has them"
    assert norm.num_batches_tracked is not None, "a norm that tracks statistics counts its batches"
    norm.num_batches_tracked.add_(1)
    share = norm.momentum
    if share is None:
        share = 1 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean, share)
    norm.running_var.lerp_(variance * (count / (count - 1)), share)


def _sum_over_replicas(x: Tensor) -> Tensor:
    summed: Tensor = _Sum.apply(x)
    return summed


class _Sum(torch.autograd.Function):
    """The sum over all replicas, in every replica; each one's gradient reaches all."""

    @staticmethod
    def forward(_ctx: object, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: object, grad: Tensor) -> Tensor:
        total = grad.clone()
        distributed.all_reduce(total)
        return total
