"""What tests of contracts have in common: what is said of a component that is broken."""

import pytest


def refusal(check, name):
    """What a contract finds wrong in a component."""
    with pytest.raises(AssertionError) as caught:
        check(name)
    return str(caught.value)
