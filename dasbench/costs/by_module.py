"""Where a model's cost lies: parameters and multiply-adds by module path, in both conventions."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from dasbench.costs.full_count import count_full
from dasbench.costs.paper_count import count_paper
from dasbench.costs.specimen import num_parameters, take_specimen
from dasbench.spec.network import InputSize


@dataclass(frozen=True, kw_only=True)
class ModuleCost:
    """What one module costs, with everything below it.

    Args:
        path: dotted path, `""` for the whole model.
        kind: the module's class.
        params_full: all parameters.
        macs_full: multiply-adds of one image, every operator counted.
        params_paper: parameters that the paper's counter sees.
        macs_paper: multiply-adds that the paper's counter sees.
    """

    path: str
    kind: str
    params_full: int
    macs_full: int
    params_paper: int
    macs_paper: int


def cost_by_module(
    model: nn.Module, input_size: InputSize, *, depth: int | None = None
) -> list[ModuleCost]:
    """Break a model's cost down by module, in the order of `named_modules`.

    A module that is used in several places is listed once, under its first path. Work that a module
    does itself, rather than in a child, is the difference between its row and its children's.

    Args:
        model: as for `measure_cost`.
        input_size: (channels, height, width) of the image.
        depth: how many names a path may have; None for all of them, 0 for the model alone.

    Example:
        >>> for row in cost_by_module(nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU()), (3, 4, 4)):
        ...     print(row.path or "(model)", row.kind, row.params_full, row.macs_full)
        (model) Sequential 32 384
        0 Conv2d 32 384
        1 ReLU 0 0
    """
    specimen = take_specimen(model, input_size)
    paper = count_paper(specimen)
    full = count_full(specimen)
    costs = []
    for path, module in specimen.model.named_modules():
        if depth is not None and _num_names(path) > depth:
            continue
        cost = ModuleCost(
            path=path,
            kind=type(module).__name__,
            params_full=num_parameters(module),
            macs_full=full.by_module[path],
            params_paper=_sum_below(path, paper.params_by_module),
            macs_paper=_sum_below(path, paper.macs_by_module),
        )
        costs.append(cost)
    return costs


def _num_names(path: str) -> int:
    """How many names a path has."""
    return len(path.split(".")) if path else 0


def _sum_below(path: str, values: Mapping[str, int]) -> int:
    """The sum over a module and everything below it."""
    if not path:
        return sum(values.values())
    return sum(value for name, value in values.items() if f"{name}.".startswith(f"{path}."))
