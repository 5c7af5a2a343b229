"""A second opinion: ptflops' count beside the `full` one, and what explains the difference."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from typing import NamedTuple

from ptflops import get_model_complexity_info
from ptflops.pytorch_ops import MODULES_MAPPING
from torch import nn

from dasbench.costs.full_count import count_full
from dasbench.costs.specimen import Specimen, forward_only, take_specimen
from dasbench.errors import DasbenchError
from dasbench.spec.network import InputSize

TOLERANCE = 0.01
"""Relative difference that may stay unexplained: ptflops adds biases, counts norms otherwise."""

_CHARGED_BY_PTFLOPS: tuple[type[nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.PReLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.GELU,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d,
)
"""Modules to which ptflops gives one operation per element, and which `full` takes as free."""


@dataclass(frozen=True, kw_only=True)
class CrossCheck:
    """Two counts of the same model.

    Args:
        input_size: (channels, height, width) of the image.
        params_full: all parameters, by our count.
        params_ptflops: the same by ptflops.
        macs_full: multiply-adds by our count.
        macs_ptflops: multiply-adds by ptflops, module leaves only: the figure that the paper prints
            for plain networks.
        unseen: multiply-adds of `full` that ptflops does not see, by class of the module that
            spends them.
        charged: operations that ptflops counts for activations and max pools, which `full` takes as
            free.
        tolerance: relative difference that may stay unexplained.
        version: version of ptflops.
    """

    input_size: InputSize
    params_full: int
    params_ptflops: int
    macs_full: int
    macs_ptflops: int
    unseen: Mapping[str, int]
    charged: int
    tolerance: float
    version: str

    @property
    def difference(self) -> float:
        """How far ptflops' figure lies from ours: -0.05 says that it is 5 % lower."""
        return self.macs_ptflops / self.macs_full - 1 if self.macs_full else 0.0

    @property
    def unexplained(self) -> float:
        """What is left of the difference once `unseen` and `charged` are accounted for."""
        alike = self.macs_ptflops + sum(self.unseen.values()) - self.charged
        return (alike - self.macs_full) / self.macs_full if self.macs_full else 0.0

    @property
    def agrees(self) -> bool:
        """Whether the parameters are equal and the multiply-adds differ within the tolerance."""
        return self.params_full == self.params_ptflops and abs(self.unexplained) <= self.tolerance

    def explain(self) -> str:
        """The difference in one line."""
        parts = [f"{name} {macs:,} not seen by ptflops" for name, macs in self.unseen.items()]
        if self.charged:
            parts.append(f"activations and max pools {self.charged:,} counted by ptflops alone")
        parts.append(f"unexplained {self.unexplained:+.3%} (tolerance {self.tolerance:.0%})")
        return f"ptflops {self.difference:+.2%}: " + "; ".join(parts)


def cross_check(
    model: nn.Module, input_size: InputSize, *, tolerance: float = TOLERANCE
) -> CrossCheck:
    """Count a model by ptflops too, on copies; nothing is printed.

    Args:
        model: as for `measure_cost`.
        input_size: (channels, height, width) of the image.
        tolerance: relative difference that may stay unexplained.

    Raises:
        DasbenchError: if ptflops could not count the model; the message is ptflops' own.

    Example:
        >>> stem = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU())
        >>> check = cross_check(stem, (3, 10, 10))
        >>> check.agrees, check.charged
        (True, 512)
        >>> print(check.explain().partition(";")[0])
        ptflops +3.70%: activations and max pools 512 counted by ptflops alone
    """
    specimen = take_specimen(model, input_size)
    full = count_full(specimen)
    unseen = _unseen_macs(specimen.model, full.by_module)
    theirs = _count_by_ptflops(specimen)
    without_charged = _count_by_ptflops(specimen, ignore=_CHARGED_BY_PTFLOPS)
    return CrossCheck(
        input_size=input_size,
        params_full=full.params,
        params_ptflops=theirs.params,
        macs_full=full.macs,
        macs_ptflops=theirs.macs,
        unseen=unseen,
        charged=theirs.macs - without_charged.macs,
        tolerance=tolerance,
        version=version("ptflops"),
    )


class LeafCount(NamedTuple):
    """What ptflops counts: the `module_leaves` convention.

    By it the paper prints plain networks and other gates.

    Args:
        macs: multiply-adds of leaf modules alone.
        params: all parameters.
    """

    macs: int
    params: int


def count_module_leaves(model: nn.Module, input_size: InputSize) -> LeafCount:
    """Count a model by ptflops alone, on a copy; nothing is printed.

    Args:
        model: as for `measure_cost`.
        input_size: (channels, height, width) of the image.

    Raises:
        DasbenchError: if ptflops could not count the model; the message is ptflops' own.

    Example:
        >>> stem = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU())
        >>> count_module_leaves(stem, (3, 10, 10))
        LeafCount(macs=14336, params=216)
    """
    return _count_by_ptflops(take_specimen(model, input_size))


def _count_by_ptflops(specimen: Specimen, *, ignore: tuple[type[nn.Module], ...] = ()) -> LeafCount:
    """Count the module leaves by ptflops, on our image: its own is uninitialised memory."""
    model = specimen.model.requires_grad_(True)  # it leaves frozen parameters out
    printed = io.StringIO()
    with forward_only(specimen), redirect_stdout(printed), redirect_stderr(printed):
        macs, params = get_model_complexity_info(
            model,
            tuple(specimen.image.shape[1:]),
            print_per_layer_stat=False,
            as_strings=False,
            input_constructor=lambda _: specimen.image,
            ost=printed,
            ignore_modules=list(ignore),
            backend="pytorch",
            backend_specific_config={"count_functional": False},
        )
    if macs is None:
        raise DasbenchError(f"ptflops cannot count this model: {printed.getvalue().strip()}")
    return LeafCount(macs=macs, params=params)


def _unseen_macs(model: nn.Module, macs: Mapping[str, int]) -> dict[str, int]:
    """Multiply-adds of modules that are no leaf of ptflops', by class; zeros left out."""
    unseen: Counter[str] = Counter()
    for path, module in _unsupported_modules(model):
        own = macs.get(path, 0)
        for name, _ in module.named_children():
            own -= macs.get(f"{path}.{name}".lstrip("."), 0)
        unseen[type(module).__name__] += own
    return {kind: own for kind, own in sorted(unseen.items()) if own}


def _unsupported_modules(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every module that ptflops has no rule for and that stands below none with a rule."""
    if type(module) in MODULES_MAPPING:
        return
    yield path, module
    for name, child in module.named_children():
        yield from _unsupported_modules(child, f"{path}.{name}".lstrip("."))
