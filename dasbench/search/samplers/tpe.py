"""Proposals by Parzen estimators: where good results are dense and bad ones are not."""

from functools import partial
from typing import Annotated

from annotated_types import Ge, Le
from optuna.samplers import TPESampler

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.ask_tell import AskTell
from dasbench.search.samplers.sampler import Sampler
from dasbench.spec.study import Study


@SAMPLERS.register(
    "tpe",
    source="Bergstra et al., 2011, NeurIPS; Watanabe, 2023, arXiv 2304.11127; "
    "optuna.samplers.TPESampler",
)
def tpe(
    study: Study,
    *,
    seed: int = 0,
    startup: Annotated[int, Ge(0), Le(10_000)] = 10,
    candidates: Annotated[int, Ge(1), Le(10_000)] = 24,
) -> Sampler:
    """Tree-structured Parzen estimators, with one objective or several.

    At home in spaces with conditions.

    Args:
        study: what varies, and its objectives.
        seed: of the draws.
        startup: trials that are drawn at random before the first estimate.
        candidates: points that are drawn from the estimate of good results, of which the best is
            proposed.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", gate="das", dataset="digits")
        >>> axes = [{"key": "gate.first_norm", "values": ["bn", "in", "ln"]}]
        >>> study = Study(name="x", question="?", base=base, axes=axes, sampler="tpe", trials=3)
        >>> tpe(study).propose() == tpe(study).propose()
        True
    """
    make = partial(
        TPESampler, n_startup_trials=startup, n_ei_candidates=candidates, constant_liar=True
    )
    return AskTell(study, lambda drawn: make(seed=drawn), seed=seed, learns_violations=True)
