"""`dasbench demo`: a small study from its file to its verdicts."""

import shlex
from pathlib import Path

import click

from dasbench.cli.options import db_option
from dasbench.cli.output import tell_result
from dasbench.errors import UsageError

STUDY = Path(__file__).resolve().parents[2] / "studies" / "demo.yaml"
"""What is trained; it stands in the repository, beside the package."""

STEPS = (
    ("leaderboard", "demo"),
    ("compare", "DAS", "no attention", "demo"),
    ("compare", "DAS", "no deformation", "demo"),
    ("pareto", "demo"),
)
"""The commands that show what was found: the means, a real difference, a tie, and the plot."""


@click.command("demo")
@db_option
def command(db: str) -> int:
    """Train a small study in about a minute, and show what it found: a difference and a tie.

    \b
      dasbench demo
      dasbench demo --db /tmp/demo.db

    Each step is a command of its own, which is printed before it runs. The results stay in the
    database; running again trains nothing that is there.
    """
    from dasbench.cli import run_command  # which imports this module

    database = _database_option(db)
    for step in (("run", _study_file()), *STEPS):
        words = [*step, *database]
        tell_result(f"\n$ {shlex.join(['dasbench', *words])}")
        code = run_command(words)
        if code:
            return code
    return 0


def _study_file() -> str:
    """The study's file, from the working directory if it is below it."""
    if not STUDY.is_file():
        raise UsageError(
            f"{STUDY}: no such file. The demo's study comes with the repository, not with an "
            "installed package: clone the repository and run `make demo` in it"
        )
    here = Path.cwd()
    if STUDY.is_relative_to(here):
        return str(STUDY.relative_to(here))
    return str(STUDY)


def _database_option(db: str) -> list[str]:
    """`--db` and its value, if they were given."""
    source = click.get_current_context().get_parameter_source("db")
    if source == click.core.ParameterSource.COMMANDLINE:
        return ["--db", db]
    return []
