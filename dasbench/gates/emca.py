"""EMCA: channels scaled by a gate from the means of this block and of the stage before."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError
from dasbench.gates.attachment import NotAttached, PassMemory
from dasbench.gates.reduction import Reduction, hidden_width
from dasbench.gates.traits import Place


@GATES.register(
    "emca",
    source="Bakr et al. 2022, EMCA: Efficient multiscale channel attention module, IEEE Access "
    "10, 103447",
    placement={"after": "before_add", "blocks": "first"},
)
class MultiscaleChannelAttention(nn.Module):
    """Scale every channel by a gate from this map's means and those of the stage before (EMCA-SE).

    `m_i = mean_hw(x_i)`, `z_c = relu(sum_i w_i m_i,c)`, `out = x * sigmoid(W2 relu(W1 z))`, where i
    runs over the blocks of the previous stage (before the first stage: the stem) and this block.
    The means of the earlier maps are repeated to C channels: channel c reads channel `c mod C_i`.
    There is one weight `w_i` for each map.

    The means are those of the maps at the same place in each block (before the addition, by
    default), before they pass any gate. A hook on each of these modules notes them during the
    forward pass, and the gate uses them up; so a part of the network cannot be run alone. Threads
    may share a network. `nn.DataParallel` may not split it, as it may split no gated network;
    `DistributedDataParallel` may.

    Figures and code of the authors are in conflict, and the code, as released, cannot run this
    variant. Decided here:

    - The factors are the sigmoid (figures) or one more than it (code): `amplify`.
    - Earlier maps are read before they pass a gate (code), not after it (figures).
    - Before the first stage the stem is read (code, and the published parameters), not nothing
      (figures); after its pool, where it enters the first block (code).
    - The gate stands in the first block of each stage (figures, and the published parameters), not
    in all (code).

    Differs from the authors' code: there, `w_i` start as torch starts a convolution, at random;
    here all maps count alike. The stem's means are positive, so that with a negative weight for
    them the ReLU can shut the first gate for good, as it did in 12 of 40 random starts of a
    ResNet-18.

    Args:
        channels: channels C of the map.
        reduction: the hidden layer has C / reduction channels, at least 1; 16 in the paper.
        amplify: whether to multiply by one more than the sigmoid, as the authors' code does.

    Shape:
        [B, C, H, W] -> the same

    Raises:
        ModelError: if it is not attached, or if the stage before did not run in the same forward
            pass.

    Example:
        >>> from dasbench.backbones.site import Site
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 1))
        >>> sites = Site("0", 1, 8, "block"), Site("1", 2, 16, "block")
        >>> gate = MultiscaleChannelAttention(16)
        >>> gate.attach(net, sites[1], sites)
        >>> gate(net(torch.zeros(2, 3, 7, 5))).shape
        torch.Size([2, 16, 7, 5])
    """

    def __init__(self, channels: int, *, reduction: Reduction = 16, amplify: bool = False) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.amplify = amplify
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.mix: nn.Module = NotAttached()
        self.reduce = nn.Linear(channels, hidden, bias=False)
        self.expand = nn.Linear(hidden, channels, bias=False)
        self.heard = PassMemory()
        self.num_earlier = 0

    def attach(self, backbone: nn.Module, site: Place, sites: Sequence[Place]) -> None:
        """Listen to the blocks of the stage before (see `dasbench.gates.traits.NeedsBackbone`)."""
        earlier = [
            other for other in sites if other.stage == site.stage - 1 and other.after == site.after
        ]
        for number, other in enumerate(earlier):
            backbone.get_submodule(other.path).register_forward_hook(_Listener(self, number))
        if not earlier:
            backbone.get_submodule(_first_block(site, sites).path).register_forward_pre_hook(
                _Listener(self, 0)
            )
        self.num_earlier = max(1, len(earlier))
        num_maps = self.num_earlier + 1
        self.mix = nn.Conv1d(1, 1, num_maps, stride=num_maps, bias=False)
        nn.init.constant_(self.mix.weight, 1 / num_maps)

    def hear(self, number: int, x: Tensor) -> None:
        """Note the means of an earlier map."""
        self.heard.put(number, self.squeeze(x).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        own = self.squeeze(x).flatten(1)
        means = torch.stack(
            [*(_repeat_over(mean, x.shape[1]) for mean in self._earlier(x)), own], dim=2
        )
        mixed = torch.relu(self.mix(means.flatten(1).unsqueeze(1)).squeeze(1))
        scale = torch.sigmoid(self.expand(torch.relu(self.reduce(mixed))))
        if self.amplify:
            scale = scale + 1
        return x * scale[:, :, None, None]

    def _earlier(self, x: Tensor) -> list[Tensor]:
        """The means [B, C_i] of the earlier maps of this forward pass, each used once."""
        means = self.heard.take()
        if len(means) != self.num_earlier:
            raise ModelError(
                f"the gate heard {len(means)} of the {self.num_earlier} earlier maps that it "
                "reads; run the whole network at once, on one device"
            )
        tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if not tracing and any(len(mean) != len(x) for mean in means):
            raise ModelError(
                f"a batch of {len(x)} images follows on earlier maps of a batch of "
                f"{len(means[0])}; run the whole network at once"
            )
        return means


class _Listener:
    """Notes what a module puts out (forward hook) or takes in (forward pre-hook), for a gate."""

    def __init__(self, gate: MultiscaleChannelAttention, number: int) -> None:
        self.gate = gate
        self.number = number

    def __call__(
        self, module: nn.Module, args: tuple[Tensor, ...], output: Tensor | None = None
    ) -> None:
        if output is None:
            output = args[0]
        self.gate.hear(self.number, output)


def _first_block(site: Place, sites: Sequence[Place]) -> Place:
    """The first block of the site's own stage."""
    for other in sites:
        if other.stage == site.stage and other.after == "block":
            return other
    raise ModelError(
        f"the backbone has neither a stage before '{site.path}' nor a first block, whose input is "
        "the stem"
    )


def _repeat_over(mean: Tensor, channels: int) -> Tensor:
    """Repeat [B, C_i] over the channels, up to [B, channels]."""
    times = -(-channels // mean.shape[1])
    return mean.repeat(1, times)[:, :channels]
