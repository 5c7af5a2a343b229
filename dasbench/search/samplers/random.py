"""Every variant drawn independently of all others."""

from optuna.samplers import RandomSampler

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.ask_tell import AskTell
from dasbench.search.samplers.sampler import Sampler
from dasbench.spec.study import Study


@SAMPLERS.register(
    "random", source="Bergstra and Bengio, 2012, JMLR 13; optuna.samplers.RandomSampler"
)
def random(study: Study, *, seed: int = 0) -> Sampler:
    """Variants drawn at random: what any search has to beat, and good when many run at once.

    Args:
        study: what varies.
        seed: of the draws.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", gate="das", dataset="digits")
        >>> axes = [{"key": "gate.alpha", "low": 0.1, "high": 0.5}]
        >>> study = Study(name="x", question="?", base=base, axes=axes, sampler="random", trials=9)
        >>> sampler, twin = random(study), random(study)
        >>> sampler.propose() == twin.propose() != sampler.propose()
        True
    """
    return AskTell(study, RandomSampler, seed=seed)
