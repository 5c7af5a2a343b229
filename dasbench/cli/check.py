"""`dasbench check`: is a study file sound?"""

import click

from dasbench.cli.data import lines_about_data
from dasbench.cli.options import data_option, read_study, study_options


@click.command("check")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
def command(study: str, profile: str | None, overrides: tuple[str, ...], gate: str | None) -> None:
    """Say whether a study file is sound: its form, its names, its components' parameters, its models.

    Every complaint is printed at once as file:line: key: message, and the exit code is 2. Nothing
    is trained and no database is touched.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    from dasbench.agenda import Agenda
    from dasbench.cli.running.place import trials_of
    from dasbench.plan import (
        Plan,
        count_costs,
    )  # imports torch: only a study of sound form pays for it

    agenda = Agenda(loaded)
    agenda.start([])
    costs = count_costs(Plan(loaded, agenda.items))
    lines = lines_about_data(trials_of(loaded, agenda.items))
    models = len({(cost.params_full, cost.macs_full) for cost in costs.values()})
    if loaded.is_searched:
        click.echo(
            f"{study}: sound. {loaded.name}: {loaded.trials} trials, proposed by {loaded.sampler}."
        )
    else:
        click.echo(
            f"{study}: sound. {loaded.name}: {agenda.total} trials, {models} distinct costs."
        )
    for line in lines:
        click.echo(line)
