"""A sampler of Optuna behind the protocol of all samplers."""

import math
from collections.abc import Callable, Iterable, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from dasbench.analysis.quiet_optuna import quiet_optuna
from dasbench.search.samplers.coordinates import Coordinate, assemble, coordinates, numbers
from dasbench.search.samplers.sampler import Proposal, Result, identity
from dasbench.seeds import derive_seed
from dasbench.spec.plain import Variant
from dasbench.spec.study import Study

DIRECTIONS = {"min": StudyDirection.MINIMIZE, "max": StudyDirection.MAXIMIZE}

PATIENCE = 3
"""Proposals since the last trial that turned out to be known.

After so many the next is drawn at random.
"""

UNBUILDABLE = math.inf
"""How far a model that cannot be built is from one that keeps all constraints."""


class AskTell:
    """Asks a sampler of Optuna, which lives in memory and is rebuilt from results at every start.

    What it proposes is a function of the trials that it heard of, in their order, and of how often
    it was asked since the last of them: each question goes to a fresh sampler with a seed of its
    own. A study that is resumed therefore goes on as if it had not been interrupted, but for
    infeasible variants, which only the run that proposed them knows of. A proposal that was
    answered as `known` stays open in Optuna's eyes until the next trial ends, so that samplers
    which heed running trials look elsewhere.

    Args:
        study: its axes, objectives and base.
        make: a fresh sampler for a seed.
        seed: of all proposals.
        complete: whether the sampler sees a number for every axis, also for those that do not apply
            (they rest at their first value); otherwise it is asked for those that apply.
        learns_violations: whether the sampler ranks infeasible variants by their violations alone.
            One that does not hears nothing of them.
        sort: called with the sampler, Optuna's study and each of its trials before that has
            parameters, for samplers that sort trials into generations.
    """

    def __init__(
        self,
        study: Study,
        make: Callable[[int], BaseSampler],
        *,
        seed: int,
        complete: bool = False,
        learns_violations: bool = False,
        sort: Callable[[BaseSampler, optuna.Study, FrozenTrial], None] | None = None,
    ) -> None:
        self._study = study
        self._make = make
        self._seed = seed
        self._complete = complete
        self._learns_violations = learns_violations
        self._sort = sort
        self._axes = coordinates(study)
        self._distributions = {axis.name: _distribution(axis) for axis in self._axes}
        self._base = study.base_fields
        directions = [DIRECTIONS[objective.direction] for objective in study.objectives]
        with quiet_optuna():
            self._optuna = optuna.create_study(directions=directions)
        self._open: dict[str, list[Trial]] = {}
        self._idle: list[Trial] = []
        self._heard = 0
        self._asked = 0

    @property
    def exhausted(self) -> bool:
        """Never: samplers of Optuna do not know when they have seen everything."""
        return False

    def propose(self) -> Sequence[Proposal]:
        """One variant."""
        make, names = self._make, list(self._distributions)
        if len(self._idle) >= PATIENCE:
            make = RandomSampler
        if not self._complete:
            names = []
        self._optuna.sampler = make(derive_seed(self._seed, self._heard, self._asked) % 2**32)
        self._asked += 1
        with quiet_optuna():
            trial = self._ask(names)
            variant = assemble(
                self._axes, self._base, lambda axis: axis.value(self._suggest(trial, axis.name))
            )
        self._open.setdefault(identity(variant), []).append(trial)
        return [Proposal(variant)]

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Hear what became of a variant.

        One of another space teaches nothing, but counts as heard.
        """
        waiting = self._open.get(identity(proposal.variant))
        asked = []
        if waiting:
            asked.append(waiting.pop(0))
        with quiet_optuna():
            if result.fate in ("done", "failed", "stopped"):
                self._heard += 1
                self._asked = 0
                self._close([*asked, *self._idle])
                self._idle.clear()
            elif result.fate == "infeasible" and self._learns_violations:
                self._close(asked)
            else:
                self._idle += asked
                return
            if self._study.holds(proposal.variant):
                self._learn(proposal.variant, result)

    def _close(self, trials: Sequence[Trial]) -> None:
        """End questions that were answered.

        What the answer teaches is entered as a trial of its own.
        """
        for trial in trials:
            self._optuna.tell(trial, state=TrialState.FAIL)

    def _ask(self, names: Iterable[str]) -> Trial:
        """A trial of Optuna, with numbers for some axes: an enqueued trial's, or the sampler's."""
        trial = self._optuna.ask()
        if self._sort:
            self._sort(
                self._optuna.sampler,
                self._optuna,
                self._optuna.get_trials(deepcopy=False)[trial.number],
            )
        for name in names:
            self._suggest(trial, name)
        return trial

    def _suggest(self, trial: Trial, name: str) -> float:
        """The sampler's number for the axis of a name."""
        match self._distributions[name]:
            case CategoricalDistribution() as listed:
                return int(trial.suggest_categorical(name, listed.choices))  # type: ignore[arg-type]
            case IntDistribution() as whole:
                return trial.suggest_int(name, whole.low, whole.high, log=whole.log)
            case FloatDistribution() as real:
                return trial.suggest_float(name, real.low, real.high, log=real.log)
        raise AssertionError

    def _learn(self, variant: Variant, result: Result) -> None:
        """Enter a finished trial: one that was just proposed as one of an earlier run."""
        given = numbers(self._axes, self._base, variant)
        if self._complete:
            given = {**{axis.name: axis.rest for axis in self._axes}, **given}
        self._optuna.sampler = self._make(0)
        self._optuna.enqueue_trial(given)
        trial = self._ask(given)
        state, values = self._verdict(trial, result)
        self._optuna.tell(trial, values, state)

    def _verdict(self, trial: Trial, result: Result) -> tuple[TrialState, Sequence[float] | None]:
        """How Optuna is told of a result; constraints and last values are noted in the trial."""
        count = len(self._study.objectives)
        match result.fate:
            case "done" if len(result.values) == count and all(map(math.isfinite, result.values)):
                return TrialState.COMPLETE, result.values
            case "infeasible":
                violations = result.violations
                if not any(violation > 0 for violation in violations):
                    violations = (UNBUILDABLE,)
                for place, violation in enumerate(violations):
                    trial.set_constraint(str(place), violation)
                never_looked_at = (0.0,) * count  # violations alone rank it
                return TrialState.COMPLETE, never_looked_at
            case "stopped" if count == 1:
                self._note_last_epoch(trial, result)
                return TrialState.PRUNED, None
        return TrialState.FAIL, None

    def _note_last_epoch(self, trial: Trial, result: Result) -> None:
        """The last value of the objective on the validation part, at its epoch."""
        value = result.metrics.get(f"val_{self._study.objectives[0].metric}")
        if value is not None and math.isfinite(value):
            trial.report(value, step=int(result.metrics.get("epochs", 1)))


def _distribution(axis: Coordinate) -> BaseDistribution:
    """What Optuna is told of an axis: ascending numbers keep their order, others have none."""
    if axis.points is None:
        low, high = axis.axis.ends()
        if axis.axis.integer:
            return IntDistribution(low, high, log=axis.axis.log)
        return FloatDistribution(low, high, log=axis.axis.log)
    if axis.is_ordered:
        return IntDistribution(0, len(axis.points) - 1)
    return CategoricalDistribution(range(len(axis.points)))
