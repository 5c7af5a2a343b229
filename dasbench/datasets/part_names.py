"""The part of a data set that a folder or an entry of a table is named for, in any usual spelling."""

import re

from dasbench.datasets.dataset import Part

PARTS: tuple[Part, ...] = ("train", "val", "test")
"""In the order in which they are named and read."""

WORDS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "validating", "dev", "devel", "development"),
    "test": ("test", "testing", "tst"),
}
"""What a part is called, in lower case."""

BESIDE = r"(?:set|sets|data|image|images|img|imgs|photo|photos|picture|pictures|split|part|subset|folder)*"
"""What may stand beside such a word and says nothing: `train_set`, `images-test`."""

SPELLINGS = {part: re.compile(BESIDE + "(?:" + "|".join(words) + ")" + BESIDE) for part, words in WORDS.items()}


def part_named(name: str) -> Part | None:
    """The part that a name means; None if it means none, or more than one (`trainval`).

    Upper and lower case are the same, and so are `train`, `train_set`, `TrainImages`, `train2017` and `01-train`.

    Args:
        name: of a folder, or the entry of a table.

    Example:
        >>> [part_named(name) for name in ("Training", "valid", "test_set", "cat", "trainval")]
        ['train', 'val', 'test', None, None]
    """
    letters = re.sub(r"^[\d\W_]+|[\s_.-]+|[\d\W_]+$", "", name.lower())
    found = [part for part, spelling in SPELLINGS.items() if spelling.fullmatch(letters)]
    return found[0] if len(found) == 1 else None
