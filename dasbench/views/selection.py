"""Which rows a report is about: of one study or of several; and the objective that ranks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dasbench.analysis.significance import TestChoice
from dasbench.analysis.stats import Direction
from dasbench.confusion import Confusion
from dasbench.errors import UsageError, unknown_name
from dasbench.records import Row
from dasbench.results.answers import LookRecord, StudyRecord
from dasbench.results.reading import Reader, read_store
from dasbench.spec.metrics import Metrics, metric_of
from dasbench.views.code_labels import name_codes
from dasbench.views.filters import filter_rows
from dasbench.views.units import better_direction, known_metrics, no_direction
from dasbench.views.variants import is_cost


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The rows of one study or of several.

    Args:
        name: the study's name; several are joined with `+`.
        question: what it asks.
        metric: its first measured objective.
        maximise: whether larger is better; None for a metric of which nobody said so: it is shown,
            never ranked.
        rows: its trials; with several studies each label begins with its study's name.
        where: the filter that they passed, `""` for none.
        objectives: `max` or `min` by metric, as the studies name them.
        num_test_examples: size of the test part, if the trials say so.
        looks: that the study took at its scores to decide which variants get more seeds; of a
            single study only.
        min_effect: smallest difference that matters, as a study names it that takes looks; of a
            single study only.
        confusions: which classes trials took for which, by key; read only for what shows it.
        metrics: unit and direction of metrics, as the studies keep them and as they are registered
            here.
        every: all trials, those that the filter left out too: from them the noise is known.
        test: which test is asked for; see `noise_of_arms`.
    """

    name: str
    question: str
    metric: str
    maximise: bool | None
    rows: Sequence[Row]
    where: str = ""
    objectives: Sequence[tuple[str, str]] = ()
    num_test_examples: int | None = None
    looks: Sequence[LookRecord] = ()
    min_effect: float | None = None
    confusions: Mapping[str, Confusion] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=known_metrics)
    every: Sequence[Row] = ()
    test: TestChoice = "arm-wise"

    @property
    def probe(self) -> bool:
        """Whether scores are a formula's, and nothing was trained."""
        return any(row.task == "probe" for row in self.rows)

    @property
    def unit(self) -> str:
        """Of the metric, `""` for none."""
        return self.unit_of(self.metric)

    def unit_of(self, metric: str) -> str:
        """Of any metric, `""` for none."""
        return metric_of(metric, self.metrics).unit

    def direction_of(self, metric: str) -> Direction | None:
        """Whether more or less of any metric is better; None if nobody said so."""
        if metric == self.metric:
            return self.direction
        return better_direction(metric, self.objectives, self.metrics)

    @property
    def direction(self) -> Direction:
        """Whether more or less of the metric is better, for whoever ranks.

        Raises:
            UsageError: if nobody said so.
        """
        if self.maximise is None:
            remedy = (
                f"`dasbench pareto` takes --objective {self.metric}:max, "
                "`dasbench compare` --direction max"
            )
            raise no_direction(self.metric, remedy, self.metrics)
        if self.maximise:
            return "max"
        return "min"


def select_studies(
    db: str,
    names: Sequence[str],
    *,
    where: str | None = None,
    test: TestChoice = "arm-wise",
) -> Selection:
    """The rows of one study or of several that pass a filter.

    The same variant of two studies stays two variants.

    Args:
        db: a file, or a URL of SQLAlchemy.
        names: the studies' names.
        where: a condition on rows, see `filter_rows`; all rows by default.
        test: `arm-wise`, or `t` for paired t tests.

    Raises:
        UsageError: if the database has no such study, naming the nearest; if the filter is not
            understood; or if the rows cannot be compared: they come from different data sets, input
            sizes or tasks, or the studies rank by different metrics.
        StoreError: if there is no database.
    """
    names = list(dict.fromkeys(names))
    if not names:
        raise UsageError("name a study; `dasbench list studies` lists them")
    looks: Sequence[LookRecord] = ()
    with read_store(db) as reader:
        studies = _find_studies(db, reader, names)
        rows = reader.rows(names)
        num_test_examples = _num_test_examples(reader, rows)
        if len(names) == 1:
            looks = reader.looks(names[0])
    objectives = _objectives(studies)
    every = rows = _with_telling_labels(rows, with_study=len(names) > 1)
    if where is not None and rows:
        rows = filter_rows(rows, where, metrics=[metric for metric, _ in objectives])
    refuse_mixed(rows)
    metric, direction = objectives[0]
    questions = dict.fromkeys(study.question for study in studies)
    return Selection(
        name="+".join(names),
        question=" / ".join(filter(None, questions)),
        metric=metric,
        maximise=direction == "max",
        rows=rows,
        where=where or "",
        objectives=objectives,
        num_test_examples=num_test_examples,
        looks=looks,
        min_effect=_min_effect(studies),
        metrics=known_metrics(study.metrics for study in studies),
        every=every,
        test=test,
    )


