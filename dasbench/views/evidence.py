"""All that a section may speak of: scores and comparisons of a study, and how they came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dasbench.analysis.significance import TestChoice
from dasbench.results.answers import LookRecord
from dasbench.results.reading import read_store
from dasbench.spec.baseline import baseline_candidates
from dasbench.spec.fields import flatten
from dasbench.spec.plain import Spec
from dasbench.views import search_roles
from dasbench.views.board import Board, make_board
from dasbench.views.comparisons.comparison import MAX_FAMILY, Answer, compare_family
from dasbench.views.comparisons.noise import noise_of_arms
from dasbench.views.comparisons.question import Question
from dasbench.views.environments import Environment, count_environments
from dasbench.views.fields import flat_fields
from dasbench.views.quantities import with_metric
from dasbench.views.selection import Selection, select_studies
from dasbench.views.sources import UsedComponent, name_of, used_components
from dasbench.views.units import score_unit
from dasbench.views.variants import VariantScores, by_variant, is_cost, leaderboard


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a study.

    Args:
        selection: all of its trials.
        board: the variants with their statistics; where a search's winners were trained again,
            these alone.
        answers: every variant against the baseline, empty without one.
        sampler: name of what proposed the variants, `grid` for nothing of the kind.
        planned_looks: numbers of seeds at which the study plans to look; empty without looks.
        specs: all that decides the outcome of each trial.
        environments: with what trials ran, and how many of them did, the most frequent first.
        components: what the trials used, with its sources and the commits of one's own.
        study_metric: the metric that the study itself ranks by.
    """

    selection: Selection
    board: Board
    answers: Sequence[Answer]
    sampler: str
    planned_looks: Sequence[int]
    specs: Sequence[Spec]
    environments: Sequence[tuple[Environment, int]]
    components: Sequence[UsedComponent]
    study_metric: str

    @property
    def looks(self) -> Sequence[LookRecord]:
        """Those that the study took, oldest first."""
        return self.selection.looks

    @property
    def has_scores(self) -> bool:
        """Whether any trial has a score, or whether nothing measured ranks them."""
        return any(line.entry.num_done for line in self.board.lines)

    @property
    def num_ended(self) -> int:
        """How many trials have ended, well or not."""
        return sum(row.state.ended for row in self.selection.rows)

    @property
    def is_probe(self) -> bool:
        """Whether the scores are a formula's."""
        return self.selection.probe

    @property
    def is_searched(self) -> bool:
        """Whether a sampler proposed the variants one after another."""
        return self.sampler != "grid" or search_roles.is_searched(self.selection.rows)

    @property
    def is_confirmed(self) -> bool:
        """Whether a search's winners have trials on fresh seeds."""
        return search_roles.has_fresh_seeds(self.selection.rows)

    @property
    def is_sequential(self) -> bool:
        """Whether looks at the scores decided how many seeds a variant got."""
        return bool(self.looks) or bool(self.planned_looks)

    @property
    def is_exploratory(self) -> bool:
        """Whether any look was not planned so, so that no verdict carries an error rate."""
        return any(look.exploratory for look in self.looks)

    @property
    def tests_hold(self) -> bool:
        """Whether tests at a fixed level keep it; see `search_roles.do_tests_hold`."""
        return search_roles.do_tests_hold(
            sequential=self.is_sequential, searched=self.is_searched, confirmed=self.is_confirmed
        )


def gather_evidence(
    db: str,
    study: str,
    *,
    metric: str | None = None,
    convention: str = "full",
    baseline: str | None = None,
    test: TestChoice = "arm-wise",
) -> Evidence:
    """Read a study and compute its statistics.

    Args:
        db: a file, or a URL of SQLAlchemy.
        study: the study's name.
        metric: what ranks; the study's first measured objective by default.
        convention: of the costs, `full` or `paper`.
        baseline: the variant that the others are compared with; by default what the study names,
            the variant that is its base as it stands, or the one without a gate.
        test: `arm-wise`, or `t` for paired t tests.

    Raises:
        UsageError: if the study, the metric or the baseline is unknown.
        StoreError: if there is no database.
    """
    own = select_studies(db, [study], test=test)
    selection = with_metric(own, metric)
    keys = [row.key for row in selection.rows]
    with read_store(db) as reader:
        records = {record.name: record for record in reader.studies(counted=False)}
        specs = reader.specs(keys)
        environments = reader.environments(keys)
    document = records[study].document
    tested = replace(selection, rows=search_roles.confirmed_rows(by_variant(selection.rows)))
    evidence = Evidence(
        selection=selection,
        board=make_board(tested, convention=convention),
        answers=(),
        sampler=name_of(document.get("sampler")) or "grid",
        planned_looks=_seeds(document).get("looks") or (),
        specs=[specs[key] for key in keys if key in specs],
        environments=count_environments(environments.values()),
        components=used_components(specs, environments, document),
        study_metric=own.metric,
    )
    answers = _compare(tested, document, baseline)
    if evidence.tests_hold:
        return replace(evidence, answers=answers)
    if baseline is None and not evidence.is_sequential:
        answers = ()
    return replace(evidence, board=_without_ranks(evidence.board), answers=answers)


def usual_baseline(document: Spec, entries: Sequence[VariantScores]) -> str | None:
    """The label of the variant that a study compares with, or of the one without a gate.

    Example:
        >>> def entry(gate):
        ...     return VariantScores(variant={"gate": gate}, label=f"gate={gate}", planned=1,
        ...                          failed=0, scores={}, cost=None, seconds=0.0, peak_memory=0)
        >>> usual_baseline({"base": {"gate": {"name": "se"}}}, [entry("none"), entry("se")])
        'gate=se'
        >>> usual_baseline({}, [entry("none"), entry("se")])
        'gate=none'
    """
    variants = [entry.variant for entry in entries]
    labels = [entry.label for entry in entries]
    base = dict(flatten(document.get("base") or {}))
    named = _seeds(document).get("baseline") or None
    candidates = baseline_candidates(variants, base=base, named=named)
    ungated = []
    for place, variant in enumerate(variants):
        gate = flat_fields(variant).get("gate")
        if gate == "none":
            ungated.append(place)
    for places in (candidates, ungated):
        if len(places) == 1 and labels.count(labels[places[0]]) == 1:
            return labels[places[0]]
    return None


def _seeds(document: Spec) -> Spec:
    """What the study says of its seeds, with looks `looks`, `min_effect`, `baseline`."""
    seeds = document.get("seeds")
    if isinstance(seeds, Mapping):
        return seeds
    return {}


def _compare(tested: Selection, document: Spec, baseline: str | None) -> Sequence[Answer]:
    """Every variant against the baseline that was asked for, or the usual one if there is any."""
    metric = tested.metric
    if is_cost(metric) and baseline is None:
        return ()
    entries = leaderboard(tested.rows, metric=metric, only=[metric])
    question = Question(
        entries=entries,
        noise=noise_of_arms(tested, entries, metric),
        metric=metric,
        unit=score_unit(metric, tested.metrics),
        direction=tested.direction,
        min_effect=tested.min_effect,
        num_test_examples=tested.num_test_examples,
        source=tested.name,
    )
    if baseline is not None:
        return compare_family(question, baseline)
    usual = usual_baseline(document, question.entries)
    has_scores = any(entry.scores for entry in question.entries)
    if usual is None or not has_scores or len(question.entries) > MAX_FAMILY:
        return ()
    return compare_family(question, usual)


def _without_ranks(board: Board) -> Board:
    """The board without what tests at a fixed level would say."""
    lines = [replace(line, rank=None) for line in board.lines]
    return replace(board, lines=lines, looks=())
