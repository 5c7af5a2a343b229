"""The `paper` convention: the rules of the module-hook counter behind the paper's figures.

It sees convolutions, linear layers, batch norms and adaptive average pools that are modules, and
nothing else: not the kernel of a deformable convolution, no other norm, no activation, no sampling,
no product. Norms in a gate's norm slots are left out by their role, so that exchanging them does
not move the count.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from dasbench.costs.specimen import Specimen, forward_only, num_parameters
from dasbench.gates.das.norms import NormSlot


def _convolution(module: nn.Conv2d, _x: Tensor, out: Tensor) -> int:
    height, width = module.kernel_size
    return out.numel() * (module.in_channels // module.groups) * height * width


def _linear(module: nn.Linear, _x: Tensor, out: Tensor) -> int:
    return out.numel() * module.in_features


def _batch_norm(module: nn.BatchNorm2d, x: Tensor, _out: Tensor) -> int:
    return x.numel() * (4 if module.affine else 2)


def _adaptive_average_pool(_module: nn.AdaptiveAvgPool2d, x: Tensor, out: Tensor) -> int:
    return x.numel() + out.numel()


Rule = Callable[[Any, Tensor, Tensor], int]
"""(module, its input, its output) -> multiply-adds of the call."""

_RULES: Mapping[type[nn.Module], Rule] = {
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm2d: _batch_norm,
    nn.AdaptiveAvgPool2d: _adaptive_average_pool,
}


@dataclass(frozen=True, kw_only=True)
class PaperCount:
    """What a model costs by the paper's rules.

    Args:
        params: parameters of the modules that the rules see, called or not.
        macs: multiply-adds of one image; bias free.
        params_by_module: parameters by path of the module that owns them.
        macs_by_module: multiply-adds by path of the module that spends them.
    """

    params: int
    macs: int
    params_by_module: Mapping[str, int]
    macs_by_module: Mapping[str, int]


def count_paper(specimen: Specimen) -> PaperCount:
    """Run a model once with a hook on every module that the rules see."""
    seen = list(_seen_modules(specimen.model))
    macs: Counter[str] = Counter()
    hooks = [each.module.register_forward_hook(_adder(macs, each)) for each in seen]
    with forward_only(specimen):
        specimen.model(specimen.image)
    for hook in hooks:
        hook.remove()
    params = {each.path: num_parameters(each.module) for each in seen}
    return PaperCount(
        params=sum(params.values()),
        macs=sum(macs.values()),
        params_by_module=params,
        macs_by_module=dict(macs),
    )


class _Seen(NamedTuple):
    path: str
    module: nn.Module
    rule: Rule


def _seen_modules(model: nn.Module) -> Iterator[_Seen]:
    """Everything that a rule applies to and that stands in no norm slot."""
    modules = model.named_modules()
    slots = tuple(f"{path}." for path, module in modules if isinstance(module, NormSlot))
    for path, module in model.named_modules():
        rule = next((rule for kind, rule in _RULES.items() if isinstance(module, kind)), None)
        if rule is not None and not path.startswith(slots):
            yield _Seen(path, module, rule)


def _adder(macs: Counter[str], seen: _Seen) -> Callable[[nn.Module, tuple[Any, ...], Tensor], None]:
    """Make a hook that adds what one call of a module costs."""

    def add(module: nn.Module, inputs: tuple[Any, ...], out: Tensor) -> None:
        macs[seen.path] += seen.rule(module, inputs[0], out)

    return add
