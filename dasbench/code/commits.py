"""Which commit of its repository a file is of: that of the code itself, wherever one stands."""

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dasbench.code.lock import PACKAGE

ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
)
"""Variables that a hook of git sets, and that would speak of another repository."""

WAIT_S = 10
"""Seconds after which git is not waited for."""


@dataclass(frozen=True)
class Commit:
    """A commit that code is of.

    Args:
        hash: its full name.
        dirty: whether there are changes that it does not have; None where git could not tell.
    """

    hash: str
    dirty: bool | None


@cache
def commit_of(file: Path) -> Commit | None:
    """The commit of the repository that a file lies in.

    None outside of one, and of a file that its repository ignores.

    Args:
        file: of somebody's own code. Where it was never added, the repository counts as changed, as
            it does with a change of any file that git follows: what the file imports may lie
            anywhere in it.
    """
    if not file.is_file():
        return None
    state = _git(file.parent, "status", "--porcelain", "--ignored", "--", file.name)
    if state is None or state.startswith("!!"):
        return None
    changes = state or _git(file.parent, "status", "--porcelain", "--untracked-files=no")
    return _commit(file.parent, changes)


@cache
def commit_of_package(package: Path = PACKAGE) -> Commit | None:
    """The commit of dasbench's own repository.

    None of a copy that lies in another one, or in none, as a wheel does.

    Args:
        package: the folder of dasbench. New files in it are changes too, for a component may be one
            of them.
    """
    top = _git(package, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != package.resolve().parent:
        return None
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _commit(package, _git(package, "status", "--porcelain", "--", "."))


def _commit(folder: Path, changes: str | None) -> Commit | None:
    """The commit of the repository around a folder; None before the first one."""
    found = _git(folder, "rev-parse", "--verify", "HEAD")
    if found is None:
        return None
    dirty = None
    if changes is not None:
        dirty = changes != ""
    return Commit(found, dirty)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints in a folder.

    None where there is no git, no repository, or no answer in time.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=WAIT_S,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()
