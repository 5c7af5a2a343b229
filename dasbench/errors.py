"""The errors that dasbench raises on purpose, as one tree; each says how the program exits.

    DasbenchError              70   a bug of ours, when nothing more precise fits
    |-- UsageError              2   the command line asks for what does not exist
    |-- StudyError              2   a study is unsound; carries every complaint at once
    |-- ModelError              2   a gate, its placement and its backbone do not fit together
    |-- DataError               3   a data set is missing, corrupt or has changed
    |-- HaltedError             3   a study cannot go on here: data or code are others
    |   `-- OtherCodeError      3   a machine has other code than the one that planned the trial
    |-- StoreError              3   the database or its disk cannot be used
    |   |-- EmptyStoreError     3   there are no results yet
    |   |-- OutdatedStoreError  3   the database is older; the next run brings it up to date
    |   `-- ForeignStoreError   4   the database is another program's, or of a newer version
    |-- MachineError            3   the machine lacks memory, a disk, a package, a Ray that starts
    |-- LockedError             5   another driver holds the study
    `-- DivergedError           1   the loss of a trial is not finite (ends that trial only)

A trial that fails is no exception outside of `run_trial`: it is an `Outcome` with
`status="failed"`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class DasbenchError(Exception):
    """The root of the tree: everything that dasbench raises on purpose."""

    exit_code = 70


class UsageError(DasbenchError):
    """The command line asks for something that does not exist."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Complaint:
    """One thing that is wrong with a study, and where.

    Args:
        file: the study's file, or `""` for one built in Python.
        line: line in that file, from 1; 0 when no line is known.
        key: dotted path of the field (`base.gate.alpha`, `axes[0].values`); `""` for the whole
            file.
        message: what is wrong and what would be right.

    Example:
        >>> print(Complaint("studies/x.yaml", 5, "base.gate", "unknown gate 'dass'"))
        studies/x.yaml:5: base.gate: unknown gate 'dass'
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
        return ": ".join(filter(None, (place, self.key, self.message)))


class StudyError(DasbenchError):
    """A study is unsound. Its message is one line for every complaint."""

    exit_code = 2

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(sorted(set(complaints)))
        super().__init__("\n".join(map(str, self.complaints)))


class ModelError(DasbenchError):
    """A gate, its placement and its backbone do not fit together; the message names the site."""

    exit_code = 2


class DataError(DasbenchError):
    """A data set is missing, corrupt, miscounted or has changed."""

    exit_code = 3


class HaltedError(DasbenchError):
    """A study cannot go on before something is mended; the trial in flight counts as not run."""

    exit_code = 3


class OtherCodeError(HaltedError):
    """The process that is to train a trial has other code than the one that planned it."""


class StoreError(DasbenchError):
    """The database or the disk below it cannot be used."""

    exit_code = 3


class EmptyStoreError(StoreError):
    """There is no database yet, or a server that holds no results of ours."""


class OutdatedStoreError(StoreError):
    """The database has the layout of an older version, which can be upgraded but not read."""


class ForeignStoreError(StoreError):
    """The database belongs to another program or to a newer dasbench; it was left untouched."""

    exit_code = 4


class MachineError(DasbenchError):
    """The machine lacks what is needed: memory, disk, a package that works, a Ray that starts."""

    exit_code = 3


class LockedError(DasbenchError):
    """Another driver that is alive holds the study."""

    exit_code = 5


class DivergedError(DasbenchError):
    """The loss of a trial is not finite."""

    exit_code = 1


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """Say that a name is unknown, what was probably meant and what there is.

    Args:
        kind: what is named, in the field's word (`gate`).
        name: the name as it was given.
        known: every name that would have been right.

    Example:
        >>> unknown_name("gate", "dass", ["none", "das", "se"])
        "unknown gate 'dass'. Did you mean 'das'? Known: das, none, se."
    """
    names = sorted(known)
    listed = ", ".join(names) or "(there are none)"
    return f"unknown {kind} '{name}'.{nearest_name(name, names)} Known: {listed}."


def nearest_name(name: object, known: Iterable[str]) -> str:
    """What was probably meant by a name, as a sentence after another; `""` if nothing is near.

    Example:
        >>> nearest_name("dass", ["none", "das", "se"])
        " Did you mean 'das'?"
    """
    near = get_close_matches(str(name), list(known), n=1)
    if not near:
        return ""
    return f" Did you mean '{near[0]}'?"
