"""`dasbench compare`: is the difference real?"""

from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.cli.options import (
    db_option,
    profile_option,
    quick_reading,
    study_name,
    table_options,
    test_option,
)

if TYPE_CHECKING:
    from dasbench.analysis.significance import TestChoice
    from dasbench.analysis.stats import Direction
    from dasbench.render.tables.table import Layout
    from dasbench.views.comparisons.question import Question
    from dasbench.views.selection import Selection
    from dasbench.views.units import ScoreUnit


def _finite(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (isfinite(value) and value > 0):
        raise click.BadParameter(f"{value} is no size of a difference; it is a number above 0.")
    return value


@click.command("compare")
@click.argument("names", metavar="[A B] [STUDY]", nargs=-1)
@click.option(
    "--baseline",
    metavar="NAME",
    help="Compare every variant with this one, with Holm's correction.",
)
@click.option(
    "--csv",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Scores: columns variant, seed, metric.",
)
@profile_option
@db_option
@click.option(
    "--where", metavar="CONDITION", help="Only variants that pass; see dasbench leaderboard --help."
)
@click.option(
    "--metric",
    metavar="NAME",
    help="What to compare. [default: the study's objective; the file's third column]",
)
@click.option(
    "--direction",
    type=click.Choice(["max", "min"]),
    help="Which is better. [default: as the metric is registered; max for --csv]",
)
@click.option(
    "--min-effect",
    type=float,
    callback=_finite,
    metavar="SIZE",
    help="Smallest difference that matters, in the unit of differences "
    "(0.5: half a percentage point). [default: that of a study that takes looks]",
)
@click.option(
    "--unit",
    metavar="percent|fraction|none|TEXT",
    help="What the scores are in; differences of percent and of fractions are percentage points. "
    "[default: percent where the scores leave no doubt]",
)
@test_option
@click.option(
    "--new-images",
    is_flag=True,
    help="Say, too, whether the difference carries to new images of the same kind.",
)
@table_options("table", "json", "csv", "md", "latex")
def command(
    names: tuple[str, ...],
    baseline: str | None,
    file: Path | None,
    profile: str | None,
    db: str,
    where: str | None,
    metric: str | None,
    direction: "Direction | None",
    min_effect: float | None,
    unit: str | None,
    test: "TestChoice",
    new_images: bool,
    layout: "Layout",
) -> None:
    """Say whether a difference is real: paired over seeds, with interval, p value and seeds to go.

    \b
      dasbench compare c f design_ablation                  two variants, by label, value or key
      dasbench compare first_norm=in first_norm=bn STUDY    two groups, averaged over the other axes
      dasbench compare --baseline none baselines            every variant against one
      dasbench compare c f design_ablation --new-images     on other images than these, too
      dasbench compare c f --csv scores.csv                 scores from elsewhere

    The exit code is 0 whatever the verdict.
    """
    from dasbench.render.comparison import print_answer, print_family
    from dasbench.views.comparisons.comparison import compare, compare_family
    from dasbench.views.comparisons.new_images import with_new_images
    from dasbench.views.selection import select_studies

    variants, study = _split(names, baseline=baseline, has_file=file is not None)
    chosen = None
    if file is not None:
        _refuse_with_file(chooses=bool(where or profile), new_images=new_images)
        question = _from_file(file, metric, unit, direction, test)
    else:
        with quick_reading():
            name = study_name(study, profile=profile)
            chosen = select_studies(db, [name], where=where, test=test)
        question = _from_study(chosen, metric, unit, direction)
    if min_effect is not None:
        question = replace(question, min_effect=min_effect)
    if baseline is not None:
        answers = compare_family(question, baseline)
    else:
        answers = [compare(question, *variants)]
    if new_images and chosen is not None:
        answers = with_new_images(db, chosen, answers)
    if baseline is not None:
        print_family(answers, layout)
    else:
        print_answer(answers[0], layout)


def _refuse_with_file(*, chooses: bool, new_images: bool) -> None:
    """Refuse what is asked of trials, where scores are from a file."""
    if chooses:
        raise click.UsageError(
            "--where and --profile choose among the results of a study, not of --csv FILE."
        )
    if new_images:
        raise click.UsageError(
            "--new-images reads which test images each trial of a study had right; "
            "--csv FILE has nothing but scores."
        )


def _split(
    names: tuple[str, ...], *, baseline: str | None, has_file: bool
) -> tuple[tuple[str, ...], str]:
    """The variants and the study among the arguments."""
    expected = []
    if baseline is None:
        expected += ["A", "B"]
    if not has_file:
        expected.append("STUDY")
    if len(names) != len(expected):
        wanted, given = (" ".join(words) or "nothing" for words in (expected, names))
        raise click.UsageError(f"expected {wanted} here, not {given}")
    if has_file:
        return names, ""
    return names[:-1], names[-1]


def _from_study(
    chosen: "Selection", metric: str | None, unit: str | None, direction: "Direction | None"
) -> "Question":
    """What is asked of a study, in the unit and the direction of its metric."""
    from dasbench.views.comparisons.noise import noise_of_arms
    from dasbench.views.comparisons.question import Question, in_unit, refuse_untestable_metric
    from dasbench.views.selection import refuse_empty_filter
    from dasbench.views.units import ScoreUnit, better_direction, no_direction, score_unit
    from dasbench.views.variants import leaderboard

    refuse_empty_filter(chosen)
    # a metric that was asked for and that nobody measured is answered with those that are
    only = None
    if metric is None:
        only = [chosen.metric]
    metric = metric or chosen.metric
    entries = leaderboard(chosen.rows, metric=metric, only=only)
    noise = noise_of_arms(chosen, entries, metric)
    direction = direction or better_direction(metric, chosen.objectives, chosen.metrics)
    question = Question(
        entries=entries,
        noise=noise,
        metric=metric,
        unit=score_unit(metric, chosen.metrics),
        direction=direction or "max",
        num_test_examples=chosen.num_test_examples,
        source=chosen.name,
    )
    if metric == chosen.metric:
        question = _with_looks(question, chosen)
    refuse_untestable_metric(question)
    if direction is None:
        raise no_direction(metric, "Write --direction max or --direction min", chosen.metrics)
    return in_unit(question, _asked_unit(unit) or ScoreUnit(question.unit))


def _with_looks(question: "Question", chosen: "Selection") -> "Question":
    """The question of a study's own metric, with the last look that the study took at it."""
    from dasbench.views.comparisons.question import looks_baseline

    question = replace(question, min_effect=chosen.min_effect, look_min_effect=chosen.min_effect)
    if not chosen.looks:
        return question
    look = chosen.looks[-1]
    question = replace(question, look=look)
    if chosen.where:
        return question
    return replace(question, look_baseline=looks_baseline(question.entries, look))


def _from_file(
    file: Path,
    metric: str | None,
    unit: str | None,
    direction: "Direction | None",
    test: "TestChoice",
) -> "Question":
    from dasbench.views.comparisons.noise import noise_of_entries
    from dasbench.views.comparisons.question import Question
    from dasbench.views.score_files.reading import read_scores

    read = read_scores(file, metric=metric, unit=_asked_unit(unit))
    noise = None
    if test != "t":
        noise = noise_of_entries(read.entries, read.metric)
    return Question(
        entries=read.entries,
        noise=noise,
        metric=read.metric,
        unit=read.unit.name,
        was_fraction=read.unit.factor != 1,
        direction=direction or "max",
        direction_is_assumed=direction is None,
        source=file.name,
    )


def _asked_unit(text: str | None) -> "ScoreUnit | None":
    from dasbench.views.units import asked_unit

    if text is None:
        return None
    return asked_unit(text)
