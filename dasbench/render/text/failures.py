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
    texts = []
    for name, count in states.items():
        if name not in _OTHER_STATES:
            texts.append(f"{count:,} {REASONS.get(name, name)}")
    return ", ".join(texts)