def _with_telling_labels(rows: Sequence[Row], *, with_study: bool) -> list[Row]:
    """The rows with labels that tell versions of code apart, and studies if there are several."""
    named = name_codes(rows)
    if not with_study:
        return named
    return [replace(row, label=f"{row.study}: {row.label}") for row in named]


def _find_studies(db: str, reader: Reader, names: Sequence[str]) -> list[StudyRecord]:
    """The studies of these names, in their order."""
    known = {record.name: record for record in reader.studies(counted=False)}
    found = []
    for name in names:
        if name not in known:
            raise UsageError(f"{db}: {unknown_name('study', name, known)}")
        found.append(known[name])
    return found


def refuse_mixed(rows: Sequence[Row]) -> None:
    """Refuse rows whose scores or costs mean different things.

    Raises:
        UsageError: naming what differs.
    """
    datasets, tasks, sizes = set(), set(), set()
    for row in rows:
        datasets.add(row.dataset)
        tasks.add(row.task)
        if row.cost:
            sizes.add(row.cost.input_size)
    if len(datasets) > 1:
        raise UsageError(
            "these trials were scored on different data and cannot be ranked together: "
            f"{'; '.join(sorted(datasets))}{_one_dataset_remedy(datasets)}"
        )
    if len(tasks) > 1:
        raise UsageError(
            "these trials did different tasks and cannot be ranked together: "
            f"{'; '.join(sorted(tasks))}"
        )
    if len(sizes) > 1:
        shown = ["x".join(map(str, size)) for size in sorted(sizes)]
        raise UsageError(
            "these costs were counted at different input sizes and cannot be compared: "
            f"{'; '.join(shown)}"
        )


def _one_dataset_remedy(datasets: Iterable[str]) -> str:
    """How to look at one of several data sets; `""` if only their parameters differ."""
    names = sorted({dataset.partition("(")[0] for dataset in datasets})
    if len(names) == 1:
        return ""
    return f"""; look at one at a time, as in `where` 'dataset = "{names[0]}"'"""


def refuse_empty_filter(selection: Selection) -> None:
    """Refuse a filter that no trial passes, where there is nothing to say without one.

    Raises:
        UsageError: naming the filter.
    """
    if selection.where and not selection.rows:
        raise UsageError(f"study '{selection.name}': no trial passes `where` {selection.where}")


def _objectives(records: Iterable[StudyRecord]) -> list[tuple[str, str]]:
    """Metric and direction of every objective, the one to rank by first; all studies share it."""
    first: dict[tuple[str, str], str] = {}  # who ranks by it, in words
    every: list[tuple[str, str]] = []
    for record in records:
        objectives = objectives_of(record)
        first.setdefault(objectives[0], f"{record.name} by {' '.join(objectives[0])}")
        every += objectives
    if len(first) > 1:
        raise UsageError(
            "these studies rank by different metrics and cannot be ranked together: "
            f"{'; '.join(first.values())}"
        )
    return list(dict.fromkeys(every))


def objectives_of(record: StudyRecord) -> list[tuple[str, str]]:
    """Metric and direction of a study's objectives, measured ones first."""
    objectives = map(_objective, record.document.get("objectives") or ["top1 max"])
    return sorted(objectives, key=lambda objective: is_cost(objective[0]))


def _objective(entry: object) -> tuple[str, str]:
    """An objective as plain data: a mapping, or the short form `top1 max`."""
    if isinstance(entry, dict):
        return str(entry.get("metric", "top1")), str(entry.get("direction", "max"))
    metric, _, direction = str(entry).partition(" ")
    return metric, direction or "max"


def _min_effect(records: Sequence[StudyRecord]) -> float | None:
    """The smallest difference that matters to a single study that takes looks."""
    seeds = records[0].document.get("seeds")
    if len(records) > 1 or not isinstance(seeds, Mapping):
        return None
    return seeds.get("min_effect")


def _num_test_examples(reader: Reader, rows: Sequence[Row]) -> int | None:
    """Size of the test part, from the bits that one trial keeps of it."""
    scored = (row for row in rows if row.is_done and row.metrics.get("top1", 0) > 0)
    row = next(scored, None)
    if row is None:
        return None
    bits = reader.correct([row.key]).get(row.key)
    if not bits:
        return None
    return count_examples(bits, row.metrics["top1"])


def count_examples(bits: str, top1: float) -> int | None:
    """How many examples a trial was scored on: so many were right, which is so many percent.

    Args:
        bits: which examples were right, as hexadecimal bits.
        top1: the trial's score in percent.

    Returns:
        Their number; None if that is not to be known, as of a score of 0.

    Example:
        >>> count_examples("ff80", 75.0), count_examples("ff80", 0.75)
        (12, None)
    """
    if top1 <= 0:
        return None
    num_right, num_bits = int(bits, 16).bit_count(), 4 * len(bits)
    num_examples = round(100 * num_right / top1)
    if not num_bits - 8 < num_examples <= num_bits:
        return None
    return num_examples
