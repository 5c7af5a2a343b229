"""Lines for the one who runs a command."""

from contextlib import suppress

import click


def tell(line: str) -> None:
    """Show one line on standard error; a command whose reader has gone goes on in silence."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)
