"""`dasbench plot`: draw any registered plot of a study."""

import click

from dasbench.cli.options import (
    db_option,
    figure_option,
    profile_option,
    quick_reading,
    study_names,
    where_option,
)


class _Plot(click.Command):
    """Its help names the plots that there are, which are looked up when it is asked for."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from dasbench.catalog import PLOTS

        super().format_help_text(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"KIND: {', '.join(PLOTS.names())} (`dasbench list plots`).")


@click.command("plot", cls=_Plot)
@click.argument("kind", metavar="KIND")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@profile_option
@db_option
@click.option(
    "--metric", metavar="NAME", help="The score. [default: the study's first measured objective]"
)
@where_option
@figure_option("Where to draw. [default: figures/STUDY_KIND.png and .svg]")
def command(
    kind: str,
    studies: tuple[str, ...],
    profile: str | None,
    db: str,
    metric: str | None,
    where: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Draw a plot of a study's results.

    \b
      dasbench plot norms norm_ablation
      dasbench plot alpha alpha -o alpha.pdf
      dasbench plot confusion photos --where 'gate = "das"'
    """
    from dasbench.catalog import PLOTS
    from dasbench.errors import UsageError
    from dasbench.render.plots.figure import figure_paths
    from dasbench.render.questions import with_title
    from dasbench.views.classes import with_confusions
    from dasbench.views.quantities import refuse_without_results, with_metric
    from dasbench.views.selection import select_studies

    plot = PLOTS[kind]
    if plot.traits.info is None:
        raise UsageError(
            f"plot '{kind}' is registered without info=, the function that computes what it draws"
        )
    names = study_names(studies, profile=profile)
    paths = figure_paths("+".join(names), kind, outputs, drawn=True)
    with quick_reading():
        chosen = select_studies(db, names, where=where)
    chosen = with_title(with_metric(chosen, metric))
    refuse_without_results(chosen)
    if plot.traits.needs == "confusions":
        chosen = with_confusions(db, chosen)
    what = plot.traits.info(chosen)
    for path in paths:
        plot.make(what, path)
        click.echo(str(path))
