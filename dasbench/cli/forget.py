"""`dasbench forget`: delete results on purpose."""

import click

from dasbench.cli.options import db_option
from dasbench.errors import UsageError


@click.command("forget")
@click.argument("name", metavar="STUDY|KEY")
@db_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(name: str, db: str, yes: bool) -> int:
    """Delete a study with its results, or one trial, for good.

    \b
      dasbench forget norm_ablation    # the study, and the trials that no other study lists
      dasbench forget 3f9a2c81d0be     # one trial, in every study that lists it

    It asks before it deletes. A study's name comes before a key. To train a trial again and keep both results, write
    `dasbench run STUDY --again KEY`.
    """
    from dasbench.results.reading import read_store  # SQLAlchemy takes a quarter of a second
    from dasbench.results.store import open_store

    with read_store(db) as reader:
        is_study = name in [record.name for record in reader.studies(counted=False)]
        if is_study:
            rows = reader.rows(name)
            shared = reader.listed_elsewhere(name)
            keys = [row.key for row in rows if row.key not in shared]
            what = f"the study '{name}' and its {len(keys)} trials"
            what += f" ({len(shared)} more belong to other studies too and stay)" if shared else ""
        else:
            try:
                trial = reader.trial(name)
            except UsageError as error:
                raise UsageError(f"'{name}' is neither a study nor a trial of {db}: {error}") from error
            keys = [trial.key]
            listed = ", ".join(row.study for row in trial.rows) or "no study"
            what = f"trial {trial.key} ({trial.state.state}, listed by {listed})"
    if not yes and not click.confirm(f"Delete {what} from {db}, for good?", err=True):
        click.echo("nothing was deleted", err=True)
        return 1
    with open_store(db) as store:
        if is_study:
            with store.lock(name):
                store.forget_study(name)
        else:
            store.forget_trials(keys)
    _forget_files(db, keys)
    click.echo(f"deleted {what}")
    return 0


def _forget_files(db: str, keys: list[str]) -> None:
    """Remove what lies of trials beside the database: checkpoints and kept weights."""
    from dasbench.cli.place import storage_beside
    from dasbench.cli.trained import weights_folder
    from dasbench.training.run_trial import forget_checkpoints

    for key in keys:
        forget_checkpoints(storage_beside(db), key)
        (weights_folder(db) / f"{key}.pt").unlink(missing_ok=True)
