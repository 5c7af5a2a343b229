"""What every component says of itself: a summary, its parameters, where it comes from."""

import inspect

from dasbench.components.entry import Entry
from dasbench.components.traits import Traits


def check_documentation(entry: Entry[object, Traits]) -> None:
    """Check that a component has a summary, a source, and a line for each of its parameters."""
    check_docstring(entry)
    assert entry.source, f"{entry}: register it with a source"


def check_docstring(entry: Entry[object, Traits]) -> None:
    """Check that a component, which may be of nobody else's, says what its parameters mean."""
    text = inspect.getdoc(entry.make) or ""
    is_sentence = entry.summary.endswith((".", "?"))
    assert is_sentence, f"{entry}: the docstring's first line is no sentence"
    missing = [parameter.name for parameter in entry.parameters if parameter.name not in text]
    assert not missing, f"{entry}: the docstring does not say what {', '.join(missing)} means"
