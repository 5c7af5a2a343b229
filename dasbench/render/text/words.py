"""Numbers with their nouns, as tables and prose write them."""

BASE = "(the base)"
"""What a variant is called in which nothing varies."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    Args:
        number: how many there are.
        noun: what one of them is called.
        plural: what several are called, if another `s` is not right.

    Example:
        >>> counted(1, "trial"), counted(1200, "trial"), counted(0, "class", "classes")
        ('1 trial', '1,200 trials', '0 classes')
    """
    several = plural or f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"
