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
from dasbench.datasets.dataset import (
    Dataset,
    Part,
    parts_in_order,
    shares_of_missing,
    stratified_split,
)
from dasbench.datasets.folders.files import read_batch, rows_of
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
        """Some images: varied by their draws, or as they are evaluated."""
        paths = [self.folder / self.files[index] for index in indices.tolist()]
        return read_batch(paths, self.framing, draws)

    def class_maps(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> Tensor:
        """The class of each pixel of what `batch` gives out; what is filled up is ignored."""
        maps = np.empty((len(indices), self.framing.height, self.framing.width), np.uint8)
        rows = rows_of(draws, len(indices))
        for row, (index, drawn) in enumerate(zip(indices.tolist(), rows, strict=True)):
            whole = self._whole_map(index)
            maps[row] = np.asarray(self.framing.shown_map(whole, drawn, outside=IGNORED))
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
    missing = shares_of_missing(shares, listed.parts)
    shown = _classes_shown(found, known.decoding)
    parts = parts_in_order({**listed.parts, **_cut(folder, listed.parts["train"], missing, shown)})
    _refuse_missing_classes(folder, parts, shown, known.names)
    framing = Framing.of(image_size, fit)
    splits: dict[Part, MaskedSplit] = {}
    for part, pairs in parts.items():
        image_files, mask_files = zip(*pairs, strict=True)
        splits[part] = MaskedSplit(folder, image_files, mask_files, framing, known.decoding)
    _refuse_copies(splits)
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
        for files in split.file_lists:
            lists[f"{part} {files.holds}"] = files
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


def _classes_shown(found: Mapping[str, Found], decoding: Decoding) -> dict[str, set[int]]:
    """The numbers of the classes that each mask shows."""
    meaning = dict(zip(decoding.codes, decoding.numbers, strict=True))
    shown: dict[str, set[int]] = {}
    for mask, each in found.items():
        codes = each.values
        if decoding.by_colour:
            codes = each.colours
        shown[mask] = {meaning[code] for code in codes} - {0, IGNORED}
    return shown


def _cut(
    folder: Path,
    whole: list[Pair],
    shares: Mapping[Part, float],
    shown: Mapping[str, set[int]],
) -> dict[Part, list[Pair]]:
    """Cut the missing parts from the training images, in equal shares of the rarest classes."""
    if not shares:
        return {}
    inside = [shown[pair.mask] for pair in whole]
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
    shown: Mapping[str, set[int]],
    names: Sequence[str],
) -> None:
    """Make sure that every class can be learned, and that every part has something to find."""
    there: dict[Part, set[int]] = {}
    for part, pairs in parts.items():
        there[part] = set().union(*(shown[pair.mask] for pair in pairs))
        if not there[part]:
            raise DataError(
                f"{folder}: no mask of the {part} part ({len(pairs)} masks) shows any class"
            )
    lacking = set().union(*there.values()) - there["train"]
    if lacking:
        quoted_names = ", ".join(f"'{names[number - 1]}'" for number in sorted(lacking))
        raise DataError(
            f"{folder}: {quoted_names} cannot be learned: "
            "in masks of val or test, but in none of train"
        )


def _refuse_copies(splits: Mapping[Part, MaskedSplit]) -> None:
    """Make sure that no image is in two parts; what nobody looks at is not found."""
    lists: dict[str, FileList] = {part: split.file_lists[0] for part, split in splits.items()}
    lines: list[str] = []
    for copy in copies_over_parts(lists):
        original = f"{copy.original} in the {copy.original_part} part"
        lines.append(f"{copy.file}: in the {copy.part} part, is a copy of {original}")
    if lines:
        remedy = f"{len(lines)} copies in all; remove one of each pair"
        raise DataError(f"{listing(lines, name='copies')}\n{remedy}")
