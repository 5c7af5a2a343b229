"""Images with their masks: listed, matched by their paths, and told apart by parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dasbench.datasets.dataset import LeftOut, Part
from dasbench.datasets.folders.path_matching import (
    Match,
    decided_matches,
    files_of,
    matches_by_path,
)
from dasbench.datasets.folders.walk import Folder, Tree
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.masks.layouts import (
    IMAGE_WORDS,
    MASK_WORDS,
    Place,
    bare_name,
    listed_parts,
    masks_among,
    part_below,
    pictures_in,
)
from dasbench.errors import DataError


class Pair(NamedTuple):
    """An image and its mask, by their paths below the root."""

    image: str
    mask: str


@dataclass
class Pairs:
    """All images that have a mask.

    Args:
        parts: by their part; `train` alone where nobody says which part they are.
        origins: where each part comes from.
        left_out: what is not used.
    """

    parts: dict[Part, list[Pair]] = field(default_factory=dict)
    origins: dict[Part, str] = field(default_factory=dict)
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, what: str, files: Sequence[str]) -> None:
        """Note files that are not used."""
        if files:
            number = self.left_out[what].number if what in self.left_out else 0
            self.left_out[what] = LeftOut(number + len(files), files[0])


def pair_up(tree: Tree, places: Sequence[Place], *, leave_out_unmasked: bool) -> Pairs:
    """Find the mask of every image, and the part that it belongs to.

    Args:
        tree: what lies below the root.
        places: where images and masks lie.
        leave_out_unmasked: whether images without a mask are left out, rather than refused.

    Raises:
        DataError: if an image has no mask, it is not clear which, or a part is torn; naming all of
            the kind.
    """
    pairs, folder = Pairs(), tree.root
    lists = listed_parts(folder)
    inside = {path for place in places for path in (*_paths(place.images), *_paths(place.masks))}
    pairs.leave_out(
        "in no folder of images or masks", [path for path in _paths(tree.top) if path not in inside]
    )
    for place in places:
        matched, unmasked = _matched(folder, place, pairs)
        if place.part:
            _refuse_unmasked(folder, unmasked, leave_out_unmasked, pairs)
            pairs.parts[place.part] = matched
            pairs.origins[place.part] = f"{place.images.place}/"
        elif not _by_lists(folder, lists, matched, unmasked, pairs):
            _refuse_unmasked(folder, unmasked, leave_out_unmasked, pairs)
            _by_folders(folder, place, matched, pairs)
    pairs.parts = {part: some for part, some in pairs.parts.items() if some}
    if "train" not in pairs.parts:
        there = ", ".join(f"'{part}'" for part in pairs.parts) or "nothing"
        raise DataError(f"{folder}: has no images with masks to train on, but {there}")
    return pairs


def _matched(folder: Path, place: Place, pairs: Pairs) -> tuple[list[Pair], list[str]]:
    """The images of a place with their masks, and those that have none."""
    images = pictures_in(place.images)
    if place.images is place.masks:
        among = masks_among(images)
        images, masks = [file for file in images if file not in among], sorted(among)
    else:
        masks = pictures_in(place.masks)
    candidates = _candidates(images, masks)
    found, faults = decided_matches(images, candidates)
    if faults:
        where = folder / place.masks.place
        raise DataError(
            listing([f"{where}: {faults[index]}" for index in sorted(faults)], name="masks")
        )
    used = files_of(candidates)
    pairs.leave_out(
        "masks of no image", [_below(place.masks.place, mask) for mask in masks if mask not in used]
    )
    matched = [
        Pair(_below(place.images.place, images[index]), _below(place.masks.place, match.file))
        for index, match in sorted(found.items())
    ]
    return matched, [
        _below(place.images.place, image)
        for index, image in enumerate(images)
        if index not in found
    ]


def _candidates(images: Sequence[str], masks: Sequence[str]) -> dict[int, list[Match]]:
    """The masks that fit the path of each image best: by their names as they are, else by what is common of them."""
    candidates = matches_by_path(images, masks)
    used = files_of(candidates)
    bare_masks: dict[str, list[str]] = {}
    for mask in masks:
        if mask not in used:
            bare_masks.setdefault(
                bare_name(mask.rpartition(".")[0], MASK_WORDS) + ".mask", []
            ).append(mask)
    left = [index for index in range(len(images)) if index not in candidates]
    bare_images = [
        bare_name(images[index].rpartition(".")[0], IMAGE_WORDS) + ".image" for index in left
    ]
    for place, matches in matches_by_path(bare_images, list(bare_masks)).items():
        real = [Match(mask, match.depth) for match in matches for mask in bare_masks[match.file]]
        candidates[left[place]] = real
    return candidates


def _refuse_unmasked(folder: Path, unmasked: Sequence[str], leave_out: bool, pairs: Pairs) -> None:
    if leave_out:
        pairs.leave_out("images without a mask", unmasked)
    elif unmasked:
        lines = listing([f"{folder / image}: has no mask" for image in unmasked], name="unmasked")
        remedy = "add their masks, or write unmasked: leave_out"
        raise DataError(f"{lines}\n{len(unmasked)} images have no mask: {remedy}")


def _by_lists(
    folder: Path,
    lists: Mapping[Part, Sequence[str]],
    matched: Sequence[Pair],
    unmasked: Sequence[str],
    pairs: Pairs,
) -> bool:
    """Give images to the parts that lists name them for; whether there are such lists."""
    known = {Path(pair.image).stem: pair for pair in matched}
    usable = {part: names for part, names in lists.items() if any(name in known for name in names)}
    for part in lists.keys() - usable.keys():
        pairs.leave_out(f"listed for {part}, without masks", lists[part])
    seen: dict[str, Part] = {}
    complaints = []
    for part, names in usable.items():
        pairs.parts[part] = [known[name] for name in names if name in known]
        pairs.origins[part] = f"ImageSets/Segmentation, {part}"
        listed = f"is listed for {part}"
        complaints += [
            f"'{name}' {listed}, but has no image with a mask"
            for name in names
            if name not in known
        ]
        complaints += [f"'{name}' {listed} and for {seen[name]}" for name in names if name in seen]
        seen.update(dict.fromkeys(names, part))
    if complaints:
        where = folder / "ImageSets" / "Segmentation"
        raise DataError(
            listing([f"{where}: {complaint}" for complaint in complaints], name="lists")
        )
    if usable:
        unlisted = [pair.image for name, pair in known.items() if name not in seen]
        pairs.leave_out("in no list of a part", [*unlisted, *unmasked])
    return bool(usable)


def _by_folders(folder: Path, place: Place, matched: Sequence[Pair], pairs: Pairs) -> None:
    """Give images to the parts that the folders below a place are named for, if any is."""
    start = len(place.images.place) + 1 if place.images.place else 0
    parts = [part_below(pair.image[start:]) for pair in matched]
    if not any(parts):
        pairs.parts["train"] = list(matched)
        pairs.origins["train"] = f"{place.images.place or '.'}/"
        return
    strays = [pair.image for pair, part in zip(matched, parts, strict=True) if part is None]
    if strays:
        lines = listing(
            [f"{folder / stray}: lies in the folder of no part" for stray in strays], name="strays"
        )
        raise DataError(
            f"{lines}\nOther images lie in folders of parts, such as train: move these there, or away"
        )
    for pair, part in zip(matched, parts, strict=True):
        assert part is not None
        pairs.parts.setdefault(part, []).append(pair)
        pairs.origins[part] = f"{pair.image[:start]}{pair.image[start:].partition('/')[0]}/"


def _paths(folder: Folder) -> list[str]:
    return [path for path, _ in folder.all_images()]


def _below(folder: str, file: str) -> str:
    return f"{folder}/{file}" if folder else file
