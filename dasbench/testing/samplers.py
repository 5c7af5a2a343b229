"""What every sampler keeps: variants of the study, every answer taken, the same when it resumes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dasbench.catalog import SAMPLERS
from dasbench.records import State
from dasbench.search.samplers.sampler import Fate, Proposal, Result, Sampler, identity
from dasbench.seeds import derive_seed
from dasbench.spec.plain import Fields, Params, Variant
from dasbench.spec.study import Study
from dasbench.testing.documentation import check_documentation

LISTED_AXES = (
    {"key": "gate", "values": ["none", "das", {"name": "se", "reduction": 8}]},
    {"key": "gate.alpha", "values": [0.1, 0.2, 0.5], "when": {"gate": "das"}},
    {"key": "gate.kernel", "values": [3, 5], "when": {"gate": "das"}},
    {"key": "placement.stages", "values": [[1, 2], [4]], "when": {"gate": ["das", "se"]}},
)
RANGES = (
    {"key": "training.lr", "low": 1e-4, "high": 1.0, "log": True},
    {"key": "training.epochs", "low": 2, "high": 64, "integer": True},
)
"""Axes that no sampler can list; a study of `grid` has none."""

NUM_ASKED = 24
"""Proposals that a search makes, at the most, in each of the checks."""

INTERRUPTIONS = (3, 16)
"""Numbers of proposals after which a search is resumed."""

PATIENCE = 20
"""Proposals in a row that may be known already before another variant has to come."""

OTHER_SEED = 1789

FATES: tuple[Fate, ...] = (State.DONE, State.FAILED, State.STOPPED, "infeasible", "known")
ENDS: tuple[Fate, ...] = (State.DONE, State.DONE, State.FAILED, State.DONE, State.STOPPED)
"""Fates that the database keeps, of which a resumed study hears."""


def check_sampler(
    name: str,
    *,
    params: Params | None = None,
    fields: Fields | None = None,
) -> None:
    """Check what a sampler proposes in a study with conditions, and how it takes what it is told.

    Args:
        name: a registered sampler.
        params: its parameters, defaults otherwise; small ones, so that its model, and not only its
            random start, is tried in 24 proposals.
        fields: of the study, where it differs from one with an objective and three seeds, as in
            `{"objectives": ["top1 max", "macs min"]}`.

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_sampler("random", fields={"seeds": 2})
    """
    check_documentation(SAMPLERS[name])
    study = _study(name, params or {}, fields or {})
    exchanges = _converse(study, FATES)
    _check_repeats(study, exchanges)
    for fate in FATES:  # with one alone, there may be nothing to learn from
        _converse(study, (fate,))
    if study.is_searched:
        _check_resume(study)
        _check_moves_on(study)


@dataclass(frozen=True)
class Exchange:
    """A proposal and its answer.

    Args:
        asked: as the sampler proposed it.
        told: as it was answered, with a seed.
        result: what the sampler heard.
    """

    asked: Proposal
    told: Proposal
    result: Result


def _study(name: str, params: Params, fields: Fields) -> Study:
    is_grid = name == "grid"
    document = {
        "name": "contract",
        "question": "Does the sampler keep its contract?",
        "base": {"backbone": "resnet18", "dataset": "digits"},
        "axes": LISTED_AXES if is_grid else (*LISTED_AXES, *RANGES),
        "seeds": 3,
        "sampler": {"name": name, **params},
        "trials": None if is_grid else NUM_ASKED,
    }
    return Study.model_validate({**document, **fields})


def _sampler(study: Study) -> Sampler:
    return SAMPLERS[study.sampler.name].create(study, **study.sampler.params)


def _converse(
    study: Study,
    fates: Sequence[Fate],
    *,
    before: Sequence[Exchange] = (),
    num_asked: int = NUM_ASKED,
) -> list[Exchange]:
    """Ask and answer until the sampler ends, or a search has proposed enough.

    Args:
        study: with its sampler.
        fates: of the proposals, in turn.
        before: what an earlier run of the study was told.
        num_asked: how many proposals of a search are enough.
    """
    sampler = _sampler(study)
    for exchange in before:
        sampler.tell(exchange.told, exchange.result)
    exchanges = list(before)
    while not study.is_searched or len(exchanges) < len(before) + num_asked:
        proposals = sampler.propose()
        if not proposals:
            _check_exhausted(sampler)
            break
        for proposal in proposals:
            _check_proposal(study, proposal, exchanges)
            fate = fates[len(exchanges) % len(fates)]
            exchange = _answer(study, proposal, fate, exchanges)
            exchanges.append(exchange)
            sampler.tell(exchange.told, exchange.result)
    return exchanges[len(before) :]


def _check_exhausted(sampler: Sampler) -> None:
    assert sampler.exhausted, (
        "it proposes nothing, though all of its proposals were answered, and is not exhausted: "
        "the study waits forever"
    )
    assert not sampler.propose(), "it is exhausted, and proposes nevertheless"


def _check_proposal(study: Study, proposal: Proposal, before: Sequence[Exchange]) -> None:
    is_proposal = isinstance(proposal, Proposal)
    assert is_proposal, f"propose() returns {proposal!r}; write [Proposal(variant)]"
    variant, seed = proposal.variant, proposal.seed
    assert study.holds(variant), (
        f"{dict(variant)} is no variant of the study: it has to set each axis that applies, to a "
        "value that the axis has, and nothing else"
    )
    _check_plain(variant)
    if seed is None:
        return
    assert seed in study.seeds.values, f"seed {seed} is none of the study's"
    again = [each for each in before if each.asked == proposal]
    assert not again, f"{dict(variant)} with seed {seed} is proposed twice; without one may be"


def _check_plain(variant: Variant) -> None:
    """Check that a variant can be written down, as the database does."""
    try:
        identity(variant)
    except TypeError as error:
        raise AssertionError(f"{dict(variant)}: {error}; propose the values of the axes") from error


def _answer(study: Study, proposal: Proposal, fate: Fate, before: Sequence[Exchange]) -> Exchange:
    """What the study says to a proposal, with the next of the variant's seeds."""
    if proposal.seed is not None:
        return Exchange(proposal, proposal, _result(study, proposal, fate))
    num_trained = Counter(identity(each.told.variant) for each in before)
    place = num_trained[identity(proposal.variant)]
    if place >= len(study.seeds):
        fate, place = "known", 0
    told = replace(proposal, seed=study.seeds.values[place])
    return Exchange(proposal, told, _result(study, told, fate))


