"""What the command line says of the data that a study is about to be trained on."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dasbench.cli.output import tell
from dasbench.data_access import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dasbench.spec.trial import Trial

MANY = 200
"""Files of which it is told that they are read."""

PERIOD_S = 30.0
"""Time between two lines about files that are being read, where standard error is no terminal."""


def lines_about_data(trials: "Iterable[Trial]") -> list[str]:
    """What there is to say of every data set of some trials, its files looked at as is chosen.

    Raises:
        DataError: naming every file that cannot be used.
    """
    from dasbench.datasets.choice import load_dataset
    from dasbench.datasets.dataset import Dataset
    from dasbench.datasets.looking.survey import survey
    from dasbench.render.data import data_lines
    from dasbench.spec.identity import PLACE

    lines: list[str] = []
    trained = [trial for trial in trials if trial.task.name != "probe"]
    chosen = {trial.dataset.model_dump_json(): trial.dataset for trial in trained}
    for dataset in chosen.values():
        data = load_dataset(dataset)
        if isinstance(data, Dataset):
            which = dataset.params.get("set") or dataset.params.get(PLACE) or ""
            lines += data_lines(survey(data), name=f"{dataset.name} {which}".strip())
    return lines


def num_test_examples(trials: "Sequence[Trial]") -> int | None:
    """Size of the test part that a study is scored on; None of several data sets, or of a probe."""
    from dasbench.datasets.choice import load_dataset
    from dasbench.datasets.dataset import Dataset

    chosen = {trial.dataset.model_dump_json() for trial in trials}
    if len(chosen) != 1 or trials[0].task.name == "probe":
        return None
    data = load_dataset(trials[0].dataset)
    if not isinstance(data, Dataset):
        return None
    return len(data.test)


@contextmanager
def watching_files() -> Iterator[Told]:
    """Shows how the reading of files goes on: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    bar = Progress(console=Console(stderr=True), transient=True)
    tasks: dict[tuple[str, int], TaskID] = {}

    def told(doing: str, done: int, number: int) -> None:
        if number < MANY:
            return
        if (doing, number) not in tasks:
            tasks[doing, number] = bar.add_task(f"{doing} {number:,} files, once", total=number)
            bar.start()
        bar.update(tasks[doing, number], completed=done)
        if done == number:
            bar.stop()

    try:
        yield told
    finally:
        bar.stop()


class _Lines:
    """Says in lines how the reading of files goes on."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def __call__(self, doing: str, done: int, number: int) -> None:
        """Told after every file."""
        if number < MANY:
            return
        if done == 1:
            tell(f"{doing} {number:,} files, once; what is found out is remembered")
            self._told_at = time.monotonic()
        elif time.monotonic() - self._told_at > PERIOD_S:
            tell(f"{doing} {number:,} files: {done:,} done")
            self._told_at = time.monotonic()
