"""What a study asks, as it stands above tables and figures."""

from dataclasses import replace

from dasbench.views.selection import Selection


def question_title(question: str, *, probe: bool) -> str:
    """A study's question, with a mark where the scores are a formula's.

    Example:
        >>> question_title("Which?", probe=True)
        'Which? (probe: a formula, nothing was trained)'
    """
    if probe:
        return f"{question} (probe: a formula, nothing was trained)"
    return question


def with_title(selection: Selection) -> Selection:
    """The selection as figures take it: with its question as it stands above them."""
    return replace(selection, question=question_title(selection.question, probe=selection.probe))