def _result(study: Study, proposal: Proposal, fate: Fate) -> Result:
    """A result that is the same for the same variant and seed; from 0 to 100."""
    score = derive_seed("score", identity(proposal.variant), proposal.seed) / 2**63 * 100
    metrics = {study.score.metric: score, f"val_{study.score.metric}": score, "epochs": 2.0}
    if fate == State.DONE:
        values = tuple(score + place for place in range(len(study.objectives)))
        return Result(fate=fate, values=values, metrics=metrics)
    if fate == State.STOPPED:
        return Result(fate=fate, metrics=metrics)
    return Result(fate=fate)


def _check_repeats(study: Study, exchanges: Sequence[Exchange]) -> None:
    """Check that proposals follow from the seed and the answers alone."""
    again = _converse(study, FATES)
    assert _proposals(again) == _proposals(exchanges), (
        "told the same, it proposes something else the second time: draw from its seed alone"
    )
    if "seed" not in SAMPLERS[study.sampler.name].defaults:
        return
    params = {**study.sampler.params, "seed": OTHER_SEED}
    sampler = study.sampler.model_copy(update={"params": params})
    other = _converse(study.model_copy(update={"sampler": sampler}), FATES)
    assert _proposals(other) != _proposals(exchanges), "another seed changes no proposal"


def _check_resume(study: Study) -> None:
    whole = _converse(study, ENDS)
    for num_before in INTERRUPTIONS:
        before, after = whole[:num_before], whole[num_before:]
        resumed = _converse(study, ENDS, before=before, num_asked=len(after))
        assert _proposals(resumed) == _proposals(after), (
            f"resumed after {len(before)} results, it proposes something else than it would have "
            "without the interruption"
        )


def _check_moves_on(study: Study) -> None:
    exchanges = _converse(study, ("known",), num_asked=PATIENCE)
    variants = {identity(each.asked.variant) for each in exchanges}
    assert len(variants) > 1, (
        f"it proposes {dict(exchanges[0].asked.variant)} again and again, though it is told that "
        "this is known"
    )


def _proposals(exchanges: Sequence[Exchange]) -> list[Proposal]:
    return [exchange.asked for exchange in exchanges]
