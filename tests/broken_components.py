"""What tests of contracts have in common: components that are broken, and gone after the test."""

import pytest


def refusal(check, name):
    """What a contract finds wrong in a component."""
    with pytest.raises(AssertionError) as caught:
        check(name)
    return str(caught.value)


def forget(registry, module):
    """Take what a module has registered out of a registry."""
    for entry in registry.entries():
        if entry.place.module == module:
            del registry._entries[entry.name]
