"""All that watch a run, as one: the display, then each callback; none can harm the study."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dasbench.callbacks.callback import Callback
from dasbench.catalog import CALLBACKS
from dasbench.records import Epoch, Outcome, State
from dasbench.spec.trial import Choice

if TYPE_CHECKING:
    from dasbench.agenda import Agenda
    from dasbench.analysis.looks import Look
    from dasbench.driver import Watcher

logger = logging.getLogger(__name__)


def make_callbacks(choices: Sequence[Choice]) -> dict[str, Callback]:
    """The callbacks that a study names, before anything is trained.

    Raises:
        UsageError: if a package is missing; the message says what to install.

    Example:
        >>> make_callbacks([])
        {}
    """
    return {
        f"{number}. {choice.name}": CALLBACKS[choice.name].create(**choice.params)
        for number, choice in enumerate(choices, start=1)
    }


class Callbacks:
    """Tells the display and the callbacks what happens.

    A callback that fails is logged and hears nothing more.

    Use it as a context manager: at its end every callback is closed, also those that failed.

    Args:
        watcher: the display, told first; what it raises passes through.
        callbacks: by name, as messages call them.
    """

    def __init__(self, watcher: "Watcher", callbacks: Mapping[str, Callback]) -> None:
        self._watcher = watcher
        self._callbacks = dict(callbacks)
        self._failed: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, callback in self._callbacks.items():
            self._call(name, callback.close)

    def planned(self, agenda: "Agenda", states: Mapping[str, State]) -> None:
        """The trials that the study begins with."""
        self._watcher.planned(agenda, states)
        self._tell(lambda callback: callback.planned(agenda, states))

    def added(self, states: Mapping[str, State]) -> None:
        """The study lists more trials."""
        self._watcher.added(states)
        self._tell(lambda callback: callback.added(states))

    def looked(self, look: "Look[str]") -> None:
        """The study took a look at its scores; only the display hears of it."""
        self._watcher.looked(look)

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        self._watcher.reported(key, epoch)
        self._tell(lambda callback: callback.reported(key, epoch))

    def finished(self, outcome: Outcome) -> None:
        """A trial ended."""
        self._watcher.finished(outcome)
        self._tell(lambda callback: callback.finished(outcome))

    def _tell(self, event: Callable[[Callback], None]) -> None:
        for name, callback in self._callbacks.items():
            if name not in self._failed:
                self._call(name, partial(event, callback))

    def _call(self, name: str, step: Callable[[], None]) -> None:
        """The one place where what a callback raises ends."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - no training is lost for a tracker
            if name not in self._failed:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
                logger.warning(
                    "callback %s failed and hears nothing more of this run: %s", name, reason
                )
            self._failed.add(name)
