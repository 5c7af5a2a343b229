"""The command line; one file per verb."""

import gc
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from dasbench import __version__
from dasbench.cli.flags import every_flag
from dasbench.cli.output import LogLines
from dasbench.cli.terminal import leave_output, prepare_streams
from dasbench.errors import DasbenchError
from dasbench.render.text.arguments import as_flags

VERBS = {
    "ablate": "Write the study of a gate's ablations.",
    "check": "Say whether a study file is sound.",
    "compare": "Say whether the difference between variants is real.",
    "cost": "Count parameters and MACs of a study's models, or of one model.",
    "forget": "Delete a study's results, or a trial's.",
    "demo": "Train a small study in a minute, and show what it found.",
    "export": "Write results to a file: CSV, Parquet, JSON lines, SQLite, Optuna.",
    "importance": "Say which axis of a study matters.",
    "leaderboard": "Rank the variants of a study.",
    "list": "List components, or the studies of a database.",
    "pareto": "Plot accuracy against cost and mark the Pareto front.",
    "plan": "List a study's trials, their costs and what is already done.",
    "plot": "Draw any plot of a study.",
    "report": "Write the ablation section of a study: LaTeX, figures, CSV, one HTML page.",
    "reproduce": "Put a table of the paper beside what comes out here.",
    "run": "Train what is missing of a study.",
    "saliency": "Show where trained networks look, and score it (Grad-CAM, sfd).",
    "show": "Show all that is known of a trial, or a backbone's sites.",
}
"""Verb -> what it does; its code is imported when it is used, as torch takes seconds to import."""

READING = ("compare", "export", "forget", "importance", "leaderboard", "pareto", "report")
"""Verbs that read results alone: what DASBENCH_IMPORT names is not imported for them."""


@contextmanager
def _ending_without_reader() -> Iterator[None]:
    """End well when the reader of standard output has gone, before click or Rich exit with 1."""
    try:
        yield
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error, BrokenPipeError) and not isinstance(
            error.__context__, BrokenPipeError
        ):
            raise
        leave_output()
        raise click.exceptions.Exit(0) from error


class _Verbs(click.Group):
    """Loads a verb from the file of its name, and lists verbs without loading any."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _ending_without_reader():  # of --help
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _ending_without_reader():
                return super().invoke(ctx)
        except DasbenchError as error:
            click.echo(as_flags(str(error), every_flag(ctx.invoked_subcommand)), err=True)
            ctx.exit(error.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"dasbench.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="dasbench")
@click.option(
    "--import",
    "modules",
    multiple=True,
    metavar="FILE.py|MODULE",
    help="Import a module of your own components; so are those that DASBENCH_IMPORT names.",
)
@click.pass_context
def cli(context: click.Context, modules: tuple[str, ...]) -> None:
    """Which attention gate is better, is the difference real, and what does it cost?

    \b
      dasbench run studies/norm_ablation.yaml
      dasbench leaderboard norm_ablation
      dasbench pareto norm_ablation
    """
    from dasbench.cli.options import default_db, weights_kept_beside

    context.with_resource(weights_kept_beside(default_db()))
    asked = [("--import", name) for name in modules]
    if context.invoked_subcommand not in READING:
        asked += [("DASBENCH_IMPORT", name) for name in _modules_of_environment()]
    if asked:
        from dasbench.cli.own_modules import import_own  # the catalogue takes a third of a second

        import_own(asked)


def _modules_of_environment() -> list[str]:
    """The modules that DASBENCH_IMPORT names, between commas or as the folders of a path are."""
    from dasbench.cli.options import words_of

    return words_of(os.environ.get("DASBENCH_IMPORT", "").replace(os.pathsep, ","))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: the code says how it went, errors go to standard error."""
    # in processes that this one starts, no folder comes before the libraries
    os.environ["PYTHONSAFEPATH"] = "1"
    logging.getLogger("dasbench").addHandler(LogLines())
    # imports make objects that stay: searched for cycles every 700, they take a tenth longer
    gc.set_threshold(50_000)
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    See `dasbench.errors` for the codes; 130 and 143 are of signals, 70 of a bug.
    """
    given = sys.argv[1:] if arguments is None else [*arguments]
    prepare_streams()
    try:
        code = cli.main(args=given, prog_name="dasbench", standalone_mode=False, obj=given)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except SystemExit as error:  # of the user's own code
        return _conclude(error)
    except Exception as error:  # noqa: BLE001 - the one place that says whose it is
        return _conclude(error)
    if isinstance(code, int):
        return code
    return 0


def _conclude(error: BaseException) -> int:
    """Say what an exception means that nobody expected; returns the exit code."""
    from dasbench.blame import judge  # only a command that fails waits for the catalogue

    verdict = judge(error)
    message = f"dasbench: {verdict.message}"
    if verdict.obscure:
        message += f"; the traceback is in {_keep_traceback(error)}"
    click.echo(message, err=True)
    return verdict.exit_code


def _keep_traceback(error: BaseException) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="dasbench-error-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError as problem:
        return f"no file, which cannot be written: {problem.strerror}"
    return str(Path(file.name))
