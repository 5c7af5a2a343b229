"""Options that several verbs share, and what they mean."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from dasbench.cli.flags import flags_of
from dasbench.cli.running.data import watching_files
from dasbench.cli.trained import weights_folder
from dasbench.data_access import DataAccess, reading_data
from dasbench.errors import EmptyStoreError, UsageError

if TYPE_CHECKING:
    from dasbench.results.reading import Reader
    from dasbench.spec.study import Study

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_DB = "results.db"


def db_option(function: F) -> F:
    """`--db`: which database; else the environment's DASBENCH_DB, else ./results.db."""
    text = f"Database: a file, or a SQLAlchemy URL. [default: $DASBENCH_DB, else {DEFAULT_DB}]"
    return click.option(
        "--db", metavar="FILE|URL", default=default_db, callback=_start_from_kept, help=text
    )(function)


def weights_kept_beside(db: str) -> AbstractContextManager[DataAccess]:
    """Let trials start from the weights that were kept beside a database."""
    return reading_data(kept_weights=partial(weights_folder, db))


def _start_from_kept(context: click.Context, _option: click.Parameter, db: str) -> str:
    """Find the weights that were kept beside the chosen database until the command ends."""
    context.with_resource(weights_kept_beside(db))
    return db


def study_options(function: F) -> F:
    """`--profile`, `--set` and `--gate`: how a study file is read."""
    for option in (
        click.option("--gate", metavar="NAME", help="Short for --set gate.name=NAME."),
        click.option(
            "--set",
            "overrides",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override a field of the trial.",
        ),
        click.option("--profile", metavar="NAME", help="Use one of the study's profiles."),
    ):
        function = option(function)
    return function


profile_option = click.option(
    "--profile", metavar="NAME", help="Results of one of the study's profiles."
)
where_option = click.option(
    "--where", metavar="CONDITION", help="Only these variants, as for `leaderboard`."
)
test_option = click.option(
    "--test",
    type=click.Choice(["arm-wise", "t"]),
    default="arm-wise",
    show_default=True,
    help="arm-wise: by the noise of all variants of the study. t: paired t tests, pair by pair.",
)
convention_option = click.option(
    "--convention",
    type=click.Choice(["full", "paper"]),
    default="full",
    show_default=True,
    help="Costs.",
)


def figure_option(text: str, *, endings: str = "FILE.png|.svg|.pdf") -> Callable[[F], F]:
    """`-o`: the files into which a figure is drawn.

    Args:
        text: what the help says of it.
        endings: what is to be drawn into.
    """
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        type=click.Path(dir_okay=False),
        metavar=endings,
        help=text,
    )


def data_option(function: F) -> F:
    """Where data lie, whether they may be fetched, and how closely they are looked at."""
    function = click.option(
        "--trust-data",
        is_flag=True,
        expose_value=False,
        callback=_trust_data,
        help="Read no file beforehand: names and sizes stand for content, "
        "and results are kept apart by that.",
    )(function)
    function = click.option(
        "--download",
        is_flag=True,
        expose_value=False,
        callback=_download_data,
        help="Fetch a missing data set, where it may be fetched: cifar10, cifar100.",
    )(function)
    return click.option(
        "--data-root",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        expose_value=False,
        callback=_read_data_below,
        help="Folder that holds the data sets. [default: $DASBENCH_DATA, else ./data]",
    )(function)


def _read_data_below(context: click.Context, _option: click.Parameter, root: Path | None) -> None:
    """Read data there until the command ends."""
    context.with_resource(reading_data(root))


def _trust_data(context: click.Context, _option: click.Parameter, trust: bool) -> None:
    """Until the command ends, look at data from outside alone, or read what was never read."""
    told = context.with_resource(watching_files())
    context.with_resource(reading_data(look="names" if trust else None, told=told))


def _download_data(context: click.Context, _option: click.Parameter, download: bool) -> None:
    """Let missing data be fetched until the command ends."""
    context.with_resource(reading_data(download=download))


