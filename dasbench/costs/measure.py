"""What a model costs, exactly, in both conventions: the one door to the counters."""

from functools import cache
from importlib.metadata import version

from torch import nn

from dasbench import __version__
from dasbench.costs.full_count import count_full
from dasbench.costs.paper_count import count_paper
from dasbench.costs.specimen import take_specimen
from dasbench.records import Cost
from dasbench.spec.network import InputSize


def measure_cost(model: nn.Module, input_size: InputSize) -> Cost:
    """Count parameters and multiply-adds of one image, by the `full` and by the `paper` convention.

    The count runs on a copy in eval mode, with one image of zeros, on the model's device. It
    depends on nothing but the architecture and the size (a detector's also on how many proposals
    its weights keep), and changes neither the model nor any random state.

    `full` counts every operator: convolutions and matrix products, the sampling of a deformable
    convolution, norms, reductions and interpolations (the rules stand at the head of
    `handlers.py`). Norms without affine parameters cost 4 per element (instance, layer, group) or 1
    (batch), with them 5 or 2. Element-wise maps, comparisons and data movement are free
    (`allow_list.py`); everything else that was taken as free is named in `uncounted`. `paper` is
    the partial count behind the paper's figures (`paper_count.py`). The two must not be mixed in a
    table.

    Args:
        model: takes `[B, C, H, W]`; left as it was, train or eval flags and batch statistics
            included.
        input_size: (channels, height, width) of the image.

    Raises:
        ModelError: if the size is not three positive whole numbers.

    Example:
        >>> stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        >>> cost = measure_cost(stem, (3, 16, 16))
        >>> cost.params_full, cost.macs_full, cost.macs_paper, dict(cost.uncounted)
        (240, 59392, 63488, {})
    """
    specimen = take_specimen(model, input_size)
    paper = count_paper(specimen)
    full = count_full(specimen)
    channels, height, width = input_size
    return Cost(
        params_full=full.params,
        macs_full=full.macs,
        params_paper=paper.params,
        macs_paper=paper.macs,
        uncounted=full.uncounted,
        input_size=(channels, height, width),
        versions=dict(_versions()),
    )


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """The tools that decide a count; reading them takes longer than counting a small network."""
    tools = ("fvcore", "torch", "torchvision")
    return ("dasbench", __version__), *((tool, version(tool)) for tool in tools)
