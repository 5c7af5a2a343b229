"""Which classes there are in masks: as they are named, else as they are found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, pairwise
from typing import NamedTuple, NoReturn

from dasbench.datasets.annotations import IGNORED
from dasbench.datasets.folders.path_matching import first_names
from dasbench.datasets.masks.class_names import NamedClasses
from dasbench.datasets.masks.files import Decoding, Found, colour_name
from dasbench.errors import DataError

MOST_CLASSES = 254
"""What a class map of 8 bits can hold beside 0 for nothing and `IGNORED`."""

MOST_UNNAMED = 64
"""More values than these are rather shades of a smoothed mask, unless the classes are named."""

NOTHING = ("background", "bg", "nothing", "none")
UNKNOWN = ("ignore", "ignored", "void", "unlabeled", "unlabelled", "boundary", "border")
NO_CLASS = {**dict.fromkeys(NOTHING, 0), **dict.fromkeys(UNKNOWN, IGNORED)}
"""The numbers of names, but for underscores, that do not stand for a class.

There is nothing, or nobody says what there is.
"""

ONE_CLASS = ([0, 255], [255], [0, 65535])
"""Values of masks that show one class in white."""


class MaskClasses(NamedTuple):
    """The classes of a data set, and how masks tell them.

    Args:
        names: of the classes, from 1 in class maps.
        decoding: of the masks.
    """

    names: tuple[str, ...]
    decoding: Decoding


class Numbering(NamedTuple):
    """What the values or colours of masks mean.

    Args:
        names: of the classes, from 1.
        numbers: the class of each value or colour; 0 is nothing, `IGNORED` is ignored.
    """

    names: Sequence[str]
    numbers: Mapping[int, int]

    def unknown_of(self, codes: Iterable[int]) -> list[int]:
        """The values or colours of which nobody says what they mean."""
        return [code for code in codes if code not in self.numbers]


def classes_of(found: Mapping[str, Found], named: NamedClasses | None) -> MaskClasses:
    """The classes in masks.

    With colours named, colours tell the class. With names alone, value 1 is the first class, unless
    that is called background: then it is 0. Where nothing is named, masks with colours have a class
    for each colour but black, and masks of numbers one for each value but 0 and 255; if 0 and 255
    are all there is, 255 is the one class.

    Args:
        found: what each mask holds, by its path.
        named: what a study or a file says of the classes; None if nobody says anything.

    Raises:
        DataError: if masks hold what means no class, or too much.
    """
    if named and named.colours and not _are_numbers(found, named.colours):
        return _by_colour(found, named)
    if all(each.values for each in found.values()):
        return _by_value(found, named)
    if named:
        _refuse_names_alone(found, named)
    return _by_colour(found, None)


def _are_numbers(found: Mapping[str, Found], colours: Sequence[int]) -> bool:
    """Whether masks hold numbers, seen as colours of which some have no name."""
    are_plain = all(each.values and not each.of_palette for each in found.values())
    return are_plain and not {0, *colours}.issuperset(_files_by_code(found, _colours))


def _refuse_names_alone(found: Mapping[str, Found], named: NamedClasses) -> NoReturn:
    """Names alone do not say which colour is which."""
    file = next(file for file, each in found.items() if not each.values)
    colours = sorted(_files_by_code(found, _colours).keys() - {0})
    what = f"has colours for classes, of which {named.source} says names alone"
    remedy = "write which is which: colors: {name: [r, g, b], ...}"
    raise DataError(f"{file}: {what}: {_first_colours(colours)}; {remedy}")


def _values(found: Found) -> Sequence[int]:
    return found.values


def _colours(found: Found) -> Sequence[int]:
    return found.colours


def _files_by_code(
    found: Mapping[str, Found], codes: Callable[[Found], Sequence[int]]
) -> dict[int, str]:
    """A mask that holds each value or colour, in the order in which they are found."""
    files: dict[int, str] = {}
    for file, each in found.items():
        files.update(dict.fromkeys(codes(each), file))
    return files


def _by_colour(found: Mapping[str, Found], named: NamedClasses | None) -> MaskClasses:
    many = [file for file, each in found.items() if not each.colours]
    if many:
        what = "has more colours than classes can have"
        these = f"{len(many)} of {len(found)} masks in all"
        remedy = "a mask has one colour for each class, without smooth edges"
        raise DataError(f"{many[0]}: {what}, as do {these}; {remedy}")
    files = _files_by_code(found, _colours)
    if named is None:
        colours = sorted(files.keys() - {0})
        named = NamedClasses(tuple(map(_hex, colours)), tuple(colours))
    numbering = _numbering(zip(named.names, named.colours, strict=True), {0: 0})
    strange = numbering.unknown_of(files)
    if strange:
        known = f"{len(numbering.numbers)} colours"
        what = f"{named.source} gives the meaning of {known}, but masks have others"
        raise DataError(f"{files[strange[0]]}: {what}: {_first_colours(sorted(strange))}")
    return _mask_classes(next(iter(found)), numbering, by_colour=True)


def _by_value(found: Mapping[str, Found], named: NamedClasses | None) -> MaskClasses:
    place = next(iter(found))
    files = _files_by_code(found, _values)
    values = sorted(files)
    names = ["object"]
    if named is not None:
        names = [name for name in named.names if _number_of_no_class(name) is None]
    if values in ONE_CLASS and len(names) == 1:
        numbering = Numbering(names, {0: 0, values[-1]: 1})
    elif named is None:
        numbering = _numbering_of_values(place, values)
    else:
        numbering = _numbering(_names_with_values(named), {0: 0, IGNORED: IGNORED})
        _refuse_other_values(files, numbering, named.source)
    return _mask_classes(place, numbering, by_colour=False)


def _numbering_of_values(place: str, values: Sequence[int]) -> Numbering:
    """A class for each value."""
    others = sorted(set(values) - {0, IGNORED})
    if len(others) > MOST_UNNAMED:
        what = f"masks hold {len(values)} values, from {values[0]} to {values[-1]}"
        smooth = "masks that were scaled smoothly look so"
        remedy = "if that many classes are meant, name them: classes: [...]"
        raise DataError(f"{place}: {what}; {smooth}; {remedy}")
    return _numbering(zip(map(str, others), others, strict=True), {0: 0, IGNORED: IGNORED})


def _refuse_other_values(files: Mapping[int, str], numbering: Numbering, source: str) -> None:
    """Refuse values of which nobody says what they mean."""
    strange = numbering.unknown_of(files)
    if strange:
        known = ", ".join(map(str, sorted(numbering.numbers)[:10]))
        more = ", ..." if len(numbering.numbers) > 10 else ""
        what = f"{source} tells what the values {known}{more} mean, but masks hold others"
        others = ", ".join(map(str, sorted(strange)[:10]))
        rule = "0 is nothing and 255 is ignored unless they are named"
        raise DataError(f"{files[strange[0]]}: {what}: {others}; {rule}")


def _names_with_values(named: NamedClasses) -> Iterable[tuple[str, int]]:
    """Each name with its value.

    It is as it is said, else by the order, from 0 if the first name stands for nothing.
    """
    if named.values:
        return zip(named.names, named.values, strict=True)
    order = [name for name in named.names if not name.startswith("__")]
    if order and _number_of_no_class(order[0]) is not None:
        return zip(order, count())
    return zip(order, count(1))


def _numbering(named: Iterable[tuple[str, int]], fixed: Mapping[int, int]) -> Numbering:
    """Number the classes.

    Args:
        named: each name with its value or colour.
        fixed: what means nothing or is ignored, unless it is named.
    """
    names: list[str] = []
    numbers = dict(fixed)
    for name, code in named:
        number = _number_of_no_class(name)
        if number is None:
            names.append(name)
            number = len(names)
        numbers[code] = number
    return Numbering(names, numbers)


def _number_of_no_class(name: str) -> int | None:
    """The number of a name that does not stand for a class."""
    return NO_CLASS.get(name.strip("_ ").lower())


def _mask_classes(place: str, numbering: Numbering, *, by_colour: bool) -> MaskClasses:
    """The classes that are numbered, if there are enough and not too many of them."""
    names, numbers = numbering
    if not names:
        raise DataError(f"{place}: masks hold no class: every pixel is 0 (nothing), or ignored")
    if len(names) > MOST_CLASSES:
        raise DataError(f"{place}: masks hold {len(names)} classes; {MOST_CLASSES} are the most")
    twice = [one for one, other in pairwise(sorted(names)) if one == other]
    if twice:
        raise DataError(f"{place}: two classes are called '{twice[0]}'")
    codes, meanings = zip(*sorted(numbers.items()), strict=True)
    return MaskClasses(tuple(names), Decoding(by_colour, codes, meanings))


def _hex(code: int) -> str:
    """A colour as `#rrggbb`."""
    return colour_name(code).removeprefix("colour ")


def _first_colours(codes: Sequence[int]) -> str:
    return first_names(list(map(_hex, codes)), most=10)
