"""The folders in which photographs lie beside their annotations, by what people call them."""

from collections.abc import Sequence
from pathlib import Path

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.pictures.pixels import readable_endings

IMAGES = ("images", "image", "imgs", "img", "jpegimages", "photos", "data")
"""What a folder of images is called, in lower case."""


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    if not folder.is_dir():
        return []
    folders = filter(Path.is_dir, folder.iterdir())
    return sorted(inside for inside in folders if not inside.name.startswith("."))


def is_visible_image(path: Path) -> bool:
    """Whether a file is named as images that can be read are, and is not hidden."""
    return path.suffix.lower() in readable_endings() and not path.name.startswith(".")


def image_folders_in(folder: Path) -> list[Path]:
    """The folders in a folder that are called as folders of images are."""
    return [inside for inside in folders_in(folder) if inside.name.lower() in IMAGES]


def folders_of_part(places: Sequence[Path], part: Part) -> list[Path]:
    """The folders in some folders that are named for a part."""
    found: list[Path] = []
    for place in places:
        found += [inside for inside in folders_in(place) if part_named(inside.name) == part]
    return found
