"""Proposals by Bayesian optimisation with a Gaussian process, for few and expensive trials."""

from functools import partial
from typing import Annotated

from annotated_types import Ge, Le
from optuna.samplers import GPSampler

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.ask_tell import AskTell
from dasbench.search.samplers.sampler import Sampler
from dasbench.spec.study import Study


@SAMPLERS.register(
    "gp",
    source="Ament et al., 2023, arXiv 2310.20708; Daulton et al., 2020, arXiv 2006.05078; "
    "optuna.samplers.GPSampler",
)
def gp(study: Study, *, seed: int = 0, startup: Annotated[int, Ge(1), Le(10_000)] = 10) -> Sampler:
    """A Gaussian process and the expected improvement, or that of the hypervolume.

    It learns from finished trials alone: it is never told of infeasible ones, as they have no
    objective to model.

    Args:
        study: what varies, and its objectives.
        seed: of the draws.
        startup: trials that are drawn at random before the first model.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", gate="das", dataset="digits")
        >>> axes = [{"key": "gate.alpha", "low": 0.1, "high": 0.5}]
        >>> study = Study(name="x", question="?", base=base, axes=axes, sampler="gp", trials=3)
        >>> gp(study).propose() == gp(study).propose()
        True
    """
    make = partial(GPSampler, n_startup_trials=startup, warn_independent_sampling=False)
    return AskTell(study, lambda drawn: make(seed=drawn), seed=seed, complete=True)
