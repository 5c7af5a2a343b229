"""Why trials failed, in words."""

from collections.abc import Mapping

REASONS = {
    "nan": "diverged",
    "oom": "out of memory",
    "killed": "killed",
    "timeout": "timed out",
    "error": "error",
    "failed": "failed",
}
"""Class of a failure -> what a reader is told."""

_OTHER_STATES = ("done", "stopped", "pending", "running")
"""States of trials that did not fail."""


def failures_text(states: Mapping[str, int]) -> str:
    """How many trials failed for which reason; `""` if none did.

    Args:
        states: number of trials by state, of failed ones by the class of their failure.

    Example:
        >>> failures_text({"done": 3, "nan": 2, "killed": 1}), failures_text({"done": 3})
        ('2 diverged, 1 killed', '')
    """
    failed = [(name, count) for name, count in states.items() if name not in _OTHER_STATES]
    return ", ".join(f"{count:,} {_reason_text(name)}" for name, count in failed)


def _reason_text(reason: str) -> str:
    """A class of failures in words; a class that has none is its own name."""
    return REASONS.get(reason, reason)
