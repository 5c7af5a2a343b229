"""Proposals by the genetic algorithm NSGA-II: generations whose best are parents of the next."""

from functools import partial
from typing import Annotated

import optuna
from annotated_types import Ge, Le
from optuna.samplers import BaseGASampler, BaseSampler, NSGAIISampler
from optuna.trial import FrozenTrial

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.ask_tell import AskTell
from dasbench.search.samplers.sampler import Sampler
from dasbench.spec.study import Study


@SAMPLERS.register("nsga2", source="Deb et al., 2002, IEEE TEC 6(2); optuna.samplers.NSGAIISampler")
def nsga2(
    study: Study,
    *,
    seed: int = 0,
    population: Annotated[int, Ge(2), Le(10_000)] = 50,
    crossover: Annotated[float, Ge(0), Le(1)] = 0.9,
    mutation: Annotated[float, Ge(0), Le(1)] | None = None,
) -> Sampler:
    """NSGA-II: uniform crossover of non-dominated parents, mutation to a random value.

    For several objectives.

    An axis that does not apply rests at its first value and is passed on like any other, so that a
    child in which it applies again has a value for it.

    Args:
        study: what varies, and its objectives.
        seed: of the draws.
        population: trials of one generation; the first is drawn at random, so leave room for
            several.
        crossover: probability that a child has two parents.
        mutation: probability that an axis of a child is drawn anew; None for one axis of each child
            on average.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", gate="das", dataset="digits")
        >>> axes = [{"key": "gate.first_norm", "values": ["bn", "in", "ln"]}]
        >>> study = Study(name="x", question="?", base=base, axes=axes, sampler="nsga2", trials=3)
        >>> nsga2(study).propose() == nsga2(study).propose()
        True
    """
    make = partial(
        NSGAIISampler, population_size=population, crossover_prob=crossover, mutation_prob=mutation
    )
    return AskTell(
        study,
        lambda drawn: make(seed=drawn),
        seed=seed,
        complete=True,
        learns_violations=True,
        sort=_join_generation,
    )


def _join_generation(sampler: BaseSampler, study: optuna.Study, trial: FrozenTrial) -> None:
    """Number a trial's generation, and let its parents be chosen now.

    Who comes later finds them in the same order.
    """
    if isinstance(sampler, BaseGASampler):  # not for a proposal that is drawn at random
        sampler.get_parent_population(study, sampler.get_trial_generation(study, trial))
