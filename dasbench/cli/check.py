"""`dasbench check`: is a study file sound?"""

import click

from dasbench.cli.options import data_option, read_study, study_options
from dasbench.cli.running.data import lines_about_data


@click.command("check")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
def command(study: str, profile: str | None, overrides: tuple[str, ...], gate: str | None) -> None:
    """Say whether a study file is sound: its form, names, parameters of components, models.

    Every complaint is printed at once as file:line: key: message, and the exit code is 2. Nothing
    is trained and no database is touched.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    from dasbench.prepare import prepare  # imports torch: only a study of sound form pays for it

    prepared = prepare(loaded)
    costs = prepared.costs()
    lines = lines_about_data(prepared.trials)
    if loaded.is_searched:
        found = f"{loaded.trials} trials, proposed by {loaded.sampler}"
    else:
        distinct = len({(cost.params_full, cost.macs_full) for cost in costs.values()})
        found = f"{prepared.agenda.total} trials, {distinct} distinct costs"
    click.echo(f"{study}: sound. {loaded.name}: {found}.")
    for line in lines:
        click.echo(line)
