"""How many cores this process may use."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much processor time a container may use.

It is `max 100000`, or microseconds of each period.
"""


def usable_cores() -> int:
    """Cores of this machine that this process may run on, at least one; a container's limit counts.

    Example:
        >>> 1 <= usable_cores() <= os.cpu_count()
        True
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    if _QUOTA.exists():
        cores = min(cores, quota_cores(_QUOTA.read_text()))
    return max(1, cores)


def quota_cores(text: str) -> int:
    """Whole cores in a limit on processor time; the number is huge where there is none.

    Example:
        >>> quota_cores("250000 100000"), quota_cores("50000 100000")
        (2, 1)
    """
    quota, _, period = text.partition(" ")
    if not (quota.isdigit() and period.strip().isdigit()):
        return 1 << 20
    return max(1, int(quota) // int(period))
