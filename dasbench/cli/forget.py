"""`dasbench forget`: delete results on purpose."""

from typing import TYPE_CHECKING, NamedTuple

import click

from dasbench.cli.options import db_option
from dasbench.cli.output import tell
from dasbench.errors import UsageError

if TYPE_CHECKING:
    from dasbench.results.reading import Reader


@click.command("forget")
@click.argument("name", metavar="STUDY|KEY")
@db_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(name: str, db: str, yes: bool) -> int:
    """Delete a study with its results, or one trial, for good.

    \b
      dasbench forget norm_ablation    # the study, and the trials that no other study lists
      dasbench forget 3f9a2c81d0be     # one trial, in every study that lists it

    It asks before it deletes. A study's name comes before a key. To train a trial again and keep
    both results, write `dasbench run STUDY --again KEY`.
    """
    from dasbench.results.reading import read_store  # SQLAlchemy takes a quarter of a second
    from dasbench.results.store import open_store

    with read_store(db) as reader:
        is_study = name in [record.name for record in reader.studies(counted=False)]
        doomed = _study(reader, name) if is_study else _trial(reader, name, db)
    if not yes and not _says_yes(f"Delete {doomed.what} from {db}, for good?"):
        tell("nothing was deleted; --yes deletes without a question")
        return 1
    with open_store(db) as store:
        if is_study:
            with store.lock(name):
                store.forget_study(name)
        else:
            store.forget_trials(doomed.keys)
    _forget_files(db, doomed.keys)
    click.echo(f"deleted {doomed.what}")
    return 0


class _Doomed(NamedTuple):
    """What is to be deleted: the trials' keys, and the whole in words."""

    keys: list[str]
    what: str


def _study(reader: "Reader", name: str) -> _Doomed:
    shared = reader.listed_elsewhere(name)
    keys = [row.key for row in reader.rows(name) if row.key not in shared]
    what = f"the study '{name}' and its {len(keys)} trials"
    if shared:
        what += f" ({len(shared)} more belong to other studies too and stay)"
    return _Doomed(keys, what)


def _trial(reader: "Reader", key: str, db: str) -> _Doomed:
    try:
        trial = reader.trial(key)
    except UsageError as error:
        raise UsageError(f"'{key}' is neither a study nor a trial of {db}: {error}") from error
    listed = ", ".join(row.study for row in trial.rows) or "no study"
    return _Doomed([trial.key], f"trial {trial.key} ({trial.state.state}, listed by {listed})")


def _says_yes(question: str) -> bool:
    """Whether somebody is there and says yes."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        tell("")
        return False


def _forget_files(db: str, keys: list[str]) -> None:
    """Remove what lies of trials beside the database: checkpoints and kept weights."""
    from dasbench.cli.running.place import storage_beside
    from dasbench.cli.trained import weights_folder
    from dasbench.training.run_trial import forget_checkpoints

    for key in keys:
        forget_checkpoints(storage_beside(db), key)
        (weights_folder(db) / f"{key}.pt").unlink(missing_ok=True)
