"""How many trials fit on this machine at once."""

import os


def default_workers(cpus: int) -> int:
    """As many trials as there are cores for, at least one.

    Args:
        cpus: cores of one trial.

    Example:
        >>> default_workers(10_000)
        1
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // cpus)
