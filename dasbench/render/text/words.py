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
    return f"{number:,} {agreeing(number, noun, plural or f'{noun}s')}"


def agreeing(number: float, one: str, several: str) -> str:
    """The form of a word that goes with a number.

    Example:
        >>> agreeing(1, "is", "are"), agreeing(0, "is", "are")
        ('is', 'are')
    """
    return one if number == 1 else several


def in_brackets(text: str) -> str:
    """A text that stands in brackets behind another; nothing where there is none.

    Example:
        >>> f"top1{in_brackets('%')}", f"loss{in_brackets('')}"
        ('top1 (%)', 'loss')
    """
    if not text:
        return ""
    return f" ({text})"


def sentence(text: str) -> str:
    """A text with an end.

    Example:
        >>> sentence("Which gate?"), sentence("Which gate")
        ('Which gate?', 'Which gate.')
    """
    if text.rstrip().endswith((".", "?", "!", ":")):
        return text
    return f"{text}."
