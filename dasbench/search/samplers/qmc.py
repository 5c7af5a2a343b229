"""Proposals along a quasi-random sequence, which fills the space more evenly than chance does."""

from collections import Counter
from collections.abc import Sequence

from scipy.stats.qmc import Sobol

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.coordinates import assemble, coordinates
from dasbench.search.samplers.sampler import Proposal, Result, Sampler, identity
from dasbench.seeds import derive_seed
from dasbench.spec.study import Study


@SAMPLERS.register("qmc", source="Sobol, 1967; Owen, 1998 (scrambling); scipy.stats.qmc.Sobol")
def qmc(study: Study, *, seed: int = 0) -> Sampler:
    """A scrambled Sobol sequence: even coverage of each axis and pair of axes from the first on.

    Args:
        study: what varies; each axis is one dimension of the sequence, also where it does not
            apply.
        seed: of the scrambling.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", gate="das", dataset="digits")
        >>> axes = [{"key": "gate.alpha", "low": 0.0, "high": 1.0}]
        >>> study = Study(name="x", question="?", base=base, axes=axes, sampler="qmc", trials=4)
        >>> sampler = qmc(study)
        >>> sorted(int(4 * sampler.propose()[0].variant["gate.alpha"]) for _ in range(4))
        [0, 1, 2, 3]
    """
    return _Sequence(study, derive_seed(seed, "qmc"))


class _Sequence:
    """Walks along the sequence, one point for each proposal that was made or heard of.

    A study that is resumed may meet points again whose variants were known, and comes to new ones
    behind them: the same as if it had not been interrupted.
    """

    exhausted = False

    def __init__(self, study: Study, seed: int) -> None:
        self._seed = seed
        self._axes = coordinates(study)
        self._base = study.base_fields
        self._place = 0
        self._open: Counter[str] = Counter()

    def propose(self) -> Sequence[Proposal]:
        """The variant at the next point."""
        shares = dict(zip([axis.name for axis in self._axes], self._point(), strict=True))
        variant = assemble(self._axes, self._base, lambda axis: axis.at(shares[axis.name]))
        self._place += 1
        self._open[identity(variant)] += 1
        return [Proposal(variant)]

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Step over the proposals of an earlier run; whatever came of them changes nothing."""
        name = identity(proposal.variant)
        if self._open[name]:
            self._open[name] -= 1
        else:
            self._place += 1

    def _point(self) -> list[float]:
        """The next point of the unit cube: a function of the seed and its place in the sequence."""
        engine = Sobol(len(self._axes), seed=self._seed % 2**32)
        if self._place:
            engine.fast_forward(self._place)
        point: list[float] = engine.random(1)[0].tolist()
        return point
