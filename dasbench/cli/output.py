"""Lines for the one who runs a command."""

import logging
import os
import sys
from contextlib import suppress

import click

from dasbench.cli.flags import every_flag
from dasbench.render.text.arguments import as_flags


class LogLines(logging.Handler):
    """Shows what the rooms below log; arguments that they name, as flags."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        tell(as_flags(self.format(record), every_flag()))


def tell(line: str) -> None:
    """Show one line on standard error; a command whose reader has gone goes on in silence."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)


def tell_result(line: str) -> None:
    """Show one line on standard output; a command whose reader has gone keeps its exit code."""
    try:
        click.echo(line)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        # what Python has yet to write at its exit goes nowhere, too
        os.dup2(nowhere, sys.stdout.fileno())