def format_option(*formats: str) -> Callable[[F], F]:
    """`--format`, and `--json` as its short form; the first format is the default."""

    def decorate(function: F) -> F:
        choice = click.Choice(formats)
        text = "How to print the result."
        function = click.option(
            "--format", "format_", type=choice, default=formats[0], show_default=True, help=text
        )(function)
        return click.option(
            "--json", "format_", flag_value="json", help="Short for --format json."
        )(function)

    return decorate


def table_options(*formats: str) -> Callable[[F], F]:
    """`--format`, `--wide` and `--columns`, which become one argument `layout`."""

    def decorate(function: F) -> F:
        @wraps(function)
        def command(
            *args: Any, format_: str, wide: bool, columns: str | None, **options: Any
        ) -> Any:
            from dasbench.render.tables.table import Layout

            named = tuple(words_of(columns))
            if named and format_ in ("json", "csv"):
                raise UsageError(
                    f"--columns chooses columns of a table; {format_} holds every field, "
                    "leave it out."
                )
            flags = flags_of([click.get_current_context().command])
            layout = Layout(format_=format_, wide=wide, columns=named, flags=flags)
            return function(*args, layout=layout, **options)

        wide = click.option(
            "--wide", is_flag=True, help="All columns, however narrow the terminal is."
        )
        columns = click.option(
            "--columns", metavar="KEY,...", help="These columns of the table, in this order."
        )
        return format_option(*formats)(cast(F, columns(wide(command))))

    return decorate


def words_of(text: str | None) -> list[str]:
    """What stands between commas.

    Example:
        >>> words_of("label, top1,"), words_of(None)
        (['label', 'top1'], [])
    """
    parts = (text or "").split(",")
    return [part.strip() for part in parts if part.strip()]


def read_study(
    path: str, *, profile: str | None, overrides: tuple[str, ...], gate: str | None
) -> "Study":
    """The study of a file, its own modules imported, its form and the names in it checked."""
    from dasbench.catalog import known_names  # with the YAML reader a third of a second
    from dasbench.spec.load import load_study

    if gate:
        overrides = (*overrides, f"gate.name={gate}")
    return load_study(Path(path), known=known_names, profile=profile, overrides=overrides)


def study_names(studies: Iterable[str], *, profile: str | None) -> list[str]:
    """The names under which results of studies are found, from their names or their files."""
    return [study_name(study, profile=profile) for study in studies]


def study_name(study: str, *, profile: str | None) -> str:
    """The name under which results of a study are found, from its name or its file."""
    if not study.endswith((".yaml", ".yml")):
        return name_of_profile(study, profile)
    from dasbench.spec.load import load_study

    # without the names that are known here: results are there to read whatever they were made with
    return load_study(Path(study), profile=profile).name


def name_of_profile(study: str, profile: str | None) -> str:
    """The name under which results of a study's profile are found, from the study's name."""
    if not profile:
        return study
    return f"{study}@{profile}"


@contextmanager
def known_results(db: str) -> Iterator["Reader | None"]:
    """The results so far; None if there is no database yet, and none is made."""
    from dasbench.results.reading import read_store  # SQLAlchemy takes a quarter of a second

    try:
        reader = read_store(db)
    except EmptyStoreError:
        yield None
        return
    with reader:
        yield reader


@contextmanager
def quick_reading() -> Iterator[None]:
    """Read a table without the search for cycles, of which its rows have none.

    Later searches leave out what was read: together half a second less at 100,000 trials.
    """
    gc.disable()
    try:
        yield
    finally:
        if "torch" not in sys.modules:  # some of its libraries count what is alive at the end
            gc.freeze()
        gc.enable()


def default_db() -> str:
    """The environment's DASBENCH_DB, else ./results.db."""
    return os.environ.get("DASBENCH_DB", DEFAULT_DB)
