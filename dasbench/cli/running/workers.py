"""How many trials run at once on this machine."""

import click

from dasbench.cores import usable_cores


def default_workers(cpus: int) -> int:
    """As many trials as there are cores for, at least one.

    Args:
        cpus: cores of one trial.

    Example:
        >>> default_workers(10_000)
        1
    """
    return max(1, usable_cores() // cpus)


def warn_of_too_many(workers: int, cpus: int) -> None:
    """Say on standard error that trials will wait for each other, if there are too few cores.

    Args:
        workers: how many trials are to run at once.
        cpus: cores of one trial.
    """
    cores = usable_cores()
    if workers * cpus > max(cores, cpus):
        click.echo(
            f"--workers {workers}: {workers} trials of {cpus} core{'s' * (cpus != 1)} each "
            f"on a machine with {cores} will wait for each other; "
            f"{default_workers(cpus)} is as fast",
            err=True,
        )
