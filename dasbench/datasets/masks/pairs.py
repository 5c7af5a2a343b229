"""Images with their masks: listed, matched by their paths, and told apart by parts."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
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
from dasbench.datasets.folders.walk import Tree
from dasbench.datasets.looking.listing import listing, quoted
from dasbench.datasets.masks.layouts import (
    IMAGE_WORDS,
    MASK_WORDS,
    FolderPair,
    listed_parts,
    masks_among,
    part_below,
    pictures_in,
    without_words,
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

    def add(self, part: Part, pairs: list[Pair], origin: str) -> None:
        """Say which pairs a part holds, and where they come from."""
        self.parts[part] = pairs
        self.origins[part] = origin

    def leave_out(self, what: str, files: Sequence[str]) -> None:
        """Note files that are not used."""
        if files:
            before = self.left_out.get(what, LeftOut(0, ""))
            self.left_out[what] = LeftOut(before.number + len(files), files[0])


def pair_up(tree: Tree, places: Sequence[FolderPair], *, leave_out_unmasked: bool) -> Pairs:
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
    pairs.leave_out("in no folder of images or masks", _paths_outside(tree, places))
    for place in places:
        matched, unmasked = _matched_images(folder, place, pairs)
        if place.part is None and _add_by_lists(folder, lists, matched, unmasked, pairs):
            continue
        if leave_out_unmasked:
            pairs.leave_out("images without a mask", unmasked)
        else:
            _refuse_unmasked(folder, unmasked)
        if place.part:
            pairs.add(place.part, matched, f"{place.images.place}/")
        else:
            _add_by_folders(folder, place, matched, pairs)
    pairs.parts = {part: some for part, some in pairs.parts.items() if some}
    if "train" not in pairs.parts:
        there = quoted(pairs.parts) or "nothing"
        raise DataError(f"{folder}: has no images with masks to train on, but {there}")
    return pairs


def _paths_outside(tree: Tree, places: Sequence[FolderPair]) -> list[str]:
    """The paths of the pictures that lie in no folder of images or masks."""
    inside: set[str] = set()
    for place in places:
        inside.update(place.images.all_paths(), place.masks.all_paths())
    return [path for path in tree.top.all_paths() if path not in inside]


def _matched_images(folder: Path, place: FolderPair, pairs: Pairs) -> tuple[list[Pair], list[str]]:
    """The images of a place with their masks, and those that have none."""
    images, masks = _images_and_masks(place)
    candidates = _candidates(images, masks)
    found, faults = decided_matches(images, candidates)
    if faults:
        where = folder / place.masks.place
        lines = [f"{where}: {faults[index]}" for index in sorted(faults)]
        raise DataError(listing(lines, name="masks"))
    used = files_of(candidates)
    unused = [place.masks.prefix + mask for mask in masks if mask not in used]
    pairs.leave_out("masks of no image", unused)
    matched: list[Pair] = []
    unmasked: list[str] = []
    for index, image in enumerate(images):
        path = place.images.prefix + image
        if index in found:
            matched.append(Pair(path, place.masks.prefix + found[index].file))
        else:
            unmasked.append(path)
    return matched, unmasked


def _images_and_masks(place: FolderPair) -> tuple[list[str], list[str]]:
    """The paths of the images of a place, and those of its masks, each below its folder."""
    images = pictures_in(place.images)
    if place.images is not place.masks:
        return images, pictures_in(place.masks)
    masks = masks_among(images)
    return [file for file in images if file not in masks], sorted(masks)


def _candidates(images: Sequence[str], masks: Sequence[str]) -> dict[int, list[Match]]:
    """The masks that fit the path of each image best.

    They do by their names as they are, else by what is common of them.
    """
    candidates = matches_by_path(images, masks)
    used = files_of(candidates)
    bare_masks: dict[str, list[str]] = defaultdict(list)
    for mask in masks:
        if mask not in used:
            bare_masks[_bare(mask, MASK_WORDS)].append(mask)
    unmatched = sorted(set(range(len(images))) - candidates.keys())
    bare_images = [_bare(images[index], IMAGE_WORDS) for index in unmatched]
    for place, matches in matches_by_path(bare_images, list(bare_masks)).items():
        real = candidates[unmatched[place]] = []
        for bare_mask, depth in matches:
            real += [Match(mask, depth) for mask in bare_masks[bare_mask]]
    return candidates


def _bare(file: str, words: str) -> str:
    """A path without words around its name, with an ending that is none of a picture."""
    return without_words(file.rpartition(".")[0], words) + ".bare"


def _refuse_unmasked(folder: Path, unmasked: Sequence[str]) -> None:
    if unmasked:
        lines = listing([f"{folder / image}: has no mask" for image in unmasked], name="unmasked")
        remedy = "add their masks, or write unmasked: leave_out"
        raise DataError(f"{lines}\n{len(unmasked)} images have no mask: {remedy}")


def _add_by_lists(
    folder: Path,
    lists: Mapping[Part, Sequence[str]],
    matched: Sequence[Pair],
    unmasked: Sequence[str],
    pairs: Pairs,
) -> bool:
    """Give images to the parts that lists name them for; whether there are such lists."""
    known = {Path(pair.image).stem: pair for pair in matched}
    usable: dict[Part, Sequence[str]] = {}
    for part, names in lists.items():
        if known.keys().isdisjoint(names):
            pairs.leave_out(f"listed for {part}, without masks", names)
        else:
            usable[part] = names
    if not usable:
        return False
    _refuse_faults_of_lists(folder / "ImageSets" / "Segmentation", usable, known)
    for part, names in usable.items():
        some = [known[name] for name in names]
        pairs.add(part, some, f"ImageSets/Segmentation, {part}")
    in_a_list = set().union(*usable.values())
    unlisted = [pair.image for name, pair in known.items() if name not in in_a_list]
    pairs.leave_out("in no list of a part", [*unlisted, *unmasked])
    return True


def _refuse_faults_of_lists(
    where: Path, lists: Mapping[Part, Sequence[str]], known: Collection[str]
) -> None:
    """Refuse lists of images that are not there, or of those of another part."""
    complaints: list[str] = []
    seen: dict[str, Part] = {}
    for part, names in lists.items():
        absent: list[str] = []
        twice: list[str] = []
        for name in names:
            here = f"{where}: '{name}' is listed for {part}"
            if name not in known:
                absent.append(f"{here}, but has no image with a mask")
            if name in seen:
                twice.append(f"{here} and for {seen[name]}")
        complaints += absent + twice
        seen.update(dict.fromkeys(names, part))
    if complaints:
        raise DataError(listing(complaints, name="lists"))


def _add_by_folders(folder: Path, place: FolderPair, matched: Sequence[Pair], pairs: Pairs) -> None:
    """Give images to the parts that the folders below a place are named for, if any is."""
    prefix = place.images.prefix
    of_part: dict[Part | None, list[Pair]] = defaultdict(list)
    for pair in matched:
        of_part[part_below(pair.image.removeprefix(prefix))].append(pair)
    strays = of_part.pop(None, [])
    if not of_part:
        pairs.add("train", strays, f"{place.images.place or '.'}/")
    elif strays:
        lines = [f"{folder / stray.image}: lies in the folder of no part" for stray in strays]
        remedy = "Other images lie in folders of parts, such as train: move these there, or away"
        raise DataError(f"{listing(lines, name='strays')}\n{remedy}")
    for part, some in of_part.items():
        assert part is not None
        inside = some[-1].image.removeprefix(prefix).partition("/")[0]
        pairs.add(part, some, f"{prefix}{inside}/")
