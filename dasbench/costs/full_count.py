"""The `full` convention: every parameter, and every operator that the traced network calls."""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dasbench.costs.allow_list import FREE_OPERATORS
from dasbench.costs.handlers import HANDLERS, Handler, Values
from dasbench.costs.specimen import Specimen, forward_only, num_parameters
from dasbench.ops.deform_conv import use_backend

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # fvcore scripts a loss when it is imported
    from fvcore.nn import FlopCountAnalysis


@dataclass(frozen=True, kw_only=True)
class FullCount:
    """What a model costs when nothing is left out.

    Args:
        params: all parameters.
        macs: multiply-adds of one image.
        by_operator: multiply-adds by kind of operator (`conv`, `deform_conv`, `deform_sampling`,
            ...), zeros left out.
        by_module: multiply-adds by module path, `""` for the model; a module includes what lies
            below it.
        uncounted: operators that no handler knows and the allow-list does not name, with their
            calls.
    """

    params: int
    macs: int
    by_operator: Mapping[str, int]
    by_module: Mapping[str, int]
    uncounted: Mapping[str, int]


def count_full(specimen: Specimen) -> FullCount:
    """Trace a model once and add up its operators.

    Deformable convolutions are traced as one operator each, whichever kernel the model computes
    them with.
    """
    scripted: Counter[str] = Counter()
    analysis = FlopCountAnalysis(specimen.model, specimen.image)
    analysis.set_op_handle(
        **HANDLERS,
        **dict.fromkeys(FREE_OPERATORS),
        **{"prim::CallFunction": _scripted_call(scripted)},
    )
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    with forward_only(specimen), use_backend("torchvision"):
        by_operator = analysis.by_operator()
    return FullCount(
        params=num_parameters(specimen.model),
        macs=sum(int(macs) for macs in by_operator.values()),
        by_operator={name: int(macs) for name, macs in sorted(by_operator.items()) if macs},
        by_module={path: int(macs) for path, macs in analysis.by_module().items()},
        uncounted=dict(sorted((analysis.unsupported_ops() + scripted).items())),
    )


def _scripted_call(uncounted: Counter[str]) -> Handler:
    """A handler that notes calls of scripted functions that are not free.

    fvcore would report them without a name.
    """

    def count(inputs: Values, _outputs: Values) -> int:
        name = f"prim::CallFunction.{inputs[0].node().s('name')}"
        if name not in FREE_OPERATORS:
            uncounted[name] += 1
        return 0

    return count
