"""The flags of a command, by the names that messages of the rooms below call them."""

from collections.abc import Iterable

import click


def flags_of(commands: Iterable[click.Command]) -> dict[str, str]:
    """What a user types for each argument, by the argument's name and by the flag's own.

    Example:
        >>> option = click.Option(["-o", "--output", "outputs"])
        >>> flags_of([click.Command("plot", params=[option])])
        {'outputs': '--output', 'output': '--output'}
    """
    flags = {}
    for command in commands:
        for option in command.params:
            if isinstance(option, click.Option):
                flag = max(option.opts, key=len)
                flags[str(option.name)] = flag
                flags[flag.lstrip("-").replace("-", "_")] = flag
    return flags
