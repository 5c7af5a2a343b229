"""With what the trials of a study ran: versions, devices and commits, as they recorded them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from dasbench.spec.plain import Spec


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What is reported of an environment, in the words that were recorded.

    The names of hosts are nobody's business.

    Args:
        dasbench, python, torch, torchvision, cuda: their versions.
        device: the kind of device.
        device_name: which one it was.
        threads: of the CPU.
        precision: of matrix products.
        replicas: devices that one trial used.
        git_commit: of the folder in which the trial was started, or of dasbench's own code (see
            `git_of`).
        git_dirty: whether there were changes beside that commit.
        git_of: `dasbench` where the commit is that of its code.
    """

    dasbench: str | None = None
    python: str | None = None
    torch: str | None = None
    torchvision: str | None = None
    cuda: str | None = None
    device: str | None = None
    device_name: str | None = None
    threads: str | None = None
    precision: str | None = None
    replicas: str | None = None
    git_commit: str | None = None
    git_dirty: str | None = None
    git_of: str | None = None


def count_environments(recorded: Iterable[Spec]) -> list[tuple[Environment, int]]:
    """Each environment, and how many trials ran in it, the most frequent first.

    Those without a word are left out.

    Args:
        recorded: what each trial recorded.

    Example:
        >>> recorded = [{"torch": "2.6", "host": "a"}, {"torch": "2.7"}, {"torch": "2.7"}, {}]
        >>> [(environment.torch, trials) for environment, trials in count_environments(recorded)]
        [('2.7', 2), ('2.6', 1)]
    """
    found = Counter(filter(None, map(_recorded_words, recorded)))
    by_number = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(Environment(**dict(pairs)), num) for pairs, num in by_number]


def _recorded_words(recorded: Spec) -> tuple[tuple[str, str], ...]:
    """The fields of an environment that one record has a word for, with the word."""
    pairs = []
    for field in fields(Environment):
        value = recorded.get(field.name)
        if value is not None:
            pairs.append((field.name, str(value)))
    return tuple(pairs)
