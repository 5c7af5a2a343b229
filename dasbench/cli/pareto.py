"""`dasbench pareto`: what does accuracy cost?"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dasbench.cli.options import (
    convention_option,
    db_option,
    figure_option,
    format_option,
    profile_option,
    quick_reading,
    study_names,
    test_option,
    where_option,
)
from dasbench.spec.plain import Record

if TYPE_CHECKING:
    from dasbench.views.figures.hypervolume import HypervolumeInfo
    from dasbench.views.figures.pareto import ParetoInfo
    from dasbench.views.selection import Selection


@click.command("pareto")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@profile_option
@db_option
@click.option(
    "--cost",
    type=click.Choice(["macs", "params", "latency", "memory", "seconds"]),
    default="macs",
    show_default=True,
    help="Horizontal axis.",
)
@convention_option
@click.option(
    "--metric",
    metavar="NAME",
    help="Vertical axis. [default: the study's first measured objective]",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="METRIC:max|min",
    help="Front over these instead, two or more; the figure shows the first two.",
)
@where_option
@test_option
@click.option(
    "--log/--no-log",
    default=None,
    help="Logarithmic costs. [default: where they span more than a decade]",
)
@click.option(
    "--published",
    metavar="TABLE",
    help="Show what the paper prints too, of the same backbones (table1).",
)
@click.option(
    "--hypervolume",
    "--trace",
    is_flag=True,
    help="How the front grew over trials and time, instead.",
)
@click.option(
    "--reference",
    metavar="SCORE,COST",
    help="Corner of the hypervolume. [default: beyond the worst]",
)
@figure_option(
    "Where to draw. [default: figures/STUDY_pareto.png and .svg]",
    endings="FILE.png|.svg|.pdf|.html",
)
@format_option("plot", "json", "csv")
def command(
    studies: tuple[str, ...],
    profile: str | None,
    db: str,
    outputs: tuple[str, ...],
    format_: str,
    **options: Any,
) -> None:
    """Plot accuracy against cost: which variants are on the Pareto front, may be, or are not?

    \b
      dasbench pareto norm_ablation
      dasbench pareto norm_ablation --cost params -o front.html
      dasbench pareto first second --hypervolume --format json

    A variant is dominated if another costs no more and is significantly better over seeds (filled
    grey); on the front of the means (filled red); possibly on the front otherwise (hollow). One
    seed shows nothing to be dominated.

    With --format json or csv the points are printed and nothing is drawn unless -o is given.
    """
    from dasbench.render.plots.figure import figure_paths
    from dasbench.render.questions import with_title
    from dasbench.views.quantities import refuse_without_results, with_metric
    from dasbench.views.selection import select_studies

    kind = "pareto"
    if options["hypervolume"]:
        kind = "hypervolume"
    elif options["reference"]:
        raise click.UsageError("--reference is the corner of a hypervolume: add --hypervolume.")
    names = study_names(studies, profile=profile)
    paths = figure_paths("+".join(names), kind, outputs, drawn=format_ == "plot")
    with quick_reading():
        chosen = select_studies(db, names, where=options["where"], test=options["test"])
    chosen = with_title(with_metric(chosen, options["metric"]))
    refuse_without_results(chosen)
    draw = _print_and_prepare(kind, chosen, db, options, format_)
    for path in paths:
        draw(path)
        click.echo(str(path), err=format_ != "plot")


def _print_and_prepare(
    kind: str, chosen: "Selection", db: str, options: Record, format_: str
) -> Callable[[Path], None]:
    """Compute what was asked for, print it if that was asked for, and return how to draw it."""
    from dasbench.catalog import PLOTS

    draw: Callable[..., None] = PLOTS[kind].make
    if kind == "hypervolume":
        return partial(draw, _growth(chosen, options, format_))
    return partial(draw, _frontier(chosen, db, options, format_), log=options["log"])


def _frontier(chosen: "Selection", db: str, options: Record, format_: str) -> "ParetoInfo":
    """The points, printed if that was asked for."""
    from dasbench.errors import UsageError
    from dasbench.render.frontier import frontier_records
    from dasbench.render.text.records import print_records
    from dasbench.views.figures.pareto import info
    from dasbench.views.figures.published import backbones_of, published_points
    from dasbench.views.quantities import quantity, read_objective

    convention, name = options["convention"], options["published"]
    cost = quantity(options["cost"], chosen, convention=convention)
    objectives = [
        read_objective(text, chosen, convention=convention) for text in options["objectives"]
    ]
    metrics = {objective.metric for objective in objectives}
    if len(objectives) == 1 or len(metrics) < len(objectives):
        raise UsageError("--objective: a front takes two objectives or more, each a different one")
    if name and objectives:
        raise UsageError("--published goes with --metric and --cost, not with --objective")
    published = name and published_points(
        name, metric=chosen.metric, cost=cost, backbones=backbones_of(db, chosen.rows)
    )
    front = info(chosen, cost=cost, objectives=objectives, published=published or ())
    if format_ != "plot":
        print_records(frontier_records(front.points), format_=format_)
    return front


def _growth(chosen: "Selection", options: Record, format_: str) -> "HypervolumeInfo":
    """The curves, printed if that was asked for: whole as JSON, step by step as CSV."""
    from dasbench.render.frontier import hypervolume_records, step_records
    from dasbench.render.text.records import print_records
    from dasbench.views.figures.hypervolume import info
    from dasbench.views.quantities import quantity

    cost = quantity(options["cost"], chosen, convention=options["convention"])
    growth = info(chosen, cost=cost, reference=_corner(options["reference"]))
    if format_ == "csv":
        print_records(step_records(growth), format_=format_)
    elif format_ == "json":
        print_records(hypervolume_records(growth), format_=format_)
    return growth


def _corner(text: str | None) -> tuple[float, float] | None:
    """The reference as it was written: `60,2e9`."""
    if text is None:
        return None
    try:
        score, cost = map(float, text.split(","))
    except ValueError:
        raise click.UsageError(
            f"--reference {text}: write a score and a cost, as in 60,2e9"
        ) from None
    return (score, cost)
