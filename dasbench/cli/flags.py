"""The flags of commands, by the names that messages of the rooms below call them."""

from collections.abc import Iterable

import click


def flags_of(commands: Iterable[click.Command]) -> dict[str, str]:
    """What a user types for each argument, by the argument's name and by the flag's own.

    Args:
        commands: where several have an argument of the same name, the last one's flag is taken.

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


def every_flag(verb: str | None = None) -> dict[str, str]:
    """The flags of all verbs: a message may name what another verb takes.

    Args:
        verb: whose flags come before those of others.

    Example:
        >>> every_flag()["trust_data"], every_flag("report")["force"]
        ('--trust-data', '--force')
    """
    from dasbench.cli import VERBS, cli  # which imports this module

    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in (*VERBS, verb or "")]
    return flags_of([*filter(None, commands), cli])
