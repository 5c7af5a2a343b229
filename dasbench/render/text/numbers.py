"""Numbers as tables write them; where nothing is known stands a dash."""

from math import floor, log10

from dasbench.analysis.stats import Comparison, SeedSummary

NOTHING = "-"
"""What stands in a cell where nothing is known."""

SMALLEST = 1e-4
"""Scores and half-widths below it are written with an exponent."""

MIB = 2**20
"""Bytes of a MiB."""


def score_text(value: float | None, unit: str) -> str:
    """A score: percentages with two decimals, others with four digits.

    Example:
        >>> score_text(93.456, "%"), score_text(0.123456, ""), score_text(None, "")
        ('93.46', '0.1235', '-')
    """
    if value is None:
        return NOTHING
    if unit == "%":
        return f"{value:.2f}"
    return f"{value:#.4g}".removesuffix(".")


def mean_text(summary: SeedSummary, unit: str) -> str:
    """A mean score, with half of its interval where a spread is known; both have the same decimals.

    Example:
        >>> from dasbench.analysis.stats import summarise
        >>> mean_text(summarise([90.0, 92.0, 91.0]), "%"), mean_text(summarise([90.0]), "%")
        ('91.00 ± 2.48', '90.00')
    """
    mean, half_width = summary.mean, summary.half_width
    if mean is None or half_width is None:
        return score_text(mean, unit)
    if unit == "%" or min(abs(mean), half_width) < SMALLEST:
        return f"{score_text(mean, unit)} ± {score_text(half_width, unit)}"
    decimals = max(_decimals(mean, digits=4), _decimals(half_width, digits=2))
    return f"{mean:.{decimals}f} ± {half_width:.{decimals}f}"


def count_text(value: int | None, size: float) -> str:
    """A count in a unit of some size, with three decimals.

    Example:
        >>> count_text(11_200_000, 1e6), count_text(None, 1e6)
        ('11.200', '-')
    """
    if value is None:
        return NOTHING
    return f"{value / size:.3f}"


def number_text(value: float | None, form: str) -> str:
    """A number in a format; a dash where it is not known.

    Example:
        >>> number_text(2.5, ".2f"), number_text(None, ".2f"), number_text(1200, ",")
        ('2.50', '-', '1,200')
    """
    if value is None:
        return NOTHING
    return format(value, form)


def with_unit(number: str, unit: str) -> str:
    """A number with its unit, if it has one.

    Example:
        >>> with_unit("0.30", "pp"), with_unit("0.30", "")
        ('0.30 pp', '0.30')
    """
    return f"{number} {unit}".rstrip()


def p_text(p: float | None) -> str:
    """A p value with three decimals.

    Example:
        >>> p_text(0.04), p_text(0.0004), p_text(None)
        ('0.040', '< 0.001', '-')
    """
    if p is None:
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}"


def p_equals(p: float, alpha: float) -> str:
    """A p value as a sentence says it.

    Example:
        >>> p_equals(0.143, 0.05), p_equals(0.0004, 0.05)
        ('p = 0.14', 'p < 0.001')
    """
    text = judged_p_text(p, alpha)
    if text.startswith("<"):
        return f"p {text}"
    return f"p = {text}"


def judged_p_text(p: float, alpha: float) -> str:
    """Two decimals, three below 0.1, and as many more as keep it on its side of the level.

    Example:
        >>> judged_p_text(0.143, 0.05), judged_p_text(0.0502, 0.05)
        ('0.14', '0.0502')
    """
    if p < 0.001:
        return "< 0.001"
    decimals = 2 if p >= 0.1 else 3
    while (round(p, decimals) <= alpha) != (p <= alpha):
        decimals += 1
    return f"{p:.{decimals}f}"


def difference_text(comparison: Comparison) -> str:
    """A difference with its sign, with half of its interval where a spread is known.

    Both have the same decimals.

    Example:
        >>> from dasbench.analysis.stats import paired
        >>> difference_text(paired({0: 71.0, 1: 71.2, 2: 70.9}, {0: 70.0, 1: 70.0, 2: 70.0}))
        '+1.03 ± 0.38'
    """
    difference, half_width = comparison.difference, comparison.half_width
    if difference is None:
        return NOTHING
    sign = "+" if difference > 0 else ""
    if half_width is None:
        return f"{sign}{difference:z.{decimals_of(difference)}f}"
    if 0 < half_width < SMALLEST:
        return f"{sign}{difference:.3g} ± {half_width:.3g}"
    decimals = decimals_of(half_width)
    return f"{sign}{difference:z.{decimals}f} ± {half_width:.{decimals}f}"


def size_text(value: float | None) -> str:
    """A size with two digits or more, and two decimals or more.

    Example:
        >>> size_text(12.345), size_text(0.01234), size_text(None)
        ('12.35', '0.012', '-')
    """
    if value is None:
        return NOTHING
    return f"{value:.{decimals_of(value)}f}"


def decimals_of(value: float) -> int:
    """Decimals that show two digits of a number, at least two.

    Example:
        >>> decimals_of(12.0), decimals_of(0.00123), decimals_of(0.0)
        (2, 4, 2)
    """
    if value == 0:
        return 2
    return max(2, _decimals(value, digits=2))


def _decimals(value: float, *, digits: int) -> int:
    """Decimals that show so many digits of a number."""
    return max(0, digits - 1 - floor(log10(abs(value))))
