"""What reports are answered: the driver leaves word with a Ray actor, and workers ask it."""

from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dasbench.records import Signal


class AnswerBook:
    """The answers that wait for a trial's next report, by the trial's key.

    Example:
        >>> book = AnswerBook()
        >>> book.put("3f2a1b", "stop")
        >>> book.take("3f2a1b"), book.take("3f2a1b")
        ('stop', 'continue')
    """

    def __init__(self) -> None:
        self._signals: dict[str, Signal] = {}

    def put(self, key: str, signal: Signal) -> None:
        """Keep an answer until the trial asks."""
        self._signals[key] = signal

    def take(self, key: str) -> Signal:
        """The answer that waits for a trial, once."""
        return self._signals.pop(key, "continue")


@dataclass(frozen=True)
class Answers:
    """The way to the book, from the driver and from every worker.

    Args:
        book: Ray's handle of the actor.
    """

    book: Any

    @classmethod
    def start(cls) -> "Answers":
        """An empty book on this machine, which lives as long as the Ray or the driver."""
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # one that is killed comes back empty: a trial that was given up is told so at every epoch
        book = ray.remote(AnswerBook).options(
            num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1
        )
        return cls(book.remote())

    def put(self, key: str, signal: Signal) -> None:
        """Answer a trial's next report with a signal; it is there when this returns."""
        ray.get(self.book.put.remote(key, signal))

    def take(self, key: str) -> Signal:
        """What the report that a trial has just made is answered."""
        answer: Signal = ray.get(self.book.take.remote(key))
        return answer
