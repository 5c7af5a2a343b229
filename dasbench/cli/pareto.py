"""`dasbench pareto`: what does accuracy cost?"""

from pathlib import Path

import click

from dasbench.cli.options import db_option, format_option, study_name


@click.command("pareto")
@click.argument("study", metavar="STUDY")
@click.option("--profile", metavar="NAME", help="Results of one of the study's profiles.")
@db_option
@click.option(
    "--cost", type=click.Choice(["macs", "params"]), default="macs", show_default=True, help="Horizontal axis."
)
@click.option("--convention", type=click.Choice(["full", "paper"]), default="full", show_default=True, help="Costs.")
@click.option("-o", "--output", "outputs", multiple=True, type=click.Path(dir_okay=False), metavar="FILE.png|.svg|.pdf",
              help="Where to draw. [default: figures/STUDY_pareto.png and .svg]")  # fmt: skip
@format_option("plot", "json", "csv")
def command(
    study: str,
    profile: str | None,
    db: str,
    cost: str,
    convention: str,
    outputs: tuple[str, ...],
    format_: str,
) -> None:
    """Plot accuracy against MACs or parameters, mark the Pareto front, seeds as error bars.

    With --format json or csv the points are printed and nothing is drawn unless -o is given.
    """
    from dasbench.catalog import PLOTS
    from dasbench.reports.formats import print_records
    from dasbench.reports.plots.pareto import info
    from dasbench.reports.selection import select_study

    chosen = select_study(db, study_name(study, profile=profile))
    front = info(chosen, cost=f"{cost}_{convention}")
    if format_ != "plot":
        print_records([point.as_record() for point in front.points], format_=format_)
    elif not outputs:
        stem = Path("figures") / f"{chosen.name.replace('@', '_')}_pareto"
        outputs = (f"{stem}.png", f"{stem}.svg")
    for output in outputs:
        PLOTS["pareto"].make(front, Path(output))
        click.echo(output)
