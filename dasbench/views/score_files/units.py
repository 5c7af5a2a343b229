"""The unit of scores from elsewhere, as far as the name of their metric and their values tell."""

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from dasbench.errors import UsageError
from dasbench.metrics.traits import registered_metrics
from dasbench.spec.metrics import metric_of, plain_name
from dasbench.views.score_files.cells import ScoreCell, refuse, scored_cells
from dasbench.views.units import SCORE_UNITS, ScoreUnit

SHARE = re.compile(
    r"(?<![a-z])(top[-_ @]?\d+|m?ap|ar|m?iou|acc|accuracy|f[-_]?1|dice|jaccard|precision|recall"
    r"|auc|auroc|pq)(?![a-z])"
)
"""Names, in lower case, of shares: fractions or in percent, which the name does not tell."""

SAYS_PERCENT = re.compile(r"%|percent|pct", re.IGNORECASE)
"""Names of metrics that tell."""


def unit_of_scores(
    path: Path, column: str, cells: Sequence[ScoreCell], asked: ScoreUnit | None
) -> ScoreUnit:
    """The unit of a file's scores: the one that was asked for, or the one that leaves no doubt.

    Args:
        path: the file, for what is said of it.
        column: the column with the scores.
        cells: the file's scores.
        asked: the unit that was asked for, if one was.

    Raises:
        UsageError: asking for it, or if the scores are not in the one that was asked for.
    """
    scored = scored_cells(cells)
    if not scored:
        return asked or SCORE_UNITS["none"]
    signed = next(filter(attrgetter("has_percent_sign"), scored), None)
    if signed:
        _refuse_other_than_percent(path, signed, asked)
        return SCORE_UNITS["percent"]
    if asked is None:
        return _evident_unit(path, column, scored)
    if asked == SCORE_UNITS["fraction"]:
        refuse(path, list(_no_fractions(scored, column)))
    return asked


def _evident_unit(path: Path, column: str, scored: Sequence[ScoreCell]) -> ScoreUnit:
    unit = foreign_unit(column, [cell.score for cell in scored])
    if unit is None:
        raise UsageError(f"{path}: column '{column}': {_question(scored)}")
    return unit


def _refuse_other_than_percent(path: Path, signed: ScoreCell, asked: ScoreUnit | None) -> None:
    if asked not in (None, SCORE_UNITS["percent"]):
        refuse(path, [f"line {signed.line}: '{signed.text}' is in percent; leave `unit` out"])


def foreign_unit(metric: str, scores: Sequence[float]) -> ScoreUnit | None:
    """The unit of a metric that somebody else measured; None if it takes a question.

    Args:
        metric: its name. A share is taken for percent only where the scores leave no doubt; where
            none is above 1, whatever is not registered with another unit or none may be a fraction.
        scores: all that is known.

    Example:
        >>> foreign_unit("loss", [0.4]), foreign_unit("bbox_mAP", [37.4, 41.2])
        (ScoreUnit(name='', factor=1.0), ScoreUnit(name='pp', factor=1.0))
        >>> foreign_unit("bbox_mAP", [0.374]) is None
        True
    """
    if SAYS_PERCENT.search(metric):
        return SCORE_UNITS["percent"]
    if SHARE.search(_in_snake_case(metric)):
        if max(scores) > 1 and all(1 <= score <= 100 or score == 0 for score in scores):
            return SCORE_UNITS["percent"]
        return None
    if min(scores) >= 0 and max(scores) <= 1 and not _is_no_share(metric):
        return None
    return SCORE_UNITS["none"]


def _is_no_share(metric: str) -> bool:
    """Whether a metric is registered and not in percent, as a loss is."""
    known = registered_metrics()
    return (metric in known or plain_name(metric) in known) and metric_of(metric, known).unit != "%"


def _in_snake_case(name: str) -> str:
    """A name in lower case, its words apart.

    Example:
        >>> _in_snake_case("valAcc")
        'val_acc'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _no_fractions(scored: Sequence[ScoreCell], column: str) -> Iterator[str]:
    """A complaint about each score that is too large for a fraction."""
    complaint = "is no fraction, which goes up to 1; say `unit` percent?"
    for cell in scored:
        if abs(cell.score) > 1:
            yield f"line {cell.line}: column '{column}': '{cell.text}' {complaint}"


def _question(scored: Sequence[ScoreCell]) -> str:
    """Which unit is it? In the terms of the scores that leave it open."""
    lowest = min(scored, key=attrgetter("score"))
    highest = max(scored, key=attrgetter("score"))
    if lowest.score < 0:
        return _no_share_text(lowest)
    if highest.score > 100:
        return _no_share_text(highest)
    if highest.score > 1:
        small = next(cell for cell in scored if 0 < cell.score < 1)
        fraction = f"'{small.text}' on line {small.line} may be a fraction"
        other = f"'{highest.text}' on line {highest.line} is not"
        remedy = "write all scores in one unit, or add `unit` percent if they are"
        return f"{fraction}, {other}; {remedy}"
    either = f"fractions ({highest.text} is {100 * highest.score:g} %) or percent"
    remedy = "Add `unit` fraction or `unit` percent, or `unit` none"
    return f"no score is above 1: are they {either}? {remedy}"


def _no_share_text(cell: ScoreCell) -> str:
    words = f"'{cell.text}' on line {cell.line} is no share in percent"
    return f"{words}; add `unit` none, or the unit (`unit` points)"
