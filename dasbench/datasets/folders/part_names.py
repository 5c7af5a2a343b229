"""The part that a folder or an entry of a table is named for, in any usual spelling."""

import re
from typing import NamedTuple

from dasbench.datasets.dataset import Part

WORDS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "validating", "dev", "devel", "development"),
    "test": ("test", "testing", "tst"),
}
"""What a part is called, in lower case."""

BESIDE = (
    "(?:set|sets|data|image|images|img|imgs|photo|photos|picture|pictures|"
    "split|part|subset|folder)*"
)
"""What may stand beside such a word and says nothing: `train_set`, `images-test`."""

SPELLINGS = {
    part: re.compile(f"{BESIDE}(?:{'|'.join(words)}){BESIDE}") for part, words in WORDS.items()
}


def part_named(name: str) -> Part | None:
    """The part that a name means; None if it means none, or more than one (`trainval`).

    Upper and lower case are the same, and so are `train`, `train_set`, `TrainImages`, `train2017`
    and `01-train`.

    Args:
        name: of a folder, or the entry of a table.

    Example:
        >>> [part_named(name) for name in ("Training", "valid", "test_set", "cat", "trainval")]
        ['train', 'val', 'test', None, None]
    """
    letters = re.sub(r"^[\d\W_]+|[\s_.-]+|[\d\W_]+$", "", name.lower())
    found = [part for part, spelling in SPELLINGS.items() if spelling.fullmatch(letters)]
    if len(found) != 1:
        return None
    return found[0]


class PartWithin(NamedTuple):
    """A part that a name holds among other words (`cat_train`).

    Args:
        part: what it means.
        rest: the other words, in lower case.
    """

    part: Part
    rest: tuple[str, ...]


def part_within(name: str) -> PartWithin | None:
    """The one part that a word of a name means, and the other words.

    None if there is no such word, or several.

    Example:
        >>> part_within("cat_train"), part_within("trainA").rest, part_within("cat")
        (PartWithin(part='train', rest=('cat',)), ('a',), None)
    """
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    meant = {word.lower(): part_named(word) for word in words}
    parts: list[Part] = list(filter(None, meant.values()))
    if len(parts) != 1:
        return None
    return PartWithin(parts[0], tuple(word for word in meant if not meant[word]))
