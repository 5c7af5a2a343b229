"""What lies below a folder: folders, images, what else there is, what cannot be reached."""

import errno
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dasbench.datasets.dataset import LeftOut
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.pictures.pixels import is_picture, readable_endings
from dasbench.errors import DataError

IGNORED = (
    *("__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"),
    *("$RECYCLE.BIN", "System Volume Information", "lost+found"),
)
"""What systems put beside people's files."""

TABLES = (".csv", ".tsv")
"""Endings of files that may hold labels."""

FETCH = "mount the disk that they lie on, fetch them (git annex get, dvc pull), or remove the links"


@dataclass
class Folder:
    """A folder, and all below it.

    Args:
        place: its path below the root, with `/`; empty for the root itself.
        folders: those in it, by name, sorted.
        images: bytes of each image in it, in no folder of it, by its path below the root, sorted.
    """

    place: str
    folders: dict[str, "Folder"] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    num_images: int = 0
    """Of the images in it and in all folders below it."""

    @property
    def prefix(self) -> str:
        """What the paths of all that is in it begin with."""
        if not self.place:
            return ""
        return f"{self.place}/"

    def all_images(self) -> dict[str, int]:
        """Bytes of every image in it and in all folders below it, by its path."""
        images = dict(self.images)
        for folder in self.folders.values():
            images.update(folder.all_images())
        return images

    def all_paths(self) -> list[str]:
        """The path of every image in it and in all folders below it."""
        return list(self.all_images())

    def without_images(self) -> list["Folder"]:
        """The folders in it that hold none, at any depth."""
        return [folder for folder in self.folders.values() if not folder.num_images]

    def with_images(self) -> dict[str, "Folder"]:
        """The folders in it that hold an image, at any depth."""
        return {name: folder for name, folder in self.folders.items() if folder.num_images}


@dataclass(frozen=True)
class Tree:
    """What lies below a root.

    Args:
        root: what the paths start from.
        top: the folder that was walked.
        left_out: what is neither a folder nor an image, by its ending.
        tables: paths of the files that may hold labels.
    """

    root: Path
    top: Folder
    left_out: Mapping[str, LeftOut]
    tables: tuple[str, ...]


def walk(root: Path, *, inside: str = "", used: Collection[str] = (), how: str) -> Tree:
    """Look at everything below a folder, once, but for hidden files and those of the system.

    An image is what Pillow opens: by its ending, else by its first bytes. Links are followed; one
    that leads back to a folder above it is not walked again.

    Args:
        root: what the paths start from.
        inside: a folder below it (`train`), of which alone is looked at what is in it; the root
            itself if empty.
        used: paths of files that are used, though they are no images.
        how: how to get the data, for the error.

    Raises:
        DataError: if the folder is missing, a link leads nowhere, or something may not be read.
    """
    folder = root / inside
    if not folder.exists():
        raise DataError(f"{legible(folder)}: is missing. {how}")
    if not folder.is_dir():
        raise DataError(f"{legible(folder)}: is no folder. {how}")
    walker = Walker(root, used)
    top = walker.folder(inside, above=frozenset())
    walker.refuse_what_is_out_of_reach()
    return Tree(root, top, walker.left_out, tuple(walker.tables))


