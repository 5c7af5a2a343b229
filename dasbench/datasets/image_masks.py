"""A user's own images with a mask each, which says the class of every pixel."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Gt, Le, MinLen
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.annotations import IGNORED
from dasbench.datasets.dataset import Dataset, Part, stratified_split
from dasbench.datasets.folders.part_names import PARTS
from dasbench.datasets.folders.walk import added, walk
from dasbench.datasets.looking.contents import content_fingerprint, copies_over_parts
from dasbench.datasets.looking.first_look import FileList
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.masks.class_names import (
    NamedClasses,
    class_files_in,
    colour_of,
    named_in_folder,
)
from dasbench.datasets.masks.classes import MaskClasses, classes_of
from dasbench.datasets.masks.contents import look_into_masks
from dasbench.datasets.masks.files import Decoding, Found, read_mask
from dasbench.datasets.masks.layouts import HOW, find_places, list_files, voc_root
from dasbench.datasets.masks.pairs import Pair, pair_up
from dasbench.datasets.pictures.framing import Fit, Framing, ImageSize
from dasbench.datasets.pictures.pixels import read_image
from dasbench.errors import DataError


@dataclass(frozen=True)
class MaskedSplit:
    """Images in files, with a mask each in another; varied together.

    Args:
        folder: where the files lie.
        files: path of each image below the folder.
        masks: path of the mask of each.
        framing: what is seen of an image and of its mask.
        decoding: which class the values of masks mean.
    """

    folder: Path
    files: Sequence[str]
    masks: Sequence[str]
    framing: Framing
    decoding: Decoding

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one image in training."""
        return self.framing.num_draws

    @property
    def file_lists(self) -> Sequence[FileList]:
        """The files that it is read from, its images first."""
        return (FileList(self.folder, self.files), FileList(self.folder, self.masks, "values"))

    def __len__(self) -> int:
        return len(self.files)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images, decoded in the thread that asks; channels last, as they are decoded."""
        pixels = np.empty((len(indices), self.framing.height, self.framing.width, 3), np.uint8)
        for row, index in enumerate(indices.tolist()):
            image = read_image(self.folder / self.files[index])
            pixels[row] = np.asarray(self.framing.shown(image, _row_of(draws, row)))
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    def class_maps(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> Tensor:
        """The class of each pixel of what `batch` gives out; what is filled up is ignored."""
        maps = np.empty((len(indices), self.framing.height, self.framing.width), np.uint8)
        for row, index in enumerate(indices.tolist()):
            whole = self._whole_map(index)
            shown = self.framing.shown_map(whole, _row_of(draws, row), outside=IGNORED)
            maps[row] = np.asarray(shown)
        return torch.from_numpy(maps)

    def _whole_map(self, index: int) -> Image.Image:
        """The class of each pixel of a whole image."""
        file = self.folder / self.masks[index]
        try:
            return self.decoding.class_map(read_mask(file, self.folder / self.files[index]))
        except DataError as error:
            if str(file) in str(error):
                raise
            raise DataError(f"{file}: {error}") from error


def _row_of(draws: NDArray[np.float64] | None, row: int) -> list[float] | None:
    """The draws of one image; None for evaluation."""
    return None if draws is None else draws[row].tolist()


@DATASETS.register("image_masks", source="the user", gives=("maps",))
def image_masks(
    *,
    root: Annotated[str, MinLen(1)],
    image_size: ImageSize = 64,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    test_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    classes: Annotated[tuple[str, ...], MinLen(1)] | None = None,
    colors: Annotated[Mapping[str, tuple[int, int, int]], MinLen(1)] | None = None,
    images: str | None = None,
    masks: str | None = None,
    unmasked: Literal["refuse", "leave_out"] = "refuse",
) -> Dataset[MaskedSplit]:
    """Images with a mask each, in which the value or the colour of a pixel says its class.

    The folder holds `images/` and `masks/` (or another usual name of these), parts in them
    (`images/train`) or above them (`train/images`), or none; or it is laid out as Pascal VOC
    (`JPEGImages`, `SegmentationClass`, `ImageSets`). Masks are found by the longest common end of
    the paths, also as `x_mask.png` or `x.jpg.png`.

    Of numbers, 0 is nothing, 255 is ignored, and each other value a class; if there are 0 and 255
    alone, 255 is the class. Of colours, black is nothing. Names and colours are read from
    `class_names.txt`, `labelmap.txt`, `class_dict.csv` or `classes.json` in the folder, if there is
    one. A class called background is nothing; void, ignore, unlabeled and boundary are ignored.

    Args:
        root: the folder, absolute or below the data root.
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width].
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad`
            fills them up with pixels that are ignored.
        val_share: of the images, what is cut for validation if there is no such part.
        test_share: of the images, what is cut for the test if there is no such part.
        classes: names of the classes: of the values from 1, or from 0 if the first is background.
        colors: the colour of each class, [red, green, blue], instead.
        images: name of the folder of images below the root, if it is an unusual one.
        masks: name of the folder of masks.
        unmasked: whether images without a mask are refused or left out.

    Raises:
        DataError: if the folders are not as they should be, an image has no mask or several, a mask
            has another size than its image or means no class, or an image stands in two parts.
    """
    folder = voc_root(data_access().root / Path(root).expanduser())
    tables = (*list_files(folder), *class_files_in(folder))
    used = [table.relative_to(folder).as_posix() for table in tables]
    tree = walk(folder, used=used, how=HOW)
    places = find_places(tree, images=images, masks=masks)
    listed = pair_up(tree, places, leave_out_unmasked=unmasked == "leave_out")
    found = look_into_masks(folder, list(chain.from_iterable(listed.parts.values())))
    known = classes_of(
        {str(folder / file): each for file, each in found.items()},
        _stated_classes(folder, classes, colors),
    )
    shares: dict[Part, float] = {"val": val_share, "test": test_share}
    missing = {part: share for part, share in shares.items() if part not in listed.parts}
    parts = {**listed.parts, **_cut(folder, listed.parts["train"], missing, found, known)}
    parts = {part: parts[part] for part in PARTS}
    _refuse_missing_classes(folder, parts, found, known)
    _refuse_copies(folder, parts)
    framing = Framing.of(image_size, fit)
    splits = {part: _split(folder, pairs, framing, known) for part, pairs in parts.items()}
    cut = dict.fromkeys(missing, f"cut by lot from {listed.origins['train']}")
    return Dataset(
        name="image_masks",
        classes=known.names,
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        input_size=(3, framing.height, framing.width),
        fingerprint=_fingerprint(splits, known),
        licence="as the user's own images",
        citation=f"images in the folder '{Path(root).name}'",
        origins={**listed.origins, **cut},
        left_out=added(tree.left_out, listed.left_out),
    )


def _fingerprint(splits: Mapping[Part, MaskedSplit], known: MaskClasses) -> str:
    """The fingerprint of all files, and of what their pixels mean."""
    lists: dict[str, FileList] = {}
    for part, split in splits.items():
        lists |= {f"{part} {files.holds}": files for files in split.file_lists}
    codes, numbers = np.array(known.decoding.codes), np.array(known.decoding.numbers)
    return content_fingerprint(lists, list(known.names), codes, numbers)


def _stated_classes(
    folder: Path, classes: Sequence[str] | None, colors: Mapping[str, tuple[int, int, int]] | None
) -> NamedClasses | None:
    """What is said of the classes: by the study, else by a file in the folder."""
    if colors is not None:
        return NamedClasses(
            tuple(colors), tuple(map(colour_of, colors.values())), source="'colors'"
        )
    if classes is not None:
        return NamedClasses(tuple(classes), source="'classes'")
    return named_in_folder(folder)


def _split(
    folder: Path, pairs: Sequence[Pair], framing: Framing, known: MaskClasses
) -> MaskedSplit:
    images, masks = tuple(pair.image for pair in pairs), tuple(pair.mask for pair in pairs)
    return MaskedSplit(folder, images, masks, framing, known.decoding)


def _classes_in(pair: Pair, found: Mapping[str, Found], known: MaskClasses) -> set[int]:
    """The numbers of the classes that are in an image."""
    meaning = dict(zip(known.decoding.codes, known.decoding.numbers, strict=True))
    codes = found[pair.mask].colours if known.decoding.by_colour else found[pair.mask].values
    return {meaning[code] for code in codes} - {0, IGNORED}


def _cut(
    folder: Path,
    whole: list[Pair],
    shares: Mapping[Part, float],
    found: Mapping[str, Found],
    known: MaskClasses,
) -> dict[Part, list[Pair]]:
    """Cut the missing parts from the training images, in equal shares of the rarest classes."""
    if not shares:
        return {}
    inside = [_classes_in(pair, found, known) for pair in whole]
    counts = Counter(chain.from_iterable(inside))

    def rareness(number: int) -> tuple[int, int]:
        return counts[number], number

    rarest = np.array([min(numbers, key=rareness, default=0) for numbers in inside], np.int64)
    cut = stratified_split(rarest, list(shares.values()), salt="image_masks")
    parts: dict[Part, list[Pair]] = {}
    for part, indices in zip(("train", *shares), cut, strict=True):
        if not len(indices):
            raise DataError(
                f"{folder}: {len(whole)} images are too few to cut a {part} part of {shares}"
            )
        parts[part] = [whole[index] for index in indices.tolist()]
    return parts


def _refuse_missing_classes(
    folder: Path,
    parts: Mapping[Part, Sequence[Pair]],
    found: Mapping[str, Found],
    known: MaskClasses,
) -> None:
    """Make sure that every class can be learned, and that every part has something to find."""
    there: dict[Part, set[int]] = {}
    for part, pairs in parts.items():
        there[part] = set().union(*(_classes_in(pair, found, known) for pair in pairs))
        if not there[part]:
            raise DataError(
                f"{folder}: no mask of the {part} part ({len(pairs)} masks) shows any class"
            )
    lacking = set().union(*there.values()) - there["train"]
    if lacking:
        names = ", ".join(f"'{known.names[number - 1]}'" for number in sorted(lacking))
        raise DataError(
            f"{folder}: {names} cannot be learned: in masks of val or test, but in none of train"
        )


def _refuse_copies(folder: Path, parts: Mapping[Part, Sequence[Pair]]) -> None:
    """Make sure that no image is in two parts; what nobody looks at is not found."""
    lists: dict[str, FileList] = {
        part: FileList(folder, [pair.image for pair in pairs]) for part, pairs in parts.items()
    }
    copies = [
        f"{copy.file}: in the {copy.part} part, is a copy of {copy.original} "
        f"in the {copy.original_part} part"
        for copy in copies_over_parts(lists)
    ]
    if copies:
        lines = listing(copies, name="copies")
        raise DataError(f"{lines}\n{len(copies)} copies in all; remove one of each pair")
