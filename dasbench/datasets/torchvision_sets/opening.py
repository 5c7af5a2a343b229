"""Torchvision's class of a data set, opened on files that are there or that may be fetched."""

import inspect
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dasbench.data_access import data_access
from dasbench.datasets.looking.listing import legible
from dasbench.datasets.torchvision_sets.items import Options, Source
from dasbench.datasets.torchvision_sets.parts import Parts
from dasbench.datasets.torchvision_sets.table import KnownSet
from dasbench.errors import DataError, MachineError
from dasbench.faults import foreign, message_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A data set that a study asks for.

    Args:
        name: in torchvision.
        known: what is known of it.
        parts: those of the variant that is asked for.
        root: the folder in which torchvision looks for the data set's own.
    """

    name: str
    known: KnownSet
    parts: Parts
    root: Path

    @property
    def how(self) -> str:
        """How to get the files."""
        own = self.parts.places[0].partition("/")[0]
        if self.root.name == own:
            return f"`root` names the folder that holds {own}, not {own} itself."
        where = (
            f"{own} lies in the folder that `root` names, "
            "below `data_root` (or $DASBENCH_DATA, else ./data)"
        )
        if self.known.fetched:
            return f"To get it, run with `download` ({self.known.fetched}); {where}."
        return f"torchvision cannot fetch it: get it from {self.known.page}; {where}."


def open_part(asked: Asked, options: Options, **more: Any) -> Source:
    """Torchvision's data set of one part; what is missing is fetched if that is allowed.

    Args:
        asked: which data set, and where.
        options: arguments of the class that choose the part.
        more: its other arguments.

    Raises:
        DataError: if files are missing or damaged, or cannot be fetched.
        MachineError: if the installed torchvision is too old for it.
    """
    arguments = {**options, **more}
    missing = [place for place in asked.parts.places if not (asked.root / place).exists()]
    if data_access().download and asked.known.fetched:
        return _fetch_part(asked, arguments, complete=not missing)
    if missing:
        raise DataError(f"{_missing_places(asked, missing)}. {asked.how}")
    if asked.known.fetched:
        arguments["download"] = False
    return _make(asked, arguments)


def _missing_places(asked: Asked, missing: Sequence[str]) -> str:
    """The first file or folder that is missing, and how many are."""
    first = f"{legible(asked.root / missing[0])}: is missing"
    if len(missing) == 1:
        return first
    return f"{first}, as are {len(missing)} of {len(asked.parts.places)} files and folders in all"


def _fetch_part(asked: Asked, arguments: Options, *, complete: bool) -> Source:
    """Torchvision's data set, after it has fetched what is missing or damaged by its own checks."""
    if complete:
        try:
            return _make(asked, {**arguments, "download": False})
        except DataError as error:
            log.info("%s; it is fetched again", error)
    asked.root.mkdir(parents=True, exist_ok=True)
    return _make(asked, {**arguments, "download": True})


def _make(asked: Asked, arguments: Options) -> Source:
    """Torchvision's data set; what its class raises goes on in our words."""
    import torchvision  # takes seconds to import

    version = torchvision.__version__
    make = getattr(torchvision.datasets, asked.name, None)
    if make is None:
        raise MachineError(
            f"torchvision {version} has no data set '{asked.name}'; install a newer one"
        )
    if "loader" in arguments and "loader" not in inspect.signature(make).parameters:
        what = f"torchvision {version} does not tell which files '{asked.name}' consists of"
        raise MachineError(f"{what}; install 0.23 or a newer one")
    with in_our_words(asked, fetching=arguments.get("download") is True):
        source: Source = make(str(asked.root), **arguments)
    return source


def in_our_words(asked: Asked, *, fetching: bool = False) -> AbstractContextManager[None]:
    """In the block, what torchvision or its files raise goes on as an error that names the root.

    Args:
        asked: which data set, and where.
        fetching: whether its files are fetched, rather than read.
    """

    def answer(error: BaseException) -> DataError:
        root, said = legible(asked.root), message_of(error)
        if fetching:
            return DataError(
                f"{root}: {asked.name} could not be fetched ({said}). Is there a connection?"
            )
        return DataError(f"{root}: torchvision cannot read {asked.name} here ({said}). {asked.how}")

    return foreign(answer)
