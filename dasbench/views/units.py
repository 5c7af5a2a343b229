"""Units of counts (M or G) and of scores (percentage points or none), and in which direction a score is better."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple

from dasbench.errors import UsageError, unknown_name


class Unit(NamedTuple):
    """How a count is shown.

    Args:
        size: what it is divided by.
        title: the column's or axis' title.
    """

    size: float
    title: str


def count_unit(kind: str, counts: Iterable[int]) -> Unit:
    """The unit for some counts of one kind.

    Args:
        kind: `params` or `macs`.
        counts: what will be shown.

    Example:
        >>> count_unit("macs", [1_819_065_856]).title, count_unit("macs", [8_839_936]).title
        ('FLOPs (G)', 'FLOPs (M)')
    """
    if kind == "params":
        return Unit(1e6, "params (M)")
    return Unit(1e9, "FLOPs (G)") if max(counts, default=0) >= 5e8 else Unit(1e6, "FLOPs (M)")


PERCENT = re.compile(r"(val_|train_|test_)?(top\d+|ap(\d+|_\w+)?|miou|pixel_accuracy|balanced_accuracy|macro_f1)")
"""Metrics of our own that are shares in percent, whose differences are percentage points."""


def score_unit(metric: str) -> str:
    """Unit of the differences of a metric of our own: `pp` for shares in percent, none otherwise.

    Example:
        >>> score_unit("val_top1"), score_unit("loss")
        ('pp', '')
    """
    return "pp" if PERCENT.fullmatch(metric) else ""


class ScoreUnit(NamedTuple):
    """The unit of scores.

    Args:
        name: of their differences, as it is shown: `pp`, `ms`, or none.
        factor: what scores are multiplied with to be in that unit: 100 for fractions.
    """

    name: str
    factor: float = 1.0


SCORE_UNITS = {"percent": ScoreUnit("pp"), "fraction": ScoreUnit("pp", 100.0), "none": ScoreUnit("")}
"""What may be said of scores; any other word is a unit that is shown as it is."""

SHARE = re.compile(
    r"(?<![a-z])(top[-_ @]?\d+|m?ap|ar|m?iou|acc|accuracy|f[-_]?1|dice|jaccard|precision|recall|auc|auroc|pq)(?![a-z])"
)
"""Names, in lower case, of what is a share elsewhere: a fraction or in percent, which the name does not tell."""

SAYS_PERCENT = re.compile(r"%|percent|pct", re.IGNORECASE)
"""Names of metrics that tell."""


def asked_unit(text: str) -> ScoreUnit:
    """The unit that somebody asks for: `percent`, `fraction`, `none`, or a word of theirs.

    Raises:
        UsageError: for a word that is nearly one of ours.

    Example:
        >>> asked_unit("pp"), asked_unit("fraction").factor, asked_unit("ms").name
        (ScoreUnit(name='pp', factor=1.0), 100.0, 'ms')
    """
    word = text.strip().lower()
    if word in ("pp", "%"):
        return SCORE_UNITS["percent"]
    if word not in SCORE_UNITS and get_close_matches(word, SCORE_UNITS, n=1, cutoff=0.75):
        raise UsageError(f"--unit: {unknown_name('unit', text, SCORE_UNITS)} Any other word is shown as it is.")
    return SCORE_UNITS.get(word) or ScoreUnit(text.strip())


def foreign_unit(metric: str, scores: Sequence[float]) -> ScoreUnit | None:
    """The unit of a metric that somebody else measured; None if it takes a question.

    Args:
        metric: its name. A share is taken for percent only where the scores leave no doubt; where none is above 1,
            whatever is no loss or cost may be a fraction.
        scores: all that is known.

    Example:
        >>> foreign_unit("loss", [0.4]), foreign_unit("bbox_mAP", [37.4, 41.2]), foreign_unit("bbox_mAP", [0.374])
        (ScoreUnit(name='', factor=1.0), ScoreUnit(name='pp', factor=1.0), None)
    """
    if SAYS_PERCENT.search(metric):
        return SCORE_UNITS["percent"]
    if SHARE.search(_in_snake_case(metric)):
        in_percent = max(scores) > 1 and all(1 <= score <= 100 or score == 0 for score in scores)
        return SCORE_UNITS["percent"] if in_percent else None
    may_be_fractions = max(scores) <= 1 and min(scores) >= 0 and better_direction(metric) == "max"
    return None if may_be_fractions else SCORE_UNITS["none"]


def _in_snake_case(name: str) -> str:
    """A name in lower case, its words apart.

    Example:
        >>> _in_snake_case("valAcc")
        'val_acc'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


_LOSSES = ("loss", "error", "err", "mae", "mse", "rmse", "nll", "brier", "ece", "fid", "wer", "cer", "perplexity")
_COSTS = ("seconds", "ms", "time", "latency", "memory", "params", "macs", "flops")
LESS_IS_BETTER = frozenset((*_LOSSES, *_COSTS))
"""Words in the name of a metric of which less is better."""


def better_direction(metric: str, objectives: Iterable[tuple[str, str]] = ()) -> Literal["max", "min"]:
    """Whether more or less of a metric is better: as a study's objectives say, else less only of a loss or a cost.

    Example:
        >>> better_direction("val_loss"), better_direction("top1"), better_direction("val_f", [("f", "min")])
        ('min', 'max', 'min')
        >>> better_direction("test/RMSE"), better_direction("testLoss")
        ('min', 'min')
    """
    known = dict(objectives)
    plain = re.sub("^(val|train|test)_", "", metric)
    said = known.get(metric, known.get(plain))
    if said is not None:
        return "min" if said == "min" else "max"
    words = re.findall("[a-z]+", _in_snake_case(plain))
    return "min" if LESS_IS_BETTER.intersection(words) else "max"
