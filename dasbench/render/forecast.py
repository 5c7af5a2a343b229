"""What a study can resolve, said before it runs."""

from collections.abc import Iterator

from dasbench.render.text.numbers import with_unit
from dasbench.render.text.words import counted
from dasbench.views.forecast import Forecast, TrialNoise


def forecast_sentences(forecast: Forecast | None) -> Iterator[str]:
    """Which differences the seeds resolve, how many runs looks take, and what that rests on."""
    if forecast is None:
        return
    parts = []
    if forecast.seeds not in forecast.differences:
        parts.append(f"{counted(forecast.seeds, 'seed')}: no difference")
    for seeds, difference in forecast.differences.items():
        size = with_unit(_two_digits(difference), forecast.unit)
        parts.append(f"{seeds} seeds: differences above about {size}")
    parts[-1] += " (80 % power)"
    if forecast.runs is not None:
        parts.append(_runs(forecast))
    yield f"{'; '.join(parts)}."
    yield f"{counted(forecast.num_comparisons, 'variant')} beside the baseline."
    if forecast.runs is not None:
        effect = with_unit(f"{forecast.min_effect:g}", forecast.unit)
        yield f"Runs are simulated, with true differences of a standard deviation of {effect}."
    yield _noise(forecast.noise, forecast.unit)


def _runs(forecast: Forecast) -> str:
    """How many runs it takes until every variant is settled, by the study's looks or the usual."""
    plan = "until resolved"
    if not forecast.has_looks:
        plan = f"`seeds: {{until: resolved, min_effect: {forecast.min_effect:g}}}`"
    return f"{plan}: about {forecast.runs:,.0f} runs, at most {forecast.most_runs:,}"


def _noise(noise: TrialNoise, unit: str) -> str:
    """How large the noise is, and who says so."""
    size = f"The noise of a trial is taken as {with_unit(_two_digits(noise.sd), unit)}"
    if noise.source == "trials":
        return f"{size}, as {counted(noise.number, 'trial')} of the study show."
    if noise.source == "guess":
        return f"{size}, a guess: no two seeds of a variant are known yet."
    part = f"the floor of {counted(noise.number, 'test example')} at {noise.score:.0f} %"
    return f"{size}, {part}: no two seeds of a variant are known yet."


def _two_digits(value: float) -> str:
    """A number with its first two digits.

    Example:
        >>> _two_digits(0.0623), _two_digits(1234.5)
        ('0.062', '1,200')
    """
    return f"{float(f'{value:.2g}'):,g}"
