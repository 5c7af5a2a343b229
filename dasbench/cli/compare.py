"""`dasbench compare`: is the difference real?"""

from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.cli.options import db_option, quick_reading, study_name, table_options

if TYPE_CHECKING:
    from dasbench.analysis.stats import Direction
    from dasbench.render.tables.table import Layout
    from dasbench.views.question import Question


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
@click.option("--profile", metavar="NAME", help="Results of one of the study's profiles.")
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
    "--min-effect", type=float, callback=_finite, metavar="SIZE",
    help="Smallest difference that matters, in the unit of differences (0.5: half a percentage point). "
    "[default: that of a study that takes looks]",
)  # fmt: skip
@click.option(
    "--unit", metavar="percent|fraction|none|TEXT",
    help="What the scores are in; differences of percent and of fractions are percentage points. "
    "[default: percent where the scores leave no doubt]",
)  # fmt: skip
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
    layout: "Layout",
) -> None:
    """Say whether a difference is real: paired over seeds, with its interval, p value and the seeds it still takes.

    \b
      dasbench compare c f design_ablation                   two variants, by label, value or key
      dasbench compare first_norm=in first_norm=bn STUDY     two groups, averaged over the other
      axes dasbench compare --baseline none baselines             every variant against one dasbench
      compare c f --csv scores.csv                  scores from elsewhere

    The exit code is 0 whatever the verdict.
    """
    from dasbench.render.comparison import print_answer, print_family
    from dasbench.views.comparison import compare, compare_family

    variants, study = _split(names, baseline=baseline, has_file=file is not None)
    if file is not None and (where or profile):
        raise click.UsageError(
            "--where and --profile choose among the results of a study, not of --csv FILE."
        )
    with quick_reading():
        if file is not None:
            question = _from_file(file, metric, unit, direction)
        else:
            question = _from_study(
                db, study_name(study, profile=profile), metric, where, unit, direction
            )
        if min_effect is not None:
            question = replace(question, min_effect=min_effect)
        if baseline is not None:
            print_family(compare_family(question, baseline), layout)
        else:
            print_answer(compare(question, *variants), layout)


def _split(
    names: tuple[str, ...], *, baseline: str | None, has_file: bool
) -> tuple[tuple[str, ...], str]:
    """The variants and the study among the arguments."""
    num_variants = 0 if baseline is not None else 2
    wanted = num_variants + (not has_file)
    if len(names) != wanted:
        what = " ".join([*["A B"] * (num_variants > 0), *["STUDY"] * (not has_file)]) or "nothing"
        raise click.UsageError(f"expected {what} here, not {' '.join(names) or 'nothing'}")
    return names[:num_variants], "" if has_file else names[-1]


def _from_study(
    db: str,
    study: str,
    metric: str | None,
    where: str | None,
    unit: str | None,
    direction: "Direction | None",
) -> "Question":
    from dasbench.views.question import Question, check_metric, in_unit, looks_baseline
    from dasbench.views.selection import refuse_empty_filter, select_studies
    from dasbench.views.units import (
        ScoreUnit,
        asked_unit,
        better_direction,
        no_direction,
        score_unit,
    )
    from dasbench.views.variants import leaderboard

    chosen = select_studies(db, [study], where=where)
    refuse_empty_filter(chosen)
    only = (
        [chosen.metric] if metric is None else None
    )  # a metric that nobody measured is answered with those that are
    metric = metric or chosen.metric
    entries = leaderboard(chosen.rows, metric=metric, only=only)
    is_the_studys = metric == chosen.metric
    look = chosen.looks[-1] if chosen.looks and is_the_studys else None
    min_effect = chosen.min_effect if is_the_studys else None
    direction = direction or better_direction(metric, chosen.objectives, chosen.metrics)
    own_unit = score_unit(metric, chosen.metrics)
    question = Question(
        entries=entries,
        metric=metric,
        unit=own_unit,
        direction=direction or "max",
        num_test_examples=chosen.num_test_examples,
        min_effect=min_effect,
        look=look,
        look_baseline=looks_baseline(entries, look) if look and not chosen.where else None,
        look_min_effect=min_effect,
        source=chosen.name,
    )
    check_metric(question)
    if direction is None:
        raise no_direction(metric, "Write --direction max or --direction min", chosen.metrics)
    return in_unit(question, asked_unit(unit) if unit is not None else ScoreUnit(own_unit))


def _from_file(
    file: Path, metric: str | None, unit: str | None, direction: "Direction | None"
) -> "Question":
    from dasbench.views.question import Question
    from dasbench.views.score_files.reading import read_scores
    from dasbench.views.units import asked_unit

    read = read_scores(file, metric=metric, unit=asked_unit(unit) if unit is not None else None)
    return Question(
        entries=read.entries,
        metric=read.metric,
        unit=read.unit.name,
        was_fraction=read.unit.factor != 1,
        direction=direction or "max",
        direction_is_assumed=direction is None,
        source=file.name,
    )