class Walker:
    """What was found on the way.

    Args:
        root: what the paths start from.
        used: paths of files that are used, though they are no images.
    """

    def __init__(self, root: Path, used: Collection[str]) -> None:
        self.root = root
        self.used = used
        self.endings = readable_endings()
        self.left_out: dict[str, LeftOut] = {}
        self.tables: list[str] = []
        self.dangling: list[str] = []
        self.forbidden: list[str] = []

    def folder(self, place: str, *, above: frozenset[tuple[int, int]]) -> Folder:
        """A folder and all below it.

        Args:
            place: its path below the root.
            above: device and inode of each folder on the way to it.
        """
        found = Folder(place)
        path = self.root / place
        try:
            status = path.stat()
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.forbidden.append(f"{legible(path)}: {error.strerror}")
            return found
        for entry in listed:
            if not entry.name.startswith(".") and entry.name not in IGNORED:
                self._add(found, entry, above | {(status.st_dev, status.st_ino)})
        inside = sum(inner.num_images for inner in found.folders.values())
        found.num_images = len(found.images) + inside
        return found

    def _add(
        self, found: Folder, entry: os.DirEntry[str], above: frozenset[tuple[int, int]]
    ) -> None:
        """Put an entry of a folder where it belongs."""
        place = found.prefix + entry.name
        try:
            status = entry.stat()
        except OSError as error:
            if entry.is_symlink() and not isinstance(error, PermissionError):
                target = legible(Path(entry.path).readlink())
                link = f"is a link to {target}, which is not there"
                self.dangling.append(f"{legible(entry.path)}: {link}")
            else:
                self.forbidden.append(f"{legible(entry.path)}: {error.strerror}")
            return
        if stat.S_ISDIR(status.st_mode):
            if (status.st_dev, status.st_ino) in above:
                self._leave_out("links back to a folder above them", place)
            else:
                found.folders[entry.name] = self.folder(place, above=above)
        elif not stat.S_ISREG(status.st_mode):
            self._leave_out("pipes, sockets and devices", place)
        elif not os.access(entry.path, os.R_OK):
            self.forbidden.append(f"{legible(entry.path)}: {os.strerror(errno.EACCES)}")
        else:
            self._add_file(found, entry.name, place, status.st_size)

    def _add_file(self, found: Folder, name: str, place: str, size: int) -> None:
        """Put an image to the others of its folder, and count what is none."""
        ending = ending_of(name)
        if ending in self.endings or (size and is_picture(self.root / place)):
            found.images[place] = size
        elif place not in self.used:
            if ending in TABLES:
                self.tables.append(place)
            self._leave_out(legible(ending) or "(no ending)", place)

    def _leave_out(self, what: str, place: str) -> None:
        """Count one more file that is left out; the first stays the example."""
        before = self.left_out.get(what, LeftOut(0, legible(place)))
        self.left_out[what] = LeftOut(before.number + 1, before.example)

    def refuse_what_is_out_of_reach(self) -> None:
        """Refuse what may not be read and what links lead to in vain, all of it at once.

        Raises:
            DataError: with the paths.
        """
        complaints = []
        if self.forbidden:
            remedy = "make folders and files readable for the user who runs this (chmod -R u+rX)"
            complaints.append(listing(self.forbidden, name="unreadable"))
            complaints.append(f"{len(self.forbidden)} unreadable: {remedy}, or remove them")
        if self.dangling:
            complaints.append(listing(self.dangling, name="links"))
            complaints.append(f"{len(self.dangling)} dangling links: {FETCH}")
        if complaints:
            raise DataError("\n".join(complaints))


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, with its dot; empty if it has none.

    Example:
        >>> ending_of("a.b.JPG"), ending_of("README")
        ('.jpg', '')
    """
    if "." not in name:
        return ""
    return "." + name.rpartition(".")[2].lower()


def left_out_of(counts: Mapping[str, Collection[str]]) -> dict[str, LeftOut]:
    """Count files that are left out, by what they are; what none is left out of is not named."""
    left_out: dict[str, LeftOut] = {}
    for what, files in counts.items():
        if files:
            left_out[what] = LeftOut(len(files), legible(min(files)))
    return left_out


def added(*counts: Mapping[str, LeftOut]) -> dict[str, LeftOut]:
    """What was left out at several places, together.

    Example:
        >>> added({".txt": LeftOut(2, "a.txt")}, {".txt": LeftOut(1, "b.txt")})
        {'.txt': LeftOut(number=3, example='a.txt')}
    """
    total: dict[str, LeftOut] = {}
    for count in counts:
        for what, left_out in count.items():
            before = total.get(what, LeftOut(0, left_out.example))
            total[what] = LeftOut(before.number + left_out.number, before.example)
    return total
