"""Which axis matters: what explains the differences between a study's scores."""

from dataclasses import dataclass

from dasbench.analysis.importance import Importance, Method, importance
from dasbench.analysis.levels import Observation
from dasbench.errors import UsageError
from dasbench.views.figures.means import has_several_studies
from dasbench.views.selection import Selection
from dasbench.views.variants import by_variant, gather


@dataclass(frozen=True, kw_only=True)
class ImportanceInfo:
    """What the axes of a study explain.

    Args:
        question: what the study asks.
        metric: the score that is explained.
        found: what explains it.
    """

    question: str
    metric: str
    found: Importance


def info(selection: Selection, *, method: Method = "auto") -> ImportanceInfo:
    """Explain the scores of a study by its axes; with several studies the study is an axis too.

    Args:
        selection: rows of one study or of several.
        method: `anova`, `fanova`, or whichever the study carries.

    Raises:
        UsageError: if the study does not carry it.
    """
    several = has_several_studies(selection)
    observations = []
    for rows in by_variant(selection.rows):
        entry = gather(rows, metric=selection.metric)
        variant = {"study": entry.study, **entry.variant} if several else entry.variant
        observations += [
            Observation(variant=variant, seed=seed, score=score)
            for seed, score in entry.scores.get(selection.metric, {}).items()
        ]
    planned = [
        ({"study": row.study, **row.variant} if several else row.variant, row.seed)
        for row in selection.rows
    ]
    try:
        found = importance(observations, planned, method=method)
    except UsageError as error:
        raise UsageError(f"study '{selection.name}': {error}") from error
    return ImportanceInfo(question=selection.question, metric=selection.metric, found=found)
